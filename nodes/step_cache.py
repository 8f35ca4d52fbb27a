"""Step caches: quicker sampling by steps that are not computed whole. Settings, which change no weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from engine.declaration import FromInput, Number
from engine.models import ModelRef, Setting, Use
from engine.spec import node
from nodes.values import DiffusionModel

CATEGORY = 'advanced/model'
SAME = {'MODEL': {fact: FromInput(input='model') for fact in ('family', 'channels')}}

Model = Annotated[ModelRef[DiffusionModel], 'The model.']


@dataclass(frozen=True)
class FirstBlockReuse(Setting):
	"""See `nodes.diffusion.first_block.FirstBlock`."""

	threshold: float

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `NodeUsage` for a network without blocks."""
		from nodes.diffusion.first_block import FirstBlock, Stretch
		from nodes.diffusion.step_cache import cached

		Stretch.of(model.network.module)
		return cached(model, partial(FirstBlock, self.threshold))


@dataclass(frozen=True)
class TaylorSteps(Setting):
	"""See `nodes.diffusion.taylor.Taylor`."""

	interval: int
	warm_up: int
	order: int

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.step_cache import cached
		from nodes.diffusion.taylor import Taylor

		return cached(model, partial(Taylor, self.interval, self.warm_up, self.order))


SETTINGS = (FirstBlockReuse, TaylorSteps)


@node(kind='FirstBlockCache', title='First Block Cache', category=CATEGORY, lane='cpu', facts=SAME)
def first_block_cache(
	model: Model,
	threshold: Annotated[
		float,
		Number(default=0.05, min=0.0, max=1.0, step=0.01, round=False),
		'How much the first block may differ, as a part, for the others to be left out; 0 is never.',
	],
) -> ModelRef[DiffusionModel]:
	"""Leave out most of a network at steps where its first block says about what it said before."""
	return model.patched(FirstBlockReuse(threshold)) if threshold > 0 else model


@node(kind='TaylorSeerCache', title='TaylorSeer Cache', category=CATEGORY, lane='cpu', facts=SAME)
def taylor_seer(
	model: Model,
	interval: Annotated[
		int, Number(default=5, min=1, max=50), 'One of so many steps is computed, the others are foretold; 1 is all.'
	],
	warm_up: Annotated[int, Number(default=3, min=1, max=100), 'So many steps are computed first.'],
	order: Annotated[
		int, Number(default=1, min=0, max=4), '0 repeats what was said, 1 goes on straight, more in bends.'
	],
) -> ModelRef[DiffusionModel]:
	"""Foretell what a network says from how it went on over the last steps, instead of computing it."""
	return model.patched(TaylorSteps(interval, warm_up, order)) if interval > 1 else model
