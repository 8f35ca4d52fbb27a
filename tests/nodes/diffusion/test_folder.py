"""Models as folders in diffusers' layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import UnknownFormat
from engine.modelfile import read_shapes
from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.folder import open_part
from nodes.values import Latent, ModelInputs
from tests import tiny

UNET = 'unet/diffusion_pytorch_model.safetensors'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
	"""The tiny checkpoint's model as a folder."""
	tiny.save_folder(tmp_path / 'model')
	return tmp_path / 'model'


def in_pieces(file: Path, index: str, count: int = 3) -> None:
	"""Put a part's tensors into several files, with an index."""
	tensors = load_file(file)
	pieces = {name: f'piece-{number % count}.safetensors' for number, name in enumerate(tensors)}
	for piece in set(pieces.values()):
		save_file({name: tensors[name] for name, there in pieces.items() if there == piece}, file.parent / piece)
	(file.parent / index).write_text(json.dumps({'weight_map': pieces}))
	file.unlink()


class TestLoading:
	def test_all_parts_say_what_those_of_a_single_file_say(self, folder: Path, checkpoint: Path) -> None:
		"""Weights, configs, noise schedule and vocabulary."""
		one, other = Load((folder,), 'any'), Load((checkpoint,), 'any')
		latent, sigma = torch.randn(1, 4, 8, 8), torch.tensor([2.0])
		prompts = [load_text_encoder(load).encode('a red cat').prompts[0].embedding for load in (one, other)]
		inputs = ModelInputs(prompts[1])
		denoised = [load_denoiser(load).denoise(latent, sigma, inputs) for load in (one, other)]
		pixels = [load_autoencoder(load).decode(Latent(latent)).pixels for load in (one, other)]

		for pair in (prompts, denoised, pixels):
			assert torch.equal(*pair)

	@pytest.mark.parametrize(
		('name', 'kept'),
		[
			('diffusion_pytorch_model.fp16.safetensors', None),
			('diffusion_pytorch_model.bin', lambda tensors, path: torch.save(tensors, path)),
		],
	)
	def test_other_names_of_weights_are_found(
		self, name: str, kept: Callable[[object, Path], None] | None, folder: Path
	) -> None:
		"""Variants, and pickles of older versions."""
		shapes = open_part(folder, ['unet']).shapes
		if kept is None:
			(folder / UNET).rename(folder / 'unet' / name)
		else:
			kept(load_file(folder / UNET), folder / 'unet' / name)
			(folder / UNET).unlink()

		assert open_part(folder, ['unet']).shapes == shapes

	@pytest.mark.parametrize(
		'index',
		['diffusion_pytorch_model.safetensors.index.json', 'diffusion_pytorch_model.safetensors.index.fp16.json'],
	)
	def test_weights_may_be_in_pieces(self, index: str, folder: Path, checkpoint: Path) -> None:
		"""Each tensor is read from its file."""
		in_pieces(folder / UNET, index)
		inputs = ModelInputs(torch.zeros(1, 77, tiny.WIDTH))
		x, sigma = torch.randn(1, 4, 8, 8), torch.tensor([2.0])

		denoised = load_denoiser(Load((folder,), 'any')).denoise(x, sigma, inputs)

		assert torch.equal(denoised, load_denoiser(Load((checkpoint,), 'any')).denoise(x, sigma, inputs))
		assert read_shapes(folder) == open_part(folder, ['unet']).shapes


class TestFaults:
	def test_parts_that_are_not_there(self, folder: Path) -> None:
		"""The error names the folder and the part."""
		shutil.rmtree(folder / 'vae')

		with pytest.raises(UnknownFormat, match='model cannot be read as a model file: it holds no folder vae'):
			load_autoencoder(Load((folder,), 'any'))

	def test_parts_without_weights(self, folder: Path) -> None:
		"""The error says what was looked for."""
		(folder / UNET).unlink()

		with pytest.raises(UnknownFormat, match=r'unet cannot be read.*no weights, such as diffusion_pytorch_model\.'):
			load_denoiser(Load((folder,), 'any'))

	@pytest.mark.parametrize(
		('index', 'reason'),
		[
			('{', 'it is no JSON'),
			('{}', 'it tells of no weights'),
			('{"weight_map": {"a": "../b.safetensors"}}', 'names a file that is not beside it'),
			('{"weight_map": {"a": "b.safetensors"}}', r'of its 1 files 1 are missing: b\.safetensors'),
		],
	)
	def test_bad_indexes(self, index: str, reason: str, folder: Path) -> None:
		"""An index is data from outside."""
		(folder / 'unet' / 'diffusion_pytorch_model.safetensors.index.json').write_text(index)

		with pytest.raises(UnknownFormat, match=reason):
			open_part(folder, ['unet'])

	def test_a_tensor_in_two_pieces(self, folder: Path) -> None:
		"""Nobody knows which of them counts."""
		in_pieces(folder / UNET, 'diffusion_pytorch_model.safetensors.index.json')
		piece = folder / 'unet' / 'piece-0.safetensors'
		shutil.copy(piece, piece.with_name('piece-1.safetensors'))

		with pytest.raises(UnknownFormat, match=r'its tensor .* is in piece-.\.safetensors too'):
			open_part(folder, ['unet'])

	def test_configs_that_are_no_text(self, folder: Path) -> None:
		"""The error names the file."""
		(folder / 'vae' / 'config.json').write_bytes(b'\xff\xfe\x00')

		with pytest.raises(UnknownFormat, match=r'config\.json cannot be read.*it is no text'):
			load_autoencoder(Load((folder,), 'any'))
