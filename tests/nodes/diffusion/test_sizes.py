from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.sizes import measure


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

	def test_a_damaged_file(self, tmp_path: Path) -> None:
		"""Nothing is told of it: its loader says what is wrong."""
		path = tmp_path / 'a.safetensors'
		path.write_bytes(b'nothing')

		assert measure(Load((path,), 'vae')) is None
