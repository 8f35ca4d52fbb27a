"""Step caches: quicker sampling by steps that are not computed whole. Settings, which change no weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from engine.declaration import FromInput, Number, Toggle
from engine.models import ModelRef, Setting, Use
from engine.spec import node
from nodes.values import DiffusionModel

CATEGORY = 'advanced/model'
EASY = 'advanced/debug/model'
SAME = {'MODEL': {fact: FromInput(input='model') for fact in ('family', 'channels')}}

Model = Annotated[ModelRef[DiffusionModel], 'The model.']
Reuse = Annotated[
	float,
	Number(default=0.2, min=0.0, max=3.0, step=0.01),
	'How much the answer may have changed, as a part, for steps to be left out; 0 is not at all.',
]
From = Annotated[
	float, Number(default=0.15, min=0.0, max=1.0, step=0.01), 'Until this part of the way all is computed.'
]
To = Annotated[float, Number(default=0.95, min=0.0, max=1.0, step=0.01), 'After this part of the way all is computed.']
Verbose = Annotated[bool, Toggle(default=False), 'Whether the log tells of each step.']


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


@dataclass(frozen=True)
class EasyReuse(Setting):
	"""See `nodes.diffusion.easy_cache.EasySteps`."""

	threshold: float
	start: float
	end: float
	verbose: bool = False

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.easy_cache import with_easy_steps

		return with_easy_steps(model, self.threshold, self.start, self.end, verbose=self.verbose)


@dataclass(frozen=True)
class LazyReuse(Setting):
	"""See `nodes.diffusion.easy_cache.LazySteps`."""

	threshold: float
	start: float
	end: float
	verbose: bool = False

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`."""
		from nodes.diffusion.easy_cache import with_lazy_steps

		return with_lazy_steps(model, self.threshold, self.start, self.end, verbose=self.verbose)


SETTINGS = (FirstBlockReuse, TaylorSteps, EasyReuse, LazyReuse)


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


@node(kind='EasyCache', experimental=True, title='EasyCache', category=EASY, lane='cpu', facts=SAME)
def easy_cache(
	model: Model, reuse_threshold: Reuse, start_percent: From, end_percent: To, verbose: Verbose
) -> ModelRef[DiffusionModel]:
	"""Leave out a network at steps where little would change: it adds to its input what it added before."""
	if reuse_threshold <= 0:
		return model
	return model.patched(EasyReuse(reuse_threshold, start_percent, end_percent, verbose))


@node(kind='LazyCache', experimental=True, title='LazyCache', category=EASY, lane='cpu', facts=SAME)
def lazy_cache(
	model: Model, reuse_threshold: Reuse, start_percent: From, end_percent: To, verbose: Verbose
) -> ModelRef[DiffusionModel]:
	"""The same for what guidance gives: coarser than EasyCache, for models of any kind."""
	if reuse_threshold <= 0:
		return model
	return model.patched(LazyReuse(reuse_threshold, start_percent, end_percent, verbose))
