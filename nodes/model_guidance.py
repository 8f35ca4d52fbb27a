"""How a model's guesses are guided, beyond classifier-free guidance: settings, which change no weights."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

from engine.declaration import FromInput, Number, Source, Text
from engine.models import ModelRef, Setting, Use
from engine.spec import node
from nodes.values import DiffusionModel

GUIDANCE = 'advanced/guidance'
UNET = 'model_patches/unet'
INTEGER = re.compile(r'\d+')


def same(output: str) -> dict[str, dict[str, Source]]:
	"""The output is of the input's family."""
	return {output: {fact: FromInput(input='model') for fact in ('family', 'channels')}}


Model = Annotated[ModelRef[DiffusionModel], 'The model.']
Layers = Annotated[str, Text(default='7, 8, 9'), 'Numbers of the blocks to leave out.']


@dataclass(frozen=True)
class RescaledGuidance(Setting):
	"""See `nodes.diffusion.rescaling.Rescaled`."""

	part: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.rescaling import Rescaled

		return replace(model, hooks=replace(model.hooks, combine=Rescaled(self.part)))


@dataclass(frozen=True)
class ShortGuidance(Setting):
	"""See `nodes.diffusion.rescaling.NoLonger`."""

	strength: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.rescaling import NoLonger

		return replace(model, hooks=model.hooks.with_after(NoLonger(self.strength)))


@dataclass(frozen=True)
class EvenGuidance(Setting):
	"""See `nodes.diffusion.rescaling.SameLength`."""

	part: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.rescaling import SameLength

		return replace(model, hooks=replace(model.hooks, combine=SameLength(self.part)))


@dataclass(frozen=True)
class ZeroStarGuidance(Setting):
	"""See `nodes.diffusion.rescaling.ZeroStar`."""

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.rescaling import ZeroStar

		return replace(model, hooks=model.hooks.with_after(ZeroStar()))


@dataclass(frozen=True)
class DegreesOfMasks(Setting):
	"""See `nodes.diffusion.rescaling.Differential`."""

	strength: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.rescaling import Differential

		return replace(model, hooks=replace(model.hooks, mask=Differential(self.strength)))


@dataclass(frozen=True)
class PerturbedAttention(Setting):
	"""See `nodes.diffusion.altered.without_self_attention`."""

	scale: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.altered import without_self_attention
		from nodes.diffusion.rescaling import AwayFrom

		return replace(model, hooks=model.hooks.with_after(AwayFrom(without_self_attention, self.scale)))


@dataclass(frozen=True)
class FreeUScales(Setting):
	"""See `nodes.diffusion.altered.FreeU`."""

	b: tuple[float, float]
	s: tuple[float, float]
	adaptive: bool

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.altered import Altered, FreeU

		return replace(model, network=Altered(model.network, FreeU(self.b, self.s, self.adaptive)))


@dataclass(frozen=True)
class SkippedLayers(Setting):
	"""See `nodes.diffusion.altered.Skipping`; with `scale` None the unwanted side is guessed without the layers."""

	double: tuple[int, ...]
	single: tuple[int, ...]
	scale: float | None
	start: float
	end: float
	rescaling: float = 0.0

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.altered import Skipping
		from nodes.diffusion.rescaling import AwayFrom, WorseUnwanted

		skipping = Skipping(self.double, self.single)
		high, low = model.parametrisation.at(self.start), model.parametrisation.at(self.end)
		if self.scale is None:
			hooks = model.hooks.with_before(WorseUnwanted(skipping, high, low))
		else:
			hooks = model.hooks.with_after(AwayFrom(skipping, self.scale, high, low, self.rescaling))
		return replace(model, hooks=hooks)


@dataclass(frozen=True)
class OtherGuidance(Setting):
	"""See `nodes.diffusion.rescaling.OtherStrength`; `start` and `end` are parts of the way."""

	cfg: float
	start: float
	end: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.rescaling import OtherStrength

		levels = model.parametrisation
		hooks = model.hooks.with_before(OtherStrength(self.cfg, levels.at(self.start), levels.at(self.end)))
		return replace(model, hooks=replace(hooks, both_sides=True))


