"""The networks that prompts name besides, for control and for phrases in places, leased for as long as something is sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

from engine.models import ModelRef
from nodes.diffusion.control.live import Control, Controls
from nodes.diffusion.scopes import equal
from nodes.steering import Guider
from nodes.values import Conditioning, ControlUse, Prompt

T = TypeVar('T')
G = TypeVar('G', bound=Guider)


class Models(Protocol):
	"""What leases weights: `context.models`."""

	def use(self, ref: ModelRef[T]) -> AbstractContextManager[T]: ...


@contextmanager
def controlled(models: Models, positive: Conditioning, *others: Conditioning) -> Iterator[tuple[Conditioning, ...]]:
	"""The same conditionings with live controls, as a sampler wants them; positive first.

	Controls whose last one is `everywhere` are taken over by the others, unless they have controls of their own; so are
	phrases in places.
	"""
	with ExitStack() as leases:
		live: list[Control] = []
		together: dict[tuple[int, ...], Controls] = {}

		def leased(use: ControlUse) -> Control:
			# Both sides of a node are copies of one use: as one control, they share a batch.
			known = next((control for control in live if equal(control.use, use)), None)
			if known is not None:
				return known
			vae = None if use.vae is None else leases.enter_context(models.use(use.vae))
			live.append(Control(leases.enter_context(models.use(use.model)), use, vae))
			return live[-1]

		def all_of(prompt: Prompt) -> Controls:
			controls = tuple(map(leased, prompt.controls))
			return together.setdefault(tuple(map(id, controls)), Controls(controls))

		def one_opened(prompt: Prompt) -> Prompt:
			if prompt.controls:
				prompt = replace(prompt, live=all_of(prompt))
			if prompt.grounding is not None:
				grounder: Any = leases.enter_context(models.use(prompt.grounding.model))
				prompt = replace(prompt, grounder=grounder)
			return prompt

		def opened(conditioning: Conditioning) -> Conditioning:
			return conditioning.each(one_opened)

		first = opened(positive)
		yield (first, *(_grounded_alike(first, _controlled_alike(first, opened(other))) for other in others))


def _controlled_alike(first: Conditioning, other: Conditioning) -> Conditioning:
	"""The other side with the controls of the first that are for all, see `_alike`."""
	return _alike(
		first,
		other,
		lambda prompt: bool(prompt.controls),
		lambda prompt: bool(prompt.controls) and prompt.controls[-1].everywhere,
		lambda prompt, giver: replace(prompt, live=giver.live),
	)


def _grounded_alike(first: Conditioning, other: Conditioning) -> Conditioning:
	"""The other side with the phrases in places of the first, see `_alike`."""
	return _alike(
		first,
		other,
		lambda prompt: prompt.grounding is not None,
		lambda prompt: prompt.grounding is not None,
		lambda prompt, giver: replace(prompt, grounding=giver.grounding, grounder=giver.grounder),
	)


def _alike(
	first: Conditioning,
	other: Conditioning,
	has: Callable[[Prompt], bool],
	gives: Callable[[Prompt], bool],
	given: Callable[[Prompt, Prompt], Prompt],
) -> Conditioning:
	"""The other side, unless a prompt of it has something of the kind: one of its prompts for each that gives it.

	Prompts with an area of their own neither give nor take. Where there are fewer than are needed, the last one counts.
	"""
	giving = [prompt for prompt in first.prompts if _whole(prompt) and gives(prompt)]
	taking = [place for place, prompt in enumerate(other.prompts) if _whole(prompt)]
	if not taking or any(has(other.prompts[place]) for place in taking):
		return other
	prompts = list(other.prompts)
	for number, giver in enumerate(giving):
		place = taking[number % len(taking)]
		prompts[place] = given(prompts[place], giver)
	return Conditioning(tuple(prompts))


def _whole(prompt: Prompt) -> bool:
	"""Whether it is about the whole picture; a mask may weigh its places."""
	return prompt.scope.area is None and not (prompt.scope.mask is not None and prompt.scope.mask_bounds)


@contextmanager
def guider_controlled(models: Models, guider: G) -> Iterator[G]:
	"""The same guider with live controls in all of its conditionings."""
	sides = {
		field.name: side for field in fields(guider) if isinstance(side := getattr(guider, field.name), Conditioning)
	}
	if not sides:
		yield guider
		return
	with controlled(models, *sides.values()) as live:
		changes: dict[str, Any] = dict(zip(sides, live, strict=True))
		yield replace(guider, **changes)
