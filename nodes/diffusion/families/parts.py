"""The parts that Stable Diffusion and its relatives share: UNets, the KL autoencoder, CLIP's text encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from engine.errors import UnknownFormat
from nodes.diffusion.families.base import ANY, Config, Form, Mark, Part, Shapes, TowerPart, Training, VaePart
from nodes.diffusion.layouts import clip, unet, unet_config, vae

if TYPE_CHECKING:
	from torch.nn import Module

	from nodes.diffusion.files import TensorSource
	from nodes.diffusion.latents import LatentFormat
	from nodes.diffusion.networks import Network
	from nodes.diffusion.parametrisation import Parametrisation
	from nodes.diffusion.text.towers import Tower

CHECKPOINT = 'model.diffusion_model.'
"""Where the denoiser stands in whole checkpoints."""

CROSS = 'middle_block.1.transformer_blocks.0.attn2.to_k.weight'
VECTOR = 'label_emb.0.0.weight'
OUT = {'out.2.weight': (4, ANY, 3, 3)}
"""Tensors of UNets in the original layout that tell the families apart."""

OWN_CROSS = 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight'
OWN_SIZES = 'add_embedding.linear_1.weight'
OWN_OUT = {'conv_out.weight': (4, ANY, 3, 3)}
"""The same in diffusers' layout."""

RELATIVES = ('input_blocks.1.0.time_stack.in_layers.0.weight', 'label_emb.weight', 'encoder_hid_proj.weight')
OWN_RELATIVES = (
	'mid_block.attentions.0.time_pos_embed.linear_1.weight',
	'class_embedding.weight',
	'encoder_hid_proj.weight',
)
"""What UNets have that look like Stable Diffusion and are not: Stable Video Diffusion, the x4 upscaler, Kolors."""

PREDICTION_MARKERS = ('v_pred', 'ztsnr')
MARKERS = (*PREDICTION_MARKERS, 'edm_vpred.sigma_max', 'edm_vpred.sigma_min', 'edm_mean', 'edm_std')
"""Tensors without a prefix by which writers tell how a model was trained."""

NORMED_LATENTS = 'bn.running_mean'
"""What the VAE of Flux.2 has, and its relatives have not."""

SCHEDULER: Config = {
	'num_train_timesteps': 1000,
	'beta_start': 0.00085,
	'beta_end': 0.012,
	'beta_schedule': 'scaled_linear',
	'rescale_betas_zero_snr': False,
}
"""How Stable Diffusion was trained (Rombach et al. 2022)."""


def unet_part(original: Sequence[Mark], diffusers: Sequence[Mark], *, sizes: bool = False) -> Part:
	"""A UNet known by these marks, in the original layout and that of diffusers.

	`sizes` says that its vector is of pooled text and sizes.
	"""

	def config(read: Callable[[Shapes], dict[str, Any]]) -> Callable[[Shapes], Config]:
		return lambda shapes: unet_config.with_sizes(read(shapes)) if sizes else read(shapes)

	return Part(
		title='UNet',
		prefixes=(CHECKPOINT, 'unet.', ''),
		forms=(
			Form(
				_but(original, RELATIVES),
				config(unet_config.from_original),
				unet.original,
				ignored=_beside_unets,
			),
			Form(_but(diffusers, OWN_RELATIVES), config(unet_config.from_diffusers), ignored=_beside_unets),
		),
		build=_build_unet,
		metadata='unet_config',
	)


def _beside_unets(name: str) -> bool:
	"""Whether a tensor is none of a UNet's: a marker, or what tells a strength of guidance (LCM), which we do not tell."""
	return name in MARKERS or name in ('time_embed.cond_proj.weight', 'time_embedding.cond_proj.weight')


def _but(marks: Sequence[Mark], relatives: Sequence[str]) -> list[Mark]:
	return [replace(mark, without=(*mark.without, *relatives)) for mark in marks]


def unet_network(module: Module, config: Config, latents: LatentFormat) -> Network:
	"""The UNet, callable."""
	from nodes.diffusion.networks.unet import UNet

	return UNet(module, config, latents)


def noise_levels(training: Training, prediction: str = 'epsilon') -> Parametrisation:
	"""Stable Diffusion's noise levels, as the file's own config and its marker tensors change them."""
	from nodes.diffusion.parametrisation import discrete

	scheduler = {**SCHEDULER, 'prediction_type': prediction, **training.scheduler}
	if 'v_pred' in training.shapes:
		scheduler['prediction_type'] = 'v_prediction'
	if 'ztsnr' in training.shapes:
		scheduler['rescale_betas_zero_snr'] = True
	return discrete(scheduler, training.file)


