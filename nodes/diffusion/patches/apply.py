"""A changed set of a module's weights, made in one pass per weight; what no patch changes is shared with the module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.errors import ModelError
from engine.models import Load, WeightPatch
from nodes.diffusion.packing import unpacked
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

	Each changed weight is computed in float32 and kept in the weight's own dtype; a coded one becomes a plain one in the
	dtype that its layer computes in, since a small change would be lost in coding it again. Raises `PatchMismatch`.
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
	made = {name: _changed(target, name, changes[name], scratch, load) for name in changes}
	module = shared(target.module)
	for name, tensor in made.items():
		_put(module, name, tensor, plain=target.coded(name) is not None)
	return Patched(module, sum(tensor.nbytes for tensor in made.values()), tuple(unmatched))


def shared(module: torch.nn.Module) -> torch.nn.Module:
	"""A copy of a module whose parameters and buffers are the very same tensors."""
	kept = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
	twin: torch.nn.Module = copy.deepcopy(module, kept)
	return twin


def _put(module: torch.nn.Module, name: str, tensor: Tensor, *, plain: bool) -> None:
	"""Give a module a weight; `plain` puts a layer that keeps it as it is in the place of one that kept it coded."""
	owner, _, leaf = name.rpartition('.')
	layer = module.get_submodule(owner)
	if plain:
		# torch's own class, whose subclass the coded layer is.
		kind = next(base for base in type(layer).__mro__ if base.__module__.startswith('torch.'))
		made: torch.nn.Module = object.__new__(kind)
		made.__dict__ = {key: held.copy() if isinstance(held, dict) else held for key, held in layer.__dict__.items()}
		above, _, place = owner.rpartition('.')
		setattr(module.get_submodule(above), place, made)
		layer = made
	setattr(layer, leaf, torch.nn.Parameter(tensor, requires_grad=False))


def _changed(target: Target, name: str, changes: Sequence[Change], scratch: Tensor, load: Load) -> Tensor:
	"""A changed copy of a weight. `scratch` is float32 memory to compute in: fresh memory costs more than the mathematics."""
	weight = target.tensors[name]
	with torch.inference_mode(False), torch.no_grad():
		if target.coded(name) is not None:
			work = target.numbers(name)
		elif weight.dtype == torch.float32:
			work = weight.detach().clone(memory_format=torch.contiguous_format)
		else:
			room = scratch if scratch.device == weight.device else torch.empty(weight.numel(), device=weight.device)
			work = room[: weight.numel()].view(weight.shape).copy_(unpacked(weight))
		for change in changes:
			change(work)
		load.advance(weight.nbytes)
		if target.rounding is not None and work.dtype == weight.dtype == torch.float32:
			work.copy_(work.to(target.rounding))
		return work.to(weight.dtype)
