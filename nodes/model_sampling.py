"""Which noise levels a model is sampled over, and what its network's answers mean: settings, which change no weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from engine.declaration import Choice, FromInput, Number, Toggle
from engine.models import ModelRef, Setting, Use
from engine.spec import node
from nodes.known import MAX_RESOLUTION
from nodes.values import DiffusionModel

CATEGORY = 'advanced/model'
SAME = {'MODEL': {fact: FromInput(input='model') for fact in ('family', 'channels')}}
PLAYGROUND_MEAN = (-1.6574, 1.886, -1.383, 2.5155)
PLAYGROUND_DEVIATION = (8.4927, 5.9022, 6.5498, 5.2299)
PLAYGROUND_SCALE = 0.5
"""Playground 2.5 scales its latents by channel."""

Model = Annotated[ModelRef[DiffusionModel], 'The model.']


@dataclass(frozen=True)
class DiscreteLevels(Setting):
	"""A table of training steps, and what the network says."""

	sampling: str
	zero_terminal: bool

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.continuous import discrete_levels

		return replace(model, parametrisation=discrete_levels(self.sampling, zero_terminal=self.zero_terminal))


@dataclass(frozen=True)
class ContinuousLevels(Setting):
	"""All sigmas between two, and what the network says; `angle` says that it hears sigma's angle."""

	sampling: str
	sigma_max: float
	sigma_min: float
	angle: bool = False

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.continuous import Continuous

		low, high = self.sigma_min, self.sigma_max
		match self.sampling:
			case 'eps':
				levels = Continuous(low, high, 'epsilon', 1.0)
			case 'v_prediction':
				levels = Continuous(low, high, 'v_prediction', 1.0, 'angle' if self.angle else 'log')
			case 'cosmos_rflow':
				levels = Continuous(low, high, 'flow', 1.0, 'share')
			case _:
				levels = Continuous(low, high)
		if self.sampling == 'edm_playground_v2.5':
			scale = tuple(PLAYGROUND_SCALE / deviation for deviation in PLAYGROUND_DEVIATION)
			model = replace(model, latents=replace(model.latents, scale=scale, shift=PLAYGROUND_MEAN))
		return replace(model, parametrisation=levels)


@dataclass(frozen=True)
class FlowShift(Setting):
	"""Rectified flow with its levels shifted towards noise; see `nodes.diffusion.parametrisation.Flow`."""

	shift: float
	exponential: bool = False

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.parametrisation import Flow

		levels = model.parametrisation if isinstance(model.parametrisation, Flow) else Flow()
		steps = 10000 if self.exponential else 1000
		shifted = replace(levels, shift=self.shift, exponential=self.exponential, steps=steps)
		return replace(model, parametrisation=shifted)


SETTINGS = (DiscreteLevels, ContinuousLevels, FlowShift)


@node(kind='ModelSamplingDiscrete', category=CATEGORY, lane='cpu', facts=SAME)
def discrete(
	model: Model,
	sampling: Annotated[
		str, Choice(options=('eps', 'v_prediction', 'lcm', 'x0', 'img_to_img')), 'What the network says.'
	],
	zsnr: Annotated[bool, Toggle(), 'Whether the last training step is nothing but noise.'],
) -> ModelRef[DiffusionModel]:
	"""Sample a model of the Stable Diffusion families by another meaning of its answers, or to nothing but noise."""
	return model.patched(DiscreteLevels(sampling, zsnr))


@node(kind='ModelSamplingContinuousEDM', category=CATEGORY, lane='cpu', facts=SAME)
def continuous_edm(
	model: Model,
	sampling: Annotated[
		str,
		Choice(options=('v_prediction', 'edm', 'edm_playground_v2.5', 'eps', 'cosmos_rflow')),
		'What the network says.',
	],
	sigma_max: Annotated[float, Number(default=120.0, min=0.0, max=1000.0, step=0.001, round=False), 'The most noise.'],
	sigma_min: Annotated[
		float, Number(default=0.002, min=0.0, max=1000.0, step=0.001, round=False), 'The least noise.'
	],
) -> ModelRef[DiffusionModel]:
	"""Sample a model over all noise levels between two, as EDM does."""
	return model.patched(ContinuousLevels(sampling, sigma_max, sigma_min))


@node(kind='ModelSamplingContinuousV', category=CATEGORY, lane='cpu', facts=SAME)
def continuous_v(
	model: Model,
	sampling: Annotated[str, Choice(options=('v_prediction',)), 'What the network says.'],
	sigma_max: Annotated[float, Number(default=500.0, min=0.0, max=1000.0, step=0.001, round=False), 'The most noise.'],
	sigma_min: Annotated[float, Number(default=0.03, min=0.0, max=1000.0, step=0.001, round=False), 'The least noise.'],
) -> ModelRef[DiffusionModel]:
	"""Sample a model that says v and hears the angle between clean and noise."""
	return model.patched(ContinuousLevels(sampling, sigma_max, sigma_min, angle=True))


@node(kind='ModelSamplingSD3', category=CATEGORY, lane='cpu', facts=SAME)
def sd3(
	model: Model,
	shift: Annotated[float, Number(default=3.0, min=0.0, max=100.0, step=0.01), 'More puts more steps into noise.'],
) -> ModelRef[DiffusionModel]:
	"""Shift the noise levels of a flow model, such as Stable Diffusion 3."""
	return model.patched(FlowShift(shift))


@node(kind='ModelSamplingAuraFlow', category=CATEGORY, lane='cpu', facts=SAME)
def aura_flow(
	model: Model,
	shift: Annotated[float, Number(default=1.73, min=0.0, max=100.0, step=0.01), 'More puts more steps into noise.'],
) -> ModelRef[DiffusionModel]:
	"""Shift the noise levels of a flow model, such as AuraFlow, Qwen-Image or Z-Image."""
	return model.patched(FlowShift(shift))


@node(kind='ModelSamplingFlux', category=CATEGORY, lane='cpu', facts=SAME)
def flux(
	model: Model,
	max_shift: Annotated[
		float, Number(default=1.15, min=0.0, max=100.0, step=0.01), 'The shift of 1024 × 1024 pixels.'
	],
	base_shift: Annotated[float, Number(default=0.5, min=0.0, max=100.0, step=0.01), 'The shift of 256 × 256 pixels.'],
	width: Annotated[int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=8), 'Width of the picture.'],
	height: Annotated[int, Number(default=1024, min=16, max=MAX_RESOLUTION, step=8), 'Height of the picture.'],
) -> ModelRef[DiffusionModel]:
	"""Shift the noise levels of Flux by the size of the picture: the shift goes evenly with the number of patches."""
	slope = (max_shift - base_shift) / (4096 - 256)
	return model.patched(FlowShift(base_shift + (width * height / 256 - 256) * slope, exponential=True))
