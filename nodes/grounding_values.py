"""What travels of phrases that are to be seen in places (GLIGEN).

Importing this module imports no torch: tensors are named only for the type checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.models import ModelRef
from engine.sockets import socket
from nodes.values import Area

if TYPE_CHECKING:
	from torch import Tensor


@socket('GLIGEN')
class Grounder(Protocol):
	"""A network that lets a UNet see phrases in places."""

	@property
	def nbytes(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Phrase:
	"""A phrase, as its vector [1, width], and the rectangle that it is to be seen in."""

	vector: Tensor
	area: Area


@dataclass(frozen=True, eq=False)
class Grounding:
	"""Phrases in their places, and the network that is told of them."""

	model: ModelRef[Grounder]
	phrases: tuple[Phrase, ...]
