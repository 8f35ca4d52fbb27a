"""Single-file checkpoints: the loaders of the three parts of a model.

Each reads only its own tensors, onto a module that was built without memory of its own; no hub is ever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from engine.cancel import CancelToken
from engine.errors import UnknownFormat
from nodes.diffusion import keys, tokenizer
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.families import Family, recognise, with_markers
from nodes.diffusion.files import TensorFile, open_file, torch_dtype
from nodes.diffusion.interrupt import interruptible
from nodes.diffusion.networks.unet import UNet
from nodes.diffusion.parametrisation import discrete
from nodes.diffusion.text import ClipText
from nodes.diffusion.vae import KlAutoEncoder, Vae

SHOWN = 3
"""How many tensor names an error tells."""

M = TypeVar('M', bound=torch.nn.Module)


def load_denoiser(path: Path, *, dtype: str, cancel: CancelToken) -> Denoiser:
	"""The UNet with its noise schedule: a `Loader` of `DiffusionModel`."""
	file, family = _opened(path)
	config = _config(file, 'unet_config', family.unet)
	unet = _built(file, 'UNet', lambda: _from_config(UNet2DConditionModel, config))
	_fill(unet, file, keys.unet_names(config), part='UNet', prefix=keys.UNET, dtype=dtype, cancel=cancel)
	scheduler = with_markers(_config(file, 'scheduler_config', family.scheduler), file.shapes)
	vae = _config(file, 'vae_config', family.vae)
	rgb = file.json('latent_rgb') or family.latents.rgb
	return Denoiser(
		network=UNet(unet),
		parametrisation=discrete(scheduler, str(path)),
		latents=replace(
			family.latents, channels=config['in_channels'], scale=vae['scaling_factor'], rgb=tuple(map(tuple, rgb))
		),
		family=family.name,
	)


def load_text_encoder(path: Path, *, dtype: str, cancel: CancelToken) -> ClipText:
	"""The text encoder with its tokenizer: a `Loader` of `TextEncoder`."""
	file, family = _opened(path)
	config = _config(file, 'text_encoder_config', family.text_encoder)
	model = _built(file, 'text encoder', lambda: CLIPTextModel(CLIPTextConfig.from_dict(config)))
	names = keys.text_names(config)
	modules = {name: names.get(keys.bare_text_name(name), '') for name in model.state_dict()}
	_fill(model, file, modules, part='text encoder', prefix=keys.TEXT, dtype=dtype, cancel=cancel)
	return ClipText(model, _tokenizer(file), length=config['max_position_embeddings'])


def load_autoencoder(path: Path, *, dtype: str, cancel: CancelToken) -> Vae:
	"""The VAE: a `Loader` of `AutoEncoder`."""
	file, family = _opened(path)
	config = _config(file, 'vae_config', family.vae)
	model = _built(file, 'VAE', lambda: _from_config(AutoencoderKL, config))
	_fill(model, file, keys.vae_names(config), part='VAE', prefix=keys.VAE, dtype=dtype, cancel=cancel)
	# diffusers wraps encode and decode in decorators that lose their types.
	return Vae(
		cast(KlAutoEncoder, model),
		factor=2 ** (len(config['block_out_channels']) - 1),
		nbytes=sum(weight.nbytes for weight in model.parameters()),
	)


def _opened(path: Path) -> tuple[TensorFile, Family]:
	file = open_file(path)
	return file, recognise(file.shapes)


def _config(file: TensorFile, name: str, default: keys.Config) -> dict[str, Any]:
	"""The family's config, overlaid with what the file's metadata says."""
	given = file.json(name) or {}
	if not isinstance(given, dict):
		raise UnknownFormat(file.path, f'its metadata entry {name!r} is no config')
	return {**default, **given}


def _from_config(cls: type[object], config: keys.Config) -> torch.nn.Module:
	# diffusers' from_config has no annotations.
	module: torch.nn.Module = cast(Any, cls).from_config(config)
	return module


def _built(file: TensorFile, part: str, build: Callable[[], M]) -> M:
	"""Build a module without memory for its weights."""
	try:
		with torch.device('meta'):
			return build().eval().requires_grad_(False)
	except (TypeError, ValueError, KeyError) as error:
		raise UnknownFormat(file.path, f'its metadata describe no {part} that can be built ({error})') from error


def _fill(
	module: torch.nn.Module,
	file: TensorFile,
	names: Mapping[str, str],
	*,
	part: str,
	prefix: str,
	dtype: str,
	cancel: CancelToken,
) -> None:
	"""Read all of a module's tensors; `names` says for each how the file calls it.

	Raises `UnknownFormat` if any is missing, has another shape, or is more than the module has.
	"""
	shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
	found = {
		name: next((there for there in keys.spellings(names.get(name, name)) if there in file.shapes), None)
		for name in shapes
	}
	stored = {name: there for name, there in found.items() if there is not None}
	if not stored:
		raise UnknownFormat(file.path, f'it holds no {part}')
	_refuse(file, part, 'lacks', [names.get(name, name) for name in shapes if name not in stored])
	read = {*stored.values()}
	extra = [name for name in file.shapes if name.startswith(prefix) and name not in read]
	_refuse(file, part, 'has unknown', [name for name in extra if not name.endswith('.position_ids')])
	other = [there for name, there in stored.items() if _flat(file.shapes[there]) != _flat(shapes[name])]
	_refuse(file, part, 'has other shapes in', other)
	tensors = file.read(stored, shapes, dtype=torch_dtype(dtype), cancel=cancel)
	module.load_state_dict(tensors, assign=True)
	interruptible(module)
	for name, buffer in list(module.named_buffers()):
		if buffer.is_meta:  # CLIP's position numbers, which no file need hold
			owner, _, leaf = name.rpartition('.')
			numbers = torch.arange(buffer.shape[-1]).expand(buffer.shape)
			module.get_submodule(owner).register_buffer(leaf, numbers, persistent=False)


def _refuse(file: TensorFile, part: str, fault: str, names: Sequence[str]) -> None:
	if names:
		more = ' …' if len(names) > SHOWN else ''
		some = ', '.join(names[:SHOWN])
		raise UnknownFormat(file.path, f'its {part} {fault} {len(names)} tensors: {some}{more}')


def _flat(shape: tuple[int, ...]) -> tuple[int, ...]:
	"""A shape in which a 1×1 convolution and a linear layer are alike."""
	return shape[:2] if shape[2:] == (1, 1) else shape


def _tokenizer(file: TensorFile) -> tokenizer.ClipTokenizer:
	vocabulary, merges = file.metadata.get('tokenizer_vocab'), file.metadata.get('tokenizer_merges')
	if vocabulary is None or merges is None:
		return tokenizer.from_openai_clip()
	try:
		return tokenizer.from_metadata(vocabulary, merges)
	except (ValueError, KeyError, AttributeError) as error:
		raise UnknownFormat(file.path, 'its metadata describe no tokenizer that can be built') from error
