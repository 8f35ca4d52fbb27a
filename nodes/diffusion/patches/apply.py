"""A changed set of a module's weights, made in one pass per weight; what no patch changes is shared with the module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.errors import ModelError
from engine.models import Load, Size, WeightPatch
from nodes.diffusion.moving import keep_own
from nodes.diffusion.patches.recipes import TensorPatch
from nodes.diffusion.patches.target import Coded, Target
from nodes.diffusion.placement import blocks_of, least_bytes, stream, streamed, tied_names, without_turns

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


@dataclass(frozen=True)
class Share:
	"""What a patched module will not share with the one it is made from.

	`sizes` are the bytes of those tensors by name; `tied` all names that tensors of the module go by. `least` is what they
	take if they come when they are needed only.
	"""

	sizes: Mapping[str, int]
	tied: Mapping[str, Sequence[str]]
	least: int

	@property
	def nbytes(self) -> int:
		"""All of it."""
		return sum(self.sizes.values())


def patched_size(targets: Sequence[Target], patches: Sequence[WeightPatch], load: Load) -> Size:
	"""What the patched modules will have of their own, by the headers of the patches' files: see `PatchMeasure`."""
	shares = [_share(target, patches, load) for target in targets]
	least = sum(share.least for share in shares) + _kept(patches, load)
	return Size(sum(share.nbytes for share in shares), least)


def patched(targets: Sequence[Target], patches: Sequence[WeightPatch], load: Load) -> list[Patched]:
	"""The targets' modules with all patches applied in order.

	Each changed weight is computed in float32 and kept in the weight's own dtype; a coded one becomes a plain one in the
	dtype that its layer computes in, since a small change would be lost in coding it again. If there is not room for all
	of them, they are computed each time that they are needed. Raises `PatchMismatch`.
	"""
	in_turns = load.room is not None or any(streamed(target.module) for target in targets)
	# What is changed time and again may not need a lease that ends with this load.
	lasting = replace(load, user=load.reader) if in_turns else load
	found = [_changes(target, patches, lasting) for target in targets]
	if not in_turns:
		load.phase(
			'optimization',
			sum(
				target.tensors[name].nbytes
				for target, one in zip(targets, found, strict=True)
				for name in one.by_tensor
			),
		)
		return [_changed_at_once(target, one, load) for target, one in zip(targets, found, strict=True)]
	shares = [_share(target, patches, load) for target in targets]
	spare = None if load.room is None else load.room - sum(share.least for share in shares) - _kept(patches, load)
	made = []
	for target, one, share in zip(targets, found, shares, strict=True):
		more = share.nbytes - share.least if spare is None else max(0, min(spare, share.nbytes - share.least))
		spare = None if spare is None else spare - more
		made.append(_changed_in_turns(target, one, share, share.least + more if load.room != 0 else 0))
	return made


def _changes(target: Target, patches: Sequence[WeightPatch], load: Load) -> Changes:
	"""What all patches do to a target, one after the other."""
	changes: dict[str, list[Change]] = {}
	unmatched: list[str] = []
	for patch in _tensor_patches(patches):
		found = patch.changes(target, load)
		unmatched += found.unmatched
		for name, some in found.by_tensor.items():
			changes.setdefault(name, []).extend(some)
	return Changes(changes, tuple(unmatched))


def _tensor_patches(patches: Sequence[WeightPatch]) -> Iterator[TensorPatch]:
	for patch in patches:
		if not isinstance(patch, TensorPatch):
			raise ModelError(f'{type(patch).__name__} changes no tensors.')
		yield patch


def _kept(patches: Sequence[WeightPatch], load: Load) -> int:
	return sum(patch.kept(load) for patch in _tensor_patches(patches))


def _share(target: Target, patches: Sequence[WeightPatch], load: Load) -> Share:
	names = {name for patch in _tensor_patches(patches) for name in patch.touched(target, load)}
	changed = {name: target.tensors[name].nbytes for name in names}
	base, tied = streamed(target.module), tied_names(target.module)
	sizes = changed if base is None else {name: base.sizes[name] for name in base.away} | changed
	blocks = blocks_of(target.module, sizes, tied)
	least = least_bytes(sizes, blocks)
	if base is not None:
		# With less room for the base, any of its blocks may be away.
		largest = max((block.nbytes for block in blocks_of(target.module, {**base.sizes, **changed}, tied)), default=0)
		least = sum(sizes.values()) - sum(block.nbytes for block in blocks) + largest
	return Share(sizes, tied, least)


