"""A changed set of a module's weights, made in one pass per weight; what no patch changes is shared with the module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.errors import ModelError
from engine.models import Load, WeightPatch
from nodes.diffusion.patches.recipes import TensorPatch
from nodes.diffusion.patches.target import Target

Change = Callable[[Tensor], None]
"""Changes a weight in place: float32, in the module's shape, with memory of its own."""


@dataclass(frozen=True, eq=False)
class Changes:
	"""What a patch does: by tensor of the module, in order; and which of its layers or tensors fit nothing."""

	by_tensor: Mapping[str, Sequence[Change]]
	unmatched: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Patched:
	"""A module that shares what was not changed with the one it was made from.

	`nbytes` are those of the rest; `unmatched` is what of the patches fit nothing.
	"""

	module: torch.nn.Module
	nbytes: int
	unmatched: tuple[str, ...] = ()


def patched(target: Target, patches: Sequence[WeightPatch], load: Load) -> Patched:
	"""The target's module with all patches applied in order.

	Each changed weight is computed in float32 and kept in the weight's own dtype; one that was stored in eight bits or
	fewer is kept in bfloat16, since a small change would be lost in its rounding. Raises `PatchMismatch`.
	"""
	changes: dict[str, list[Change]] = {}
	unmatched: list[str] = []
	for patch in patches:
		if not isinstance(patch, TensorPatch):
			raise ModelError(f'{type(patch).__name__} cannot be applied to a {target.title}.')
		found = patch.changes(target, load)
		unmatched += found.unmatched
		for name, some in found.by_tensor.items():
			changes.setdefault(name, []).extend(some)
	load.phase('optimization', sum(target.tensors[name].nbytes for name in changes))
	scratch = torch.empty(max((target.tensors[name].numel() for name in changes), default=0))
	made = {name: _changed(target.tensors[name], changes[name], scratch, load, target.rounding) for name in changes}
	module = shared(target.module)
	for name, tensor in made.items():
		owner, _, leaf = name.rpartition('.')
		setattr(module.get_submodule(owner), leaf, torch.nn.Parameter(tensor, requires_grad=False))
	return Patched(module, sum(tensor.nbytes for tensor in made.values()), tuple(unmatched))


def shared(module: torch.nn.Module) -> torch.nn.Module:
	"""A copy of a module whose parameters and buffers are the very same tensors."""
	kept = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
	twin: torch.nn.Module = copy.deepcopy(module, kept)
	return twin


def _changed(
	weight: Tensor, changes: Sequence[Change], scratch: Tensor, load: Load, rounding: torch.dtype | None
) -> Tensor:
	"""A changed copy of a weight. `scratch` is float32 memory to compute in: fresh memory costs more than the mathematics."""
	dtype = torch.bfloat16 if weight.element_size() < 2 else weight.dtype
	with torch.inference_mode(False), torch.no_grad():
		if dtype == torch.float32:
			work = weight.detach().clone(memory_format=torch.contiguous_format)
		else:
			room = scratch if scratch.device == weight.device else torch.empty(weight.numel(), device=weight.device)
			work = room[: weight.numel()].view(weight.shape).copy_(weight)
		for change in changes:
			change(work)
		load.advance(weight.nbytes)
		if rounding is not None and dtype == torch.float32:
			work.copy_(work.to(rounding))
		return work.to(dtype)