SETTINGS = (
	OtherGuidance,
	RescaledGuidance,
	ShortGuidance,
	EvenGuidance,
	ZeroStarGuidance,
	DegreesOfMasks,
	PerturbedAttention,
	FreeUScales,
	SkippedLayers,
)


@node(kind='RescaleCFG', category='advanced/model', lane='cpu', facts=same('MODEL'))
def rescale_cfg(
	model: Model,
	multiplier: Annotated[float, Number(default=0.7, min=0.0, max=1.0, step=0.01), 'How much of it; 0 is none.'],
) -> ModelRef[DiffusionModel]:
	"""Keep strong guidance from overexposing: its result gets the spread of the wanted guess."""
	return model.patched(RescaledGuidance(multiplier))


@node(kind='CFGOverride', title='CFG Override', category='model/sampling/guiders', lane='cpu', facts=same('MODEL'))
def cfg_override(
	model: Model,
	cfg: Annotated[
		float, Number(default=1.0, min=0.0, max=100.0, step=0.1, round=0.01), 'How strictly to follow the prompt there.'
	],
	start_percent: Annotated[float, Number(default=0.0, min=0.0, max=1.0, step=0.001), 'From this part of the way.'],
	end_percent: Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.001), 'To this part of the way.'],
) -> ModelRef[DiffusionModel]:
	"""Another strength of guidance than the sampler's for a part of the way."""
	return model.patched(OtherGuidance(cfg, start_percent, end_percent))


@node(
	kind='CFGNorm',
	experimental=True,
	category=GUIDANCE,
	lane='cpu',
	outputs=('patched_model',),
	facts=same('patched_model'),
)
def cfg_norm(
	model: Model,
	strength: Annotated[
		float,
		Number(default=1.0, min=0.0, max=100.0, step=0.01),
		'What the result is multiplied by; with pre_cfg, how much of the new length is taken.',
	],
	pre_cfg: Annotated[
		bool, 'Give the guided answer the length of the wanted one, longer or shorter, instead of cutting the result.'
	] = False,
) -> ModelRef[DiffusionModel]:
	"""Let guidance make no place's value longer than the wanted guess has it."""
	return model.patched(EvenGuidance(strength) if pre_cfg else ShortGuidance(strength))


@node(kind='CFGZeroStar', category=GUIDANCE, lane='cpu', outputs=('patched_model',), facts=same('patched_model'))
def cfg_zero_star(model: Model) -> ModelRef[DiffusionModel]:
	"""Scale the unwanted side before guidance to what of the wanted one it explains (CFG-Zero*)."""
	return model.patched(ZeroStarGuidance())


@node(
	kind='DifferentialDiffusion',
	experimental=True,
	title='Differential Diffusion',
	category='_for_testing',
	lane='cpu',
	facts=same('MODEL'),
)
def differential_diffusion(
	model: Model,
	strength: Annotated[
		float, Number(default=1.0, min=0.0, max=1.0, step=0.01), 'Less mixes the plain mask in; 0 is as 1.'
	] = 1.0,
) -> ModelRef[DiffusionModel]:
	"""Let a grey noise mask say how much each place may change."""
	return model.patched(DegreesOfMasks(strength))


@node(kind='PerturbedAttentionGuidance', category=UNET, lane='cpu', facts=same('MODEL'))
def perturbed_attention(
	model: Model,
	scale: Annotated[
		float, Number(default=3.0, min=0.0, max=100.0, step=0.01, round=0.01), 'How strongly to lead away.'
	],
) -> ModelRef[DiffusionModel]:
	"""Lead away from what the UNet guesses without self-attention in its middle; one more look per step."""
	return model.patched(PerturbedAttention(scale))


@node(kind='FreeU', category=UNET, lane='cpu', facts=same('MODEL'))
def free_u(
	model: Model,
	b1: Annotated[float, Number(default=1.1, min=0.0, max=10.0, step=0.01), 'Backbone features, deepest layers.'],
	b2: Annotated[float, Number(default=1.2, min=0.0, max=10.0, step=0.01), 'Backbone features, next layers.'],
	s1: Annotated[float, Number(default=0.9, min=0.0, max=10.0, step=0.01), 'Skipped features, deepest layers.'],
	s2: Annotated[float, Number(default=0.2, min=0.0, max=10.0, step=0.01), 'Skipped features, next layers.'],
) -> ModelRef[DiffusionModel]:
	"""Weigh what a UNet's decoder gets from below and from beside."""
	return model.patched(FreeUScales((b1, b2), (s1, s2), adaptive=False))


