"""One tiny checkpoint of each prediction, its parts loaded once, and one thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.models import Load
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.text.towers import Towers
from nodes.diffusion.vae import Vae
from tests import tiny


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
	"""Tensors are tiny here: threads would only wait for each other."""
	before = torch.get_num_threads()
	torch.set_num_threads(1)
	yield
	torch.set_num_threads(before)


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A tiny checkpoint that predicts noise."""
	path = tmp_path_factory.mktemp('eps') / 'tiny.safetensors'
	tiny.save_checkpoint(path)
	return path


@pytest.fixture(scope='session')
def v_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A tiny checkpoint that predicts v, with zero terminal SNR."""
	path = tmp_path_factory.mktemp('v') / 'tiny.safetensors'
	tiny.save_checkpoint(path, prediction='v')
	return path


@pytest.fixture(scope='session')
def denoiser(checkpoint: Path) -> Denoiser:
	return load_denoiser(Load((checkpoint,), 'any'))


@pytest.fixture(scope='session')
def text(checkpoint: Path) -> Towers:
	return load_text_encoder(Load((checkpoint,), 'any'))


@pytest.fixture(scope='session')
def vae(checkpoint: Path) -> Vae:
	return load_autoencoder(Load((checkpoint,), 'any'))
