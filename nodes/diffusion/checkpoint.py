"""Single-file checkpoints: the loaders of the three parts of a model.

Each reads only its own tensors, onto a module that was built without memory of its own; no hub is ever asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from engine.errors import UnknownFormat
from engine.models import Load
from nodes.diffusion import keys, tokenizer
from nodes.diffusion.building import built, filled
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import Family, recognise, with_markers
from nodes.diffusion.files import TensorSource, open_source, torch_dtype
from nodes.diffusion.layout import plain
from nodes.diffusion.networks.unet import UNet
from nodes.diffusion.parametrisation import discrete
from nodes.diffusion.text import ClipText
from nodes.diffusion.vae import KlAutoEncoder, Vae


def load_denoiser(load: Load) -> Denoiser:
	"""The UNet with its noise schedule: a `Loader` of `DiffusionModel`."""
	file, family = _opened(load.path)
	config = _config(file, 'unet_config', family.unet)
	unet = built(lambda: _from_config(UNet2DConditionModel, config), file.path, 'UNet')
	_fill(unet, file, keys.unet_names(config), part='UNet', prefix=keys.UNET, load=load)
	scheduler = with_markers(_config(file, 'scheduler_config', family.scheduler), file.shapes)
	vae = _config(file, 'vae_config', family.vae)
	rgb = file.json('latent_rgb') or family.latents.rgb
	return Denoiser(
		network=UNet(unet),
		parametrisation=discrete(scheduler, str(load.path)),
		latents=replace(
			family.latents, channels=config['in_channels'], scale=vae['scaling_factor'], rgb=tuple(map(tuple, rgb))
		),
		family=family.name,
	)


def load_text_encoder(load: Load) -> ClipText:
	"""The text encoder with its tokenizer: a `Loader` of `TextEncoder`."""
	file, family = _opened(load.path)
	config = _config(file, 'text_encoder_config', family.text_encoder)
	model = built(lambda: CLIPTextModel(CLIPTextConfig.from_dict(config)), file.path, 'text encoder')
	names = keys.text_names(config)
	modules = {name: names.get(keys.bare_text_name(name), '') for name in model.state_dict()}
	_fill(model, file, modules, part='text encoder', prefix=keys.TEXT, load=load)
	return ClipText(model, _tokenizer(file), length=config['max_position_embeddings'])


def load_autoencoder(load: Load) -> Vae:
	"""The VAE: a `Loader` of `AutoEncoder`."""
	file, family = _opened(load.path)
	config = _config(file, 'vae_config', family.vae)
	model = built(lambda: _from_config(AutoencoderKL, config), file.path, 'VAE')
	_fill(model, file, keys.vae_names(config), part='VAE', prefix=keys.VAE, load=load)
	# diffusers wraps encode and decode in decorators that lose their types.
	return Vae(
		cast(KlAutoEncoder, model),
		factor=2 ** (len(config['block_out_channels']) - 1),
		nbytes=sum(weight.nbytes for weight in model.parameters()),
	)


def _opened(path: Path) -> tuple[TensorSource, Family]:
	file = open_source(path)
	return file, recognise(file.shapes)


def _config(file: TensorSource, name: str, default: keys.Config) -> dict[str, Any]:
	"""The family's config, overlaid with what the file's metadata says."""
	given = file.json(name) or {}
	if not isinstance(given, dict):
		raise UnknownFormat(file.path, f'its metadata entry {name!r} is no config')
	return {**default, **given}


def _from_config(cls: type[object], config: keys.Config) -> torch.nn.Module:
	# diffusers' from_config has no annotations.
	module: torch.nn.Module = cast(Any, cls).from_config(config)
	return module


def _fill(
	module: torch.nn.Module, file: TensorSource, names: Mapping[str, str], *, part: str, prefix: str, load: Load
) -> None:
	"""Read a module's tensors; `names` says for each how the file calls it."""
	layout = plain({name: stored.removeprefix(prefix) for name, stored in names.items()})
	dtype = torch_dtype(load.dtype)
	filled(module, file, layout, part=part, load=load, dtype=dtype, prefix=prefix, spellings=keys.spellings)


def _tokenizer(file: TensorSource) -> tokenizer.ClipTokenizer:
	vocabulary, merges = file.metadata.get('tokenizer_vocab'), file.metadata.get('tokenizer_merges')
	if vocabulary is None or merges is None:
		return tokenizer.from_openai_clip()
	try:
		return tokenizer.from_metadata(vocabulary, merges)
	except (ValueError, KeyError, AttributeError) as error:
		raise UnknownFormat(file.path, 'its metadata describe no tokenizer that can be built') from error
