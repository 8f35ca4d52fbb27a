"""What sees pictures for a model: the encoders of CLIP and SigLIP, alone or inside of a checkpoint (unCLIP); Flux Redux."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodes.diffusion.families.base import ANY, Config, Form, Mark, Part, Shapes
from nodes.diffusion.layouts import clip_vision

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
