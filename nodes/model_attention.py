"""What a UNet's self-attention does beside its own: settings, which change no weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from engine.declaration import Number, Toggle
from engine.models import ModelRef, Setting, Use
from engine.spec import node
from nodes.model_guidance import UNET, Model, same
from nodes.values import DiffusionModel


@dataclass(frozen=True)
class BlurredAttention(Setting):
	"""See `nodes.diffusion.self_attention.AwayFromBlurred`."""

	scale: float
	blur: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `NodeUsage` if it is no UNet."""
		from nodes.diffusion.altered import part_of
		from nodes.diffusion.self_attention import AwayFromBlurred

		part_of(model.network.module, 'mid_block', 'attentions')
		return replace(model, hooks=model.hooks.with_after(AwayFromBlurred(self.scale, self.blur), both_sides=True))


@dataclass(frozen=True)
class TiledAttention(Setting):
	"""See `nodes.diffusion.self_attention.Tiles`."""

	tile: int
	swaps: int
	depth: int
	grow: bool

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `NodeUsage` if it is no UNet."""
		from nodes.diffusion.altered import Altered, part_of
		from nodes.diffusion.self_attention import Tiles

		def begin(model: Any) -> Any:
			tiles = Tiles(self.tile, self.swaps, self.depth, self.grow)
			return replace(model, network=Altered(model.network, tiles))

		part_of(model.network.module, 'mid_block', 'attentions')
		return replace(model, hooks=replace(model.hooks, run=(*model.hooks.run, begin)))


@dataclass(frozen=True)
class MergedPlaces(Setting):
	"""See `nodes.diffusion.token_merging.Merging`."""

	part: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `NodeUsage` if it is no UNet."""
		from nodes.diffusion.altered import Altered, part_of
		from nodes.diffusion.token_merging import Merging

		def begin(model: Any) -> Any:
			return replace(model, network=Altered(model.network, Merging(self.part)))

		part_of(model.network.module, 'mid_block')
		return replace(model, hooks=replace(model.hooks, run=(*model.hooks.run, begin)))


SETTINGS = (BlurredAttention, TiledAttention, MergedPlaces)


@node(
	kind='SelfAttentionGuidance',
	experimental=True,
	title='Self-Attention Guidance',
	category='_for_testing',
	lane='cpu',
	facts=same('MODEL'),
)
def self_attention_guidance(
	model: Model,
	scale: Annotated[float, Number(default=0.5, min=-2.0, max=5.0, step=0.01), 'How strongly to lead away.'],
	blur_sigma: Annotated[float, Number(default=2.0, min=0.0, max=10.0, step=0.1), 'How much is blurred.'],
) -> ModelRef[DiffusionModel]:
	"""Lead away from what a UNet guesses where the places that it looks at are blurred; two more looks per step."""
	return model.patched(BlurredAttention(scale, blur_sigma))


@node(kind='HyperTile', category=UNET, lane='cpu', facts=same('MODEL'))
def hyper_tile(
	model: Model,
	tile_size: Annotated[int, Number(default=256, min=1, max=2048), 'The least side of a tile, in pixels.'],
	swap_size: Annotated[int, Number(default=2, min=1, max=128), 'Of so many next sizes one is drawn at each look.'],
	max_depth: Annotated[int, Number(default=0, min=0, max=10), 'To which depth of the UNet; 0 is its outermost only.'],
	scale_depth: Annotated[bool, Toggle(), 'Whether tiles are larger where it is deeper.'],
) -> ModelRef[DiffusionModel]:
	"""Let a UNet's places look within tiles only, which is quicker for large pictures."""
	return model.patched(TiledAttention(tile_size, swap_size, max_depth, scale_depth))


@node(kind='TomePatchModel', category=UNET, lane='cpu', facts=same('MODEL'))
def merge_places(
	model: Model,
	ratio: Annotated[float, Number(default=0.3, min=0.0, max=1.0, step=0.01), 'The part of places that are merged.'],
) -> ModelRef[DiffusionModel]:
	"""Let places of a UNet that are alike ask for attention once (token merging), which is quicker for large pictures."""
	return model.patched(MergedPlaces(ratio)) if ratio > 0 else model
