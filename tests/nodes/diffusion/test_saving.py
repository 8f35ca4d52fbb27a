"""Parts of models into files: each family in its published layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import ModelError
from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.layout import Piece, independent
from nodes.diffusion.saving import alone, narrowed, whole, write
from tests import tiny
from tests.nodes.test_save_model import alike
from tests.tiny_transformers import save_parts, save_whole

KINDS = ('sd3', 'sd3.5', 'flux', 'flux-schnell', 'flux2', 'qwen-image', 'z-image')


class TestFamilies:
	"""What is read from a published file is written as that file."""

	@pytest.mark.parametrize('kind', KINDS)
	def test_denoiser_and_vae(self, kind: str, tmp_path: Path) -> None:
		"""Fused and swapped matrices are put together again; a whole checkpoint's prefix is all that is new."""
		files = save_parts(tmp_path, kind)
		denoiser, vae = load_denoiser(Load((files.denoiser,), 'denoiser')), load_autoencoder(Load((files.vae,), 'vae'))
		for name, sections in (('denoiser', whole(denoiser)), ('vae', alone(vae))):
			with (tmp_path / f'{name}.out').open('wb') as stream:
				write(stream, sections, {})
		ours = load_file(tmp_path / 'denoiser.out')

		assert alike(
			{name.removeprefix('model.diffusion_model.'): one for name, one in ours.items()}, load_file(files.denoiser)
		)
		assert alike(load_file(tmp_path / 'vae.out'), load_file(files.vae))

	@pytest.mark.parametrize('kind', KINDS)
	def test_text_encoders(self, kind: str, tmp_path: Path) -> None:
		"""With the layers that nobody listens to, and the vocabulary."""
		files = save_parts(tmp_path, kind)
		types = {'sd3.5': 'sd3', 'flux-schnell': 'flux', 'qwen-image': 'qwen_image', 'z-image': 'lumina2'}
		texts = load_text_encoder(Load(files.texts, 'text', option=types.get(kind, kind)))
		sections = alone(texts)
		for section in sections:
			with (tmp_path / 'text.out').open('wb') as stream:
				write(stream, [section], {})

			assert alike(load_file(tmp_path / 'text.out'), load_file(section.origin.source.path))
		assert {section.origin.source.path for section in sections} == {*files.texts}

	@pytest.mark.parametrize('kind', ['sd3', 'flux'])
	def test_whole_checkpoints(self, kind: str, tmp_path: Path) -> None:
		"""All parts in one file, each in its place."""
		path, out = tmp_path / 'whole.safetensors', tmp_path / 'out.safetensors'
		save_whole(path, kind)
		parts = (
			load_denoiser(Load((path,), 'denoiser')),
			load_text_encoder(Load((path,), 'text')),
			load_autoencoder(Load((path,), 'vae')),
		)
		with out.open('wb') as stream:
			write(stream, [section for part in parts for section in whole(part)], {})

		assert alike(load_file(out), load_file(path))


class TestPrecision:
	"""Weights are written as their file keeps them."""

	def test_what_is_held_in_less_is_to_be_read_anew(self, tmp_path: Path) -> None:
		"""float32 in memory loses nothing; bfloat16 of a file in float16 does."""
		path = tmp_path / 'half.safetensors'
		save_file({name: tensor.half() for name, tensor in tiny.tensors().items()}, path, tiny.metadata())

		assert narrowed(load_denoiser(Load((path,), 'denoiser', 'bfloat16'))) == 'float16'
		assert narrowed(load_denoiser(Load((path,), 'denoiser', 'float16'))) is None
		assert narrowed(load_denoiser(Load((path,), 'denoiser', 'float32'))) is None
		assert whole(load_denoiser(Load((path,), 'denoiser')))[0].dtype == torch.float16

	def test_coded_weights_become_numbers(self, tmp_path: Path) -> None:
		"""In the precision that they are computed with, however they are kept in memory."""
		path, out = tmp_path / 'tiny.safetensors', tmp_path / 'out.safetensors'
		tiny.save_checkpoint(path)
		coded = load_denoiser(Load((path,), 'denoiser', 'fp8_e4m3fn'))
		with out.open('wb') as stream:
			write(stream, whole(coded), {})
		again = load_denoiser(Load((out,), 'denoiser'))
		(target,) = coded.targets()

		assert any(target.coded(name) for name in target.tensors)
		for name, weight in again.targets()[0].tensors.items():
			assert torch.equal(weight, target.numbers(name))

	def test_streamed_weights_are_refused(self, tmp_path: Path) -> None:
		"""They are not all there."""
		path = tmp_path / 'tiny.safetensors'
		tiny.save_checkpoint(path)
		nbytes = load_denoiser(Load((path,), 'denoiser')).nbytes
		streamed = load_denoiser(Load((path,), 'denoiser', room=nbytes // 2))

		with pytest.raises(ModelError, match=r'tiny\.safetensors cannot be saved: it is too large'):
			whole(streamed)


class TestIndependent:
	"""What has to be put together at once."""

	def test_tensors_that_share_one_of_the_file_are_together(self) -> None:
		"""Over several of them, if need be; the others are apart."""
		layout = {
			'q': (Piece('qkv', 0, 2),),
			'k': (Piece('qkv', 2, 4), Piece('rest', 0, 1)),
			'other': (Piece('other'),),
			'tail': (Piece('rest', 1, 2),),
		}

		assert sorted(sorted(group) for group in independent(layout)) == [['k', 'q', 'tail'], ['other']]