def _build_unet(config: Config) -> Module:
	return build_diffusers('UNet2DConditionModel', config)


def _build_vae(config: Config) -> Module:
	return build_diffusers('AutoencoderKL', config)


def _build_clip(config: Config) -> Module:
	from nodes.diffusion.text.clip import ClipModel

	return ClipModel(config)


def build_diffusers(name: str, config: Mapping[str, Any]) -> Module:
	"""One of diffusers' modules, by the name of its class."""
	import diffusers

	# diffusers' from_config has no annotations.
	module: Module = cast(Any, getattr(diffusers, name)).from_config(dict(config))
	return module


KL_VAE = VaePart(
	title='VAE',
	prefixes=('first_stage_model.', 'vae.', ''),
	forms=(
		Form(
			(
				Mark(
					{'decoder.conv_in.weight': (ANY, ANY, 3, 3), 'decoder.mid.block_1.conv1.weight': None},
					without=(NORMED_LATENTS,),
				),
			),
			vae.from_original,
			vae.original,
			vae.spellings,
			vae.ignored,
		),
		Form(
			(
				Mark(
					{'decoder.conv_in.weight': (ANY, ANY, 3, 3), 'decoder.mid_block.resnets.0.conv1.weight': None},
					without=(NORMED_LATENTS,),
				),
			),
			vae.from_diffusers,
			spellings=vae.older_spellings,
			ignored=vae.ignored,
		),
	),
	build=_build_vae,
	metadata='vae_config',
)
"""The autoencoder of Stable Diffusion (Rombach et al. 2022), and of Flux with more channels."""


def _clip(layers: int, more: int | None, act: str) -> Part:
	"""A text encoder of CLIP with at least so many layers, and fewer than `more`."""
	first, last = 'text_model.encoder.layers.{}.mlp.fc1.weight', 'transformer.resblocks.{}.mlp.c_fc.weight'

	def mark(pattern: str) -> Mark:
		deeper = () if more is None else (pattern.format(more - 1),)
		return Mark({pattern.format(layers - 1): None}, without=deeper)

	def config(read: Callable[[Shapes], dict[str, Any]]) -> Callable[[Shapes], Config]:
		return lambda shapes: {**read(shapes), 'hidden_act': act}

	return Part(
		title='text encoder',
		prefixes=('',),
		forms=(
			Form(
				(mark(first), mark(first.removeprefix('text_model.'))),
				config(clip.from_own),
				clip.own,
				clip.spellings,
				clip.ignored,
			),
			Form((mark(last),), config(clip.from_open_clip), clip.open_clip, ignored=clip.ignored),
		),
		build=_build_clip,
		metadata='text_encoder_config',
	)


CLIP_L = _clip(1, 23, 'quick_gelu')
"""OpenAI's ViT-L/14: 12 layers; and smaller ones."""

CLIP_H = _clip(23, 31, 'gelu')
"""OpenCLIP's ViT-H/14: 24 layers, of which some files lack the last."""

CLIP_G = _clip(31, None, 'gelu')
"""OpenCLIP's ViT-bigG/14: 32 layers."""


def clip_tower(
	name: str, part: Part, prefix: str, component: str = 'text_encoder', *, cut: int = 0, **settings: Any
) -> TowerPart:
	"""A text encoder of CLIP that stands under a prefix in whole checkpoints, and is a component of diffusers' folders.

	With `cut` layers, the file has left out those above the one that is listened to. `settings` are those of `ClipTower`.
	"""

	def tower(module: Module, config: Config, source: TensorSource) -> Tower:
		from nodes.diffusion.text.clip import ClipModel, ClipTower
		from nodes.diffusion.tokenizer import for_source

		length: int = config['max_position_embeddings']
		tokenizer, known = for_source(source), config['vocab_size']
		if tokenizer.size > known:
			raise UnknownFormat(
				source.path,
				f'its {component} knows {known} pieces of words, but its tokenizer tells apart {tokenizer.size}',
			)
		made = ClipTower(cast(ClipModel, module), tokenizer, length=length, **settings)
		return replace(made, layer=None) if config['num_hidden_layers'] == cut else made

	prefixes = (prefix, f'{component}.', '')
	return TowerPart(name, replace(part, prefixes=prefixes, metadata=f'{component}_config'), tower)
