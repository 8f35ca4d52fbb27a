"""A tiny denoiser and a tiny text encoder to patch, and files to patch them with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.models import FileDigest, Load
from nodes.diffusion.checkpoint import load_denoiser, load_text_encoder
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.text.towers import Towers
from tests import tiny

Write = Callable[[Mapping[str, Tensor]], FileDigest]


class Files:
	"""Files by digest, as a catalogue would find them."""

	def __init__(self, folder: Path) -> None:
		self._folder = folder
		self._paths: dict[FileDigest, Path] = {}

	def write(self, tensors: Mapping[str, Tensor], name: str = 'patch.safetensors') -> FileDigest:
		"""Write a file of these tensors."""
		digest = FileDigest(f'{len(self._paths)}')
		path = self._folder / f'{digest}-{name}'
		save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path)
		self._paths[digest] = path
		return digest

	@property
	def load(self) -> Load:
		"""What `patched` is handed."""
		return Load((), 'part', finder=self._paths.__getitem__)


@pytest.fixture
def files(tmp_path: Path) -> Files:
	"""No file yet."""
	return Files(tmp_path)


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A tiny checkpoint."""
	path = tmp_path_factory.mktemp('patches') / 'tiny.safetensors'
	tiny.save_checkpoint(path)
	return path


@pytest.fixture
def denoiser(checkpoint: Path) -> Denoiser:
	"""The tiny checkpoint's denoiser."""
	return load_denoiser(Load((checkpoint,), 'denoiser'))


@pytest.fixture
def encoder(checkpoint: Path) -> Towers:
	"""The tiny checkpoint's text encoder."""
	return load_text_encoder(Load((checkpoint,), 'text'))


def weights(model: Denoiser | Towers) -> dict[str, Tensor]:
	"""The parameters of a model, by name; not copied."""
	return {name: tensor for target in model.targets() for name, tensor in target.tensors.items()}


def noise(*shape: int, seed: int = 1) -> Tensor:
	"""Numbers around 0 that follow from shape and seed."""
	return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))