def _changed_at_once(target: Target, changes: Changes, load: Load) -> Patched:
	tied = tied_names(target.module)
	scratch = torch.empty(max((target.tensors[name].numel() for name in changes.by_tensor), default=0))
	module = shared(target.module)
	nbytes = 0
	for name, some in changes.by_tensor.items():
		tensor = _changed(target, name, some, scratch)
		nbytes += tensor.nbytes
		load.advance(target.tensors[name].nbytes)
		put(module, tied[name], tensor, plain=target.coded(name) is not None)
	keep_own(module, [alias for name in changes.by_tensor for alias in tied[name]])
	return Patched(module, nbytes, changes.unmatched)


def _changed_in_turns(target: Target, changes: Changes, share: Share, room: int) -> Patched:
	"""The weights of each block are changed before its forward pass, and let go of after it."""
	module = shared(target.module)
	without_turns(module)
	sizes = dict(share.sizes)
	for name in changes.by_tensor:
		weight = target.tensors[name]
		sizes[name] = weight.nbytes
		empty = torch.empty(weight.shape, dtype=weight.dtype, device='meta')
		put(module, share.tied[name], empty, plain=target.coded(name) is not None)
	sizes = {name: nbytes for name, nbytes in sizes.items() if module.state_dict()[name].is_meta}
	base = streamed(target.module)

	@torch.inference_mode(False)  # What is changed in place may not be an inference tensor, whoever needs it.
	def read(names: Collection[str]) -> dict[str, Tensor]:
		here = [name for name in names if name in changes.by_tensor]
		plain = [name for name in names if name not in changes.by_tensor]
		scratch = torch.empty(max((target.tensors[name].numel() for name in here), default=0))
		come = {} if base is None or not plain else dict(base.read(plain))
		return come | {name: _changed(target, name, changes.by_tensor[name], scratch) for name in here}

	stream(module, read, sizes=sizes, room=room, tied=share.tied)
	keep_own(module, [alias for name in sizes for alias in share.tied[name]])
	return Patched(module, sum(sizes.values()), changes.unmatched)


def shared(module: torch.nn.Module) -> torch.nn.Module:
	"""A copy of a module whose parameters and buffers are the very same tensors."""
	kept = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
	twin: torch.nn.Module = copy.deepcopy(module, kept)
	return twin


def put(module: torch.nn.Module, names: Sequence[str], tensor: Tensor, *, plain: bool) -> None:
	"""Give a module a weight under each of its names; `plain` puts a layer that keeps it as it is in the place of one that
	kept it coded."""
	weight = torch.nn.Parameter(tensor, requires_grad=False)
	for name in names:
		owner, _, leaf = name.rpartition('.')
		layer = module.get_submodule(owner)
		if plain and isinstance(layer, Coded):
			# torch's own class, whose subclass the coded layer is.
			kind = next(base for base in type(layer).__mro__ if base.__module__.startswith('torch.'))
			made: torch.nn.Module = object.__new__(kind)
			made.__dict__ = {
				key: held.copy() if isinstance(held, dict) else held for key, held in layer.__dict__.items()
			}
			above, _, place = owner.rpartition('.')
			setattr(module.get_submodule(above), place, made)
			layer = made
		setattr(layer, leaf, weight)


def _changed(target: Target, name: str, changes: Sequence[Change], scratch: Tensor) -> Tensor:
	"""A changed copy of a weight. `scratch` is float32 memory to compute in: fresh memory costs more than the mathematics."""
	with torch.inference_mode(False), torch.no_grad():
		weight, dtype = target.numbers(name), target.tensors[name].dtype
		if target.coded(name) is not None:
			work = weight
		elif dtype == torch.float32:
			work = weight.detach().clone(memory_format=torch.contiguous_format)
		else:
			room = scratch if scratch.device == weight.device else torch.empty(weight.numel(), device=weight.device)
			work = room[: weight.numel()].view(weight.shape).copy_(weight)
		for change in changes:
			change(work)
		if target.rounding is not None and work.dtype == dtype == torch.float32:
			work.copy_(work.to(target.rounding))
		return work.to(dtype)