@node(kind='FreeU_V2', category=UNET, lane='cpu', facts=same('MODEL'))
def free_u_v2(
	model: Model,
	b1: Annotated[float, Number(default=1.3, min=0.0, max=10.0, step=0.01), 'Backbone features, deepest layers.'],
	b2: Annotated[float, Number(default=1.4, min=0.0, max=10.0, step=0.01), 'Backbone features, next layers.'],
	s1: Annotated[float, Number(default=0.9, min=0.0, max=10.0, step=0.01), 'Skipped features, deepest layers.'],
	s2: Annotated[float, Number(default=0.2, min=0.0, max=10.0, step=0.01), 'Skipped features, next layers.'],
) -> ModelRef[DiffusionModel]:
	"""Weigh what a UNet's decoder gets from below and from beside, by what is there."""
	return model.patched(FreeUScales((b1, b2), (s1, s2), adaptive=True))


@node(kind='SkipLayerGuidanceSD3', experimental=True, category=GUIDANCE, lane='cpu', facts=same('MODEL'))
def skip_layers_sd3(
	model: Model,
	layers: Layers,
	scale: Annotated[float, Number(default=3.0, min=0.0, max=10.0, step=0.1), 'How strongly to lead away.'],
	start_percent: Annotated[float, Number(default=0.01, min=0.0, max=1.0, step=0.001), 'From this part of the way.'],
	end_percent: Annotated[float, Number(default=0.15, min=0.0, max=1.0, step=0.001), 'To this part of the way.'],
) -> ModelRef[DiffusionModel]:
	"""Lead away from what a transformer guesses without some of its blocks."""
	return model.patched(SkippedLayers(_numbers(layers), (), scale, start_percent, end_percent))


@node(kind='SkipLayerGuidanceDiT', experimental=True, category=GUIDANCE, lane='cpu', facts=same('MODEL'))
def skip_layers(
	model: Model,
	double_layers: Layers,
	single_layers: Layers,
	scale: Annotated[float, Number(default=3.0, min=0.0, max=10.0, step=0.1), 'How strongly to lead away.'],
	start_percent: Annotated[float, Number(default=0.01, min=0.0, max=1.0, step=0.001), 'From this part of the way.'],
	end_percent: Annotated[float, Number(default=0.15, min=0.0, max=1.0, step=0.001), 'To this part of the way.'],
	rescaling_scale: Annotated[
		float, Number(default=0.0, min=0.0, max=10.0, step=0.01), 'How much of the wanted spread is brought back.'
	],
) -> ModelRef[DiffusionModel]:
	"""Lead away from what a transformer guesses without some of its blocks of either kind."""
	double, single = _numbers(double_layers), _numbers(single_layers)
	return model.patched(SkippedLayers(double, single, scale, start_percent, end_percent, rescaling_scale))


@node(kind='SkipLayerGuidanceDiTSimple', experimental=True, category=GUIDANCE, lane='cpu', facts=same('MODEL'))
def skip_layers_unwanted(
	model: Model,
	double_layers: Layers,
	single_layers: Layers,
	start_percent: Annotated[float, Number(default=0.0, min=0.0, max=1.0, step=0.001), 'From this part of the way.'],
	end_percent: Annotated[float, Number(default=1.0, min=0.0, max=1.0, step=0.001), 'To this part of the way.'],
) -> ModelRef[DiffusionModel]:
	"""Let a transformer guess the unwanted side without some of its blocks."""
	double, single = _numbers(double_layers), _numbers(single_layers)
	return model.patched(SkippedLayers(double, single, None, start_percent, end_percent))


def _numbers(text: str) -> tuple[int, ...]:
	return tuple(int(number) for number in INTEGER.findall(text))
