"""What sees pictures for a model: the encoders of CLIP and SigLIP, alone or inside of a checkpoint (unCLIP); Flux Redux; IP-Adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodes.diffusion.families.base import ANY, Config, Form, Mark, Part, Shapes
from nodes.diffusion.layouts import clip_vision, ip_adapter

if TYPE_CHECKING:
	from torch.nn import Module


def _build(config: Config) -> Module:
	from nodes.diffusion.clip_vision import VisionModel

	return VisionModel(config)


VISION = Part(
	title='vision encoder',
	prefixes=('embedder.model.', 'image_encoder.', ''),
	forms=(
		Form(
			(Mark({'vision_model.embeddings.patch_embedding.weight': (ANY, 3, ANY, ANY)}),),
			clip_vision.from_own,
			ignored=clip_vision.ignored,
		),
		Form(
			(Mark({'visual.conv1.weight': (ANY, 3, ANY, ANY), 'visual.class_embedding': None}),),
			clip_vision.from_open_clip,
			clip_vision.open_clip,
			ignored=clip_vision.ignored,
		),
	),
	build=_build,
	metadata='clip_vision_config',
)
"""ViT-L, H and bigG of CLIP (Radford et al. 2021; Ilharco et al. 2021), and SigLIP (Zhai et al. 2023)."""


def _redux_config(shapes: Shapes) -> Config:
	inner, seen = shapes['redux_up.weight']
	return {'seen': seen, 'inner': inner, 'width': shapes['redux_down.weight'][0]}


def _build_redux(config: Config) -> Module:
	from nodes.diffusion.redux import ReduxModel

	return ReduxModel(**config)


REDUX = Part(
	title='style model',
	prefixes=('',),
	forms=(Form((Mark({'redux_up.weight': (ANY, ANY), 'redux_down.weight': (ANY, ANY)}),), _redux_config),),
	build=_build_redux,
)
"""Flux.1 Redux."""


def _build_adapter(config: Config) -> Module:
	from nodes.diffusion.ip_adapter import AdapterModel

	return AdapterModel(config)


FIRST = {ip_adapter.ATTENTION.format(1): (ANY, ANY)}

IP_ADAPTER = Part(
	title='IP-Adapter',
	prefixes=('',),
	forms=(
		Form(
			(
				Mark({'image_proj.proj.weight': (ANY, ANY), 'image_proj.norm.weight': None, **FIRST}),
				Mark({'image_proj.latents': None, 'image_proj.layers.0.0.to_kv.weight': None, **FIRST}),
				Mark({'image_proj.proj.3.weight': None, **FIRST}),
			),
			ip_adapter.config,
			ip_adapter.layout,
		),
	),
	build=_build_adapter,
)
"""IP-Adapters of Stable Diffusion 1 and XL: plain, plus, and of the full face (Ye et al. 2023)."""
