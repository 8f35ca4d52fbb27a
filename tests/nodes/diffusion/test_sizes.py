from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType
from safetensors.torch import save_file
from torch import Tensor

from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.sizes import computed_width, known_width, measure
from tests import tiny, tiny_unets
from tests.nodes.diffusion.gguf_files import write_gguf

DENOISER = 'model.diffusion_model.'


def can_be_blocks(tensor: Tensor) -> bool:
	"""Whether its rows divide into ggml's blocks of 32."""
	return tensor.dim() == 2 and tensor.shape[1] % 32 == 0


class TestMeasure:
	@pytest.mark.parametrize('dtype', ['auto', 'bfloat16'])
	def test_parts_of_a_checkpoint(self, checkpoint: Path, dtype: str) -> None:
		"""What is told beforehand is what they take, in the precision that they are loaded in."""
		for part, loader in (('denoiser', load_denoiser), ('text', load_text_encoder), ('vae', load_autoencoder)):
			load = Load((checkpoint,), part, dtype)

			size = measure(load)

			assert size is not None
			assert size.nbytes == pytest.approx(loader(load).nbytes, rel=0.01)

	def test_files_of_one_part(self, tmp_path: Path) -> None:
		"""All of their tensors count; the least is the largest one."""
		paths = (tmp_path / 'a.safetensors', tmp_path / 'b.safetensors')
		for path in paths:
			save_file({'x.weight': torch.zeros(3, 5, dtype=torch.float16), 'y': torch.zeros(2)}, path)

		assert measure(Load(paths, 'text', 'float16')) == (2 * 17 * 2, 15 * 2)

	def test_every_format(self, checkpoint: Path, tmp_path: Path) -> None:
		"""Folders, pickled files and GGUF are told of as well, so that room is made for them, and they can be streamed."""
		tensors = tiny_unets.model('sd1').whole()
		torch.save(tensors, tmp_path / 'a.ckpt')
		tiny.save_folder(tmp_path / 'folder')
		unet = {name: tensor for name, tensor in tensors.items() if name.startswith(DENOISER)}
		kinds = dict.fromkeys(
			(name for name, tensor in unet.items() if can_be_blocks(tensor)), GGMLQuantizationType.Q8_0
		)
		write_gguf(tmp_path / 'a.gguf', unet, 'sd1', kinds)

		for path in (tmp_path / 'a.ckpt', tmp_path / 'folder', tmp_path / 'a.gguf'):
			load = Load((path,), 'denoiser')
			size = measure(load)

			assert size is not None
			assert size.nbytes == pytest.approx(load_denoiser(load).nbytes, rel=0.01)
			assert size.least

		text = measure(Load((tmp_path / 'folder',), 'text'))
		assert text is not None
		assert text.nbytes == pytest.approx(load_text_encoder(Load((checkpoint,), 'text')).nbytes, rel=0.01)

	def test_weights_kept_in_eight_bits(self, checkpoint: Path) -> None:
		"""Only those of layers are; norms and biases stay as they are computed with."""
		load = Load((checkpoint,), 'denoiser', 'fp8_e4m3fn')
		size = measure(load)

		assert size is not None
		assert size.nbytes == pytest.approx(load_denoiser(load).nbytes, rel=0.01)

	def test_a_damaged_file(self, tmp_path: Path) -> None:
		"""Nothing is told of it: its loader says what is wrong."""
		path = tmp_path / 'a.safetensors'
		path.write_bytes(b'nothing')

		assert measure(Load((path,), 'vae')) is None


class TestWidths:
	@pytest.mark.parametrize(('dtype', 'width'), [('auto', 4), ('float16', 2), ('bfloat16', 2), ('fp8_e4m3fn', 4)])
	def test_what_is_computed_with(self, checkpoint: Path, dtype: str, width: int) -> None:
		"""Whatever weights are kept in: what is kept in eight bits is computed with as by itself."""
		assert computed_width(Load((checkpoint,), 'denoiser', dtype)) == width

	def test_of_no_model(self, tmp_path: Path) -> None:
		"""Nothing is known."""
		(tmp_path / 'a.safetensors').write_bytes(b'no')

		assert known_width(Load((tmp_path / 'a.safetensors',), 'denoiser')) == 0
		assert known_width(Load((tmp_path / 'gone.safetensors',), 'denoiser')) == 0
