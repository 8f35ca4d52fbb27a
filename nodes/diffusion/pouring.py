"""From a file into memory: stretch by stretch, in a few threads that each read one and make of it what it is to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from engine.kernel import make_pages
from engine.models import Load
from nodes.diffusion.files import TensorReader

CHUNK = 2**23
"""Bytes of the longest stretch: after each, progress is told and a cancelled load stops."""

READERS = 2
"""Threads that read and convert: what it takes is mostly the system's making of memory."""

AHEAD = 4
"""How many stretches are on their way at most. Together they bound what is still read after a cancel."""

PART = 2**21
"""Bytes that are read before they are converted: few enough to be still in a cache then, and not so few that threads wait
for each other's turn in Python."""

ALONE = 2**15 - 64
"""Numbers that are converted at a time: so few that torch does it in the thread that asks."""

SMALL = 2**18
"""Bytes below which a stretch is read at once: less than it costs to hand it to a thread."""


@dataclass(frozen=True)
class Stretch:
	"""A stretch of a stored tensor: `nbytes` from byte `start` on, for a flat part of a tensor.

	`numbers` makes of bytes what the part is to hold, of any whole number of `unit` bytes; None if it is to hold the very
	bytes, and can be read into.
	"""

	name: str
	start: int
	nbytes: int
	target: Tensor
	numbers: Callable[[Tensor], Tensor] | None = None
	unit: int = 1


Waiting = deque[tuple[Stretch, Future[None]]]


def pour(stretches: Iterable[Stretch], reader: TensorReader, load: Load) -> None:
	"""Read stretches, and tell of each. Nothing is read any more when this is left.

	Raises what the reader raises, and what a cancelled load raises.
	"""
	waiting: Waiting = deque()
	# What is read within a pass is read in its mode, which each thread has for itself.
	bring = partial(_bring, reader, torch.is_inference_mode_enabled())
	with ThreadPoolExecutor(READERS, 'read') as pool:
		try:
			for stretch in stretches:
				load.cancel.check()
				if stretch.nbytes <= SMALL:
					bring(stretch)
					load.advance(stretch.target.nbytes)
					continue
				if len(waiting) == AHEAD:
					_finish(waiting, load)
				waiting.append((stretch, pool.submit(bring, stretch)))
			while waiting:
				_finish(waiting, load)
		finally:
			for _, reading in waiting:
				reading.cancel()


def _finish(waiting: Waiting, load: Load) -> None:
	"""Wait for the first of those that are read. No closure of `pour`: the frames of an error would keep what it holds."""
	stretch, reading = waiting.popleft()
	reading.result()
	load.advance(stretch.target.nbytes)


def _bring(reader: TensorReader, inference: bool, stretch: Stretch) -> None:
	with torch.inference_mode(inference):
		_convert(reader, stretch)


def _convert(reader: TensorReader, stretch: Stretch) -> None:
	"""Read a stretch, and make of it what it is to be: part by part, so that what was read is still at hand."""
	if stretch.target.device.type == 'cpu' and stretch.target.nbytes > SMALL:
		make_pages(stretch.target.data_ptr(), stretch.target.nbytes)
	if stretch.numbers is None:
		reader.fill(stretch.name, stretch.target, stretch.start)
		return
	# To another device it goes in one piece: each copy has its price there.
	longest = max(1, PART // stretch.unit) * stretch.unit if stretch.target.device.type == 'cpu' else stretch.nbytes
	buffer = torch.empty(min(longest, stretch.nbytes), dtype=torch.int8)
	values = len(stretch.target) * stretch.unit // stretch.nbytes
	for first in range(0, stretch.nbytes, longest):
		part = buffer[: stretch.nbytes - first]
		reader.fill(stretch.name, part, stretch.start + first)
		begin = first // stretch.unit * values
		_copy(stretch.numbers(part), stretch.target[begin : begin + len(part) // stretch.unit * values])


def _copy(numbers: Tensor, target: Tensor) -> None:
	"""Copy numbers; within main memory in this very thread, since the others are busy with other stretches."""
	if target.device.type != 'cpu':
		target.copy_(numbers)
		return
	for first in range(0, len(numbers), ALONE):
		target[first : first + ALONE].copy_(numbers[first : first + ALONE])
