"""What a network wants its inputs to be like: the dtype that it computes in, and the device that its weights are on."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

T = TypeVar('T')


def dtype_of(module: torch.nn.Module) -> torch.dtype:
	"""The dtype in which a network computes: that of its weights, but for those that are kept coded."""
	dtypes = (weight.dtype for weight in module.parameters())
	return next((dtype for dtype in dtypes if dtype.is_floating_point), torch.float32)


def place_of(module: torch.nn.Module) -> torch.device:
	"""The device of a network's weights, as far as they are there."""
	return next((weight.device for weight in module.parameters() if not weight.is_meta), torch.device('cpu'))


def bytes_of(module: torch.nn.Module) -> int:
	"""The bytes of a network's weights, those of torchao's too, which look as large as they were."""
	return sum(_bytes(weight) for weight in module.parameters())


def _bytes(weight: Tensor) -> int:
	flatten = getattr(weight, '__tensor_flatten__', None)  # torch's protocol of tensors that are made up of others
	if flatten is None:
		return weight.nbytes
	return sum(cast(Tensor, getattr(weight, name)).nbytes for name in flatten()[0])


def moved(value: T, place: torch.device) -> T:
	"""The same with its tensors at a place, those in tuples and fields of dataclasses too; itself if they are there."""
	made: Any = value
	if isinstance(value, Tensor):
		made = value.to(place)
	elif isinstance(value, tuple) and any(isinstance(one, Tensor) or is_dataclass(one) for one in value):
		made = tuple(moved(one, place) for one in value)
	elif is_dataclass(value) and not isinstance(value, type):
		before = {field.name: getattr(value, field.name) for field in fields(value)}
		after = {name: moved(one, place) for name, one in before.items()}
		changes = {name: one for name, one in after.items() if one is not before[name]}
		made = replace(cast(Any, value), **changes) if changes else value
	return cast(T, made)
