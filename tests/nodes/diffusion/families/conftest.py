"""One tiny model of each kind, made once, and its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny_unets


@pytest.fixture(scope='session', params=tiny_unets.UNETS)
def model(request: pytest.FixtureRequest) -> tiny_unets.Model:
	"""Each kind of model with a UNet."""
	return tiny_unets.model(request.param)


@pytest.fixture(scope='session')
def whole(model: tiny_unets.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""All of it as a single file in the original layout."""
	return tiny_unets.save(tmp_path_factory.mktemp('whole') / 'model.safetensors', model.whole())


@pytest.fixture(scope='session')
def components(model: tiny_unets.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""All of it under the names that diffusers' folders give to components. CLIP-H there lacks its last layer."""
	kept = {f'unet.{name}': tensor for name, tensor in model.unet.state_dict().items()}
	kept |= {f'vae.{name}': tensor for name, tensor in model.vae.state_dict().items()}
	for name, tower in model.towers.items():
		component = 'text_encoder_2' if name == 'clip_g' else 'text_encoder'
		state = tower.state_dict().items()
		kept |= {f'{component}.{key}': tensor for key, tensor in state if name != 'clip_h' or '.layers.23.' not in key}
	return tiny_unets.save(tmp_path_factory.mktemp('components') / 'model.safetensors', kept)


@pytest.fixture(scope='session')
def folder(model: tiny_unets.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""Each part as a file of its own, in the layouts of diffusers and transformers."""
	path = tmp_path_factory.mktemp('parts')
	tiny_unets.save(path / 'unet.safetensors', model.unet.state_dict())
	tiny_unets.save(path / 'vae.safetensors', model.vae.state_dict())
	for name, tower in model.towers.items():
		tiny_unets.save(path / f'{name}.safetensors', tower.state_dict())
	return path
