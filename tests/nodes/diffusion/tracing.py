"""How much memory a network's pass takes at most, found without computing: on the meta device, by what lives when."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:  # It has no annotations.
	Mode = nullcontext[None]
else:
	Mode = TorchDispatchMode


class Peak(Mode):
	"""Counts the bytes of tensors that are made while it is on, and are still there."""

	now: int = 0
	most: int = 0

	def __init__(self) -> None:
		super().__init__()
		self._users: dict[int, int] = {}

	def __torch_dispatch__(
		self, func: Any, types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
	) -> Any:
		result = func(*args, **(kwargs or {}))
		for leaf in tree_leaves(result):
			if isinstance(leaf, Tensor):
				self._count(leaf)
		return result

	def _count(self, tensor: Tensor) -> None:
		storage = tensor.untyped_storage()
		key, nbytes = storage._cdata, storage.nbytes()
		if key not in self._users:
			self._users[key] = 0
			self.now += nbytes
			self.most = max(self.most, self.now)
		self._users[key] += 1
		weakref.finalize(tensor, self._gone, key, nbytes)

	def _gone(self, key: int, nbytes: int) -> None:
		self._users[key] -= 1
		if not self._users[key]:
			del self._users[key]
			self.now -= nbytes


def peak_bytes(call: Callable[[], object]) -> int:
	"""The most bytes that a call on the meta device has in tensors at one time, beside those it was given."""
	peak = Peak()
	with torch.inference_mode(), peak:
		call()
	return peak.most
