"""Two models of one kind, added up weight by weight."""

from __future__ import annotations

from functools import partial
from typing import Protocol, runtime_checkable

from torch import Tensor

from engine.errors import PatchMismatch
from engine.models import Load
from nodes.diffusion.patches.apply import Changes
from nodes.diffusion.patches.recipes import MergePatch
from nodes.diffusion.patches.target import Target


@runtime_checkable
class Targeted(Protocol):
	"""Weights that tell what patches are for: what a merge can be made with."""

	def targets(self) -> tuple[Target, ...]: ...


def changes(patch: MergePatch, target: Target, load: Load) -> Changes:
	"""What a merge does to a target. Raises `PatchMismatch` if the other model lacks a tensor, or has another shape."""
	weights = load.use(patch.other.identity)
	others = weights.targets() if isinstance(weights, Targeted) else ()
	other = next((other for other in others if other.title == target.title), None)
	if other is None:
		raise PatchMismatch(f'A {target.title} cannot be merged with the other model: that has none.')
	done = {}
	for name, own in target.tensors.items():
		theirs = other.tensors.get(name)
		if theirs is None or theirs.shape != own.shape:
			found = 'is not there' if theirs is None else f'is {list(theirs.shape)}'
			raise PatchMismatch(
				f'The models are of other kinds: {name} of the {target.title} is {list(own.shape)} in the first '
				f'and {found} in the second.'
			)
		mine, share = _shares(patch, target.originals.get(name, name))
		if (mine, share) != (1.0, 0.0):
			done[name] = (partial(_mixed, other, name, mine, share),)
	return Changes(done)


def _shares(patch: MergePatch, original: str) -> tuple[float, float]:
	fitting = [block for block in patch.blocks if original.startswith(block[0])]
	if not fitting:
		return patch.mine, patch.theirs
	_, mine, theirs = max(fitting, key=lambda block: len(block[0]))
	return mine, theirs


def _mixed(other: Target, name: str, mine: float, share: float, weight: Tensor) -> None:
	weight.mul_(mine).add_(other.numbers(name).to(weight), alpha=share)
