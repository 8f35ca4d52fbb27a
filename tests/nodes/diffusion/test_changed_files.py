"""Files that are cut short, written to or replaced while a model is streamed from them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor
from torch.nn import Linear

from engine.errors import ModelError, ModelFileChanged
from engine.models import FileDigest, Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.load import DENOISER, add_loaders
from nodes.values import DiffusionModel, ModelInputs
from tests import tiny, tiny_unets
from tests.nodes.diffusion.gguf_files import write_gguf


def safetensors(folder: Path) -> tuple[Path, Path]:
	"""What is loaded, and the file that it is streamed from."""
	path = folder / 'model.safetensors'
	tiny.save_checkpoint(path)
	return path, path


def unet() -> dict[str, Tensor]:
	"""A UNet that its shapes alone describe, as they must in formats without metadata of ours."""
	whole = tiny_unets.model('sd1').whole()
	return {name: one.detach() for name, one in whole.items() if name.startswith(tiny.CHECKPOINT)}


def gguf(folder: Path) -> tuple[Path, Path]:
	path = write_gguf(folder / 'model.gguf', unet(), 'sd1')
	return path, path


def pickled(folder: Path) -> tuple[Path, Path]:
	path = folder / 'model.ckpt'
	torch.save({'state_dict': unet()}, path)
	return path, path


def directory(folder: Path) -> tuple[Path, Path]:
	path = folder / 'model'
	tiny.save_folder(path)
	return path, next((path / 'unet').glob('*.safetensors'))


CROSS = 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k'
FORMATS = [safetensors, gguf, pickled, directory]


def denoised(model: DiffusionModel) -> Tensor:
	"""What a model makes of a latent."""
	assert isinstance(model, Denoiser)
	listens = cast(Linear, model.network.module.get_submodule(CROSS))
	torch.manual_seed(2)
	return model.denoise(
		torch.randn(1, 4, 8, 8), torch.tensor([3.0]), ModelInputs(torch.randn(1, 77, listens.in_features))
	)


def streamed(path: Path) -> Denoiser:
	"""It has half the room that it would take."""
	whole = load_denoiser(Load((path,), DENOISER))
	return load_denoiser(Load((path,), DENOISER, room=whole.nbytes // 2))


def written_to(path: Path) -> None:
	"""Other values in the same places."""
	size, state = path.stat().st_size, path.stat()
	with path.open('r+b') as file:
		file.seek(size // 2)
		file.write(bytes(100))
	os.utime(path, ns=(0, state.st_mtime_ns + 1))


@pytest.mark.parametrize('write', FORMATS)
class TestStreaming:
	@pytest.mark.parametrize(
		('change', 'reason'),
		[
			(lambda path: os.truncate(path, path.stat().st_size // 3), r'bytes are left'),
			(lambda path: os.truncate(path, 0), r'only 0 of its'),
			(written_to, 'written to'),
		],
	)
	def test_a_changed_file_is_told(
		self,
		write: Callable[[Path], tuple[Path, Path]],
		change: Callable[[Path], None],
		reason: str,
		tmp_path: Path,
	) -> None:
		"""By its name, in the pass that comes upon it; the process lives on, and so does what is in memory."""
		path, file = write(tmp_path)
		model = streamed(path)
		denoised(model)
		change(file)

		for _ in range(2):
			with pytest.raises(ModelFileChanged, match=rf'{file.name} has changed.*{reason}'):
				denoised(model)

	def test_a_file_that_another_takes_the_place_of(
		self, write: Callable[[Path], tuple[Path, Path]], tmp_path: Path
	) -> None:
		"""What is streamed is the model that was loaded."""
		path, file = write(tmp_path)
		model = streamed(path)
		before = denoised(model)
		other = tmp_path / 'other'
		other.write_bytes(b'another download')
		other.replace(file)

		assert torch.equal(denoised(model), before)


@pytest.mark.parametrize('write', FORMATS)
def test_a_file_that_shrinks_while_it_is_read(write: Callable[[Path], tuple[Path, Path]], tmp_path: Path) -> None:
	"""After its header was read, before or between its tensors: the load fails with its name."""
	path, file = write(tmp_path)

	def shrink(phase: str, done: int, total: int) -> None:
		os.truncate(file, min(file.stat().st_size, 20_000))

	with pytest.raises(ModelFileChanged, match=file.name):
		load_denoiser(Load((path,), DENOISER, on_progress=shrink))


class TestStore:
	def test_it_is_loaded_anew_from_what_is_there_then(self, tmp_path: Path) -> None:
		"""The broken one is dropped with the error; nobody gets it again."""
		path, _ = safetensors(tmp_path)
		kept = shutil.copy(path, tmp_path / 'kept')
		loaders = Loaders()
		add_loaders(loaders)
		nbytes = load_denoiser(Load((path,), DENOISER)).nbytes
		store = ModelStore(loaders, lambda digest: path, budget=nbytes * 3 // 4)
		ref: ModelRef[DiffusionModel] = ModelRef(FileDigest('one'), DENOISER)

		def use() -> Tensor:
			with store.use(ref) as model:
				return denoised(model)

		before = use()
		os.truncate(path, path.stat().st_size // 2)
		with pytest.raises(ModelFileChanged, match=r'model\.safetensors'):
			use()

		assert store.residents() == ()
		with pytest.raises(ModelError, match='not complete'):
			use()
		Path(kept).replace(path)
		assert torch.equal(use(), before)
