"""From a file into memory: stretch by stretch, a few of which are read ahead while others become what they are to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.models import Load
from nodes.diffusion.files import TensorReader

CHUNK = 2**23
"""Bytes of the longest stretch: after each, progress is told and a cancelled load stops."""

READERS = 2
"""Threads that read: what it takes is mostly the system's making of memory."""

AHEAD = 4
"""How many stretches are on their way at most. Together they bound what is still read after a cancel."""

SMALL = 2**18
"""Bytes below which a stretch is read at once: less than it costs to hand it to a thread."""


@dataclass(frozen=True)
class Stretch:
	"""A stretch of a stored tensor: `nbytes` from byte `start` on, for a flat part of a tensor.

	`numbers` makes of bytes what the part is to hold; None if it is to hold the very bytes, and can be read into.
	"""

	name: str
	start: int
	nbytes: int
	target: Tensor
	numbers: Callable[[Tensor], Tensor] | None = None


Waiting = deque[tuple[Stretch, Tensor, Future[None]]]


def pour(stretches: Iterable[Stretch], reader: TensorReader, load: Load) -> None:
	"""Read stretches, and tell of each. Nothing is read any more when this is left.

	Raises what the reader raises, and what a cancelled load raises.
	"""
	waiting: Waiting = deque()
	spare: list[Tensor] = []
	with ThreadPoolExecutor(READERS, 'read') as pool:
		try:
			for stretch in stretches:
				load.cancel.check()
				if stretch.nbytes <= SMALL:
					memory = (
						stretch.target if stretch.numbers is None else torch.empty(stretch.nbytes, dtype=torch.int8)
					)
					reader.fill(stretch.name, memory, stretch.start)
					_settle(stretch, memory, load)
					continue
				if len(waiting) == AHEAD:
					_finish(waiting, spare, load)
				memory = stretch.target if stretch.numbers is None else _buffer(stretch.nbytes, spare)
				waiting.append((stretch, memory, pool.submit(reader.fill, stretch.name, memory, stretch.start)))
			while waiting:
				_finish(waiting, spare, load)
		finally:
			for _, _, reading in waiting:
				reading.cancel()


def _finish(waiting: Waiting, spare: list[Tensor], load: Load) -> None:
	"""Wait for the first of those that are read. No closure of `pour`: the frames of an error would keep what it holds."""
	stretch, memory, reading = waiting.popleft()
	reading.result()
	_settle(stretch, memory, load)
	if stretch.numbers is not None:
		spare.append(memory)


def _buffer(nbytes: int, spare: list[Tensor]) -> Tensor:
	"""So many bytes of a spare buffer, or of a new one. All are of one size, so that a few of them do for a whole file."""
	buffer = spare.pop() if spare else torch.empty(max(CHUNK, nbytes), dtype=torch.int8)
	return buffer.new_empty(0).set_(buffer.untyped_storage())[:nbytes]


def _settle(stretch: Stretch, memory: Tensor, load: Load) -> None:
	if stretch.numbers is not None:
		stretch.target.copy_(stretch.numbers(memory))
	load.advance(stretch.target.nbytes)
