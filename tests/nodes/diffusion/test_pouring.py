"""Stretches of files that are read into memory, some ahead of others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import ModelLoadCancelled, UnknownFormat
from engine.loading import LoadToken
from engine.models import Load
from nodes.diffusion.files import TensorReader, TensorSource, open_source
from nodes.diffusion.pouring import AHEAD, CHUNK, SMALL, Stretch, pour

LENGTH = 2 * SMALL


class Counting(TensorReader):
	"""Reads from another, and counts the bytes that it is asked for."""

	def __init__(self, reader: TensorReader) -> None:
		self._reader = reader
		self._lock = threading.Lock()
		self.nbytes = 0
		self.active = 0
		self.buffers: set[int] = set()

	@property
	def source(self) -> TensorSource:
		return self._reader.source

	def empty(self, name: str) -> Tensor:
		return self._reader.empty(name)

	def fill(self, name: str, target: Tensor, start: int = 0) -> None:
		with self._lock:
			self.nbytes += target.nbytes
			self.buffers.add(target.untyped_storage().data_ptr())
			self.active += 1
		try:
			self._reader.fill(name, target, start)
		finally:
			with self._lock:
				self.active -= 1

	def check(self) -> None:
		self._reader.check()


@pytest.fixture
def values() -> Tensor:
	"""16 MiB of numbers."""
	return torch.randint(0, 100, (32 * LENGTH,), dtype=torch.uint8)


@pytest.fixture
def reader(values: Tensor, tmp_path: Path) -> Iterator[Counting]:
	"""Of a file that holds them."""
	path = tmp_path / 'numbers.safetensors'
	save_file({'numbers': values}, path)
	with open_source(path).open() as opened:
		yield Counting(opened)


def stretches(target: Tensor, length: int = LENGTH) -> Iterator[Stretch]:
	"""All of the numbers: read into a target of bytes, or turned into numbers with a point."""
	numbers = None if target.dtype == torch.uint8 else (lambda stored: stored.view(torch.uint8))
	for start in range(0, len(target), length):
		yield Stretch('numbers', start, length, target[start : start + length], numbers)


class TestPouring:
	@pytest.mark.parametrize('length', [SMALL, LENGTH])
	@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
	def test_all_is_there_in_the_end(self, length: int, dtype: torch.dtype, values: Tensor, reader: Counting) -> None:
		"""As bytes or as other numbers, in stretches short or long; each is told once."""
		target, told = torch.zeros(len(values), dtype=dtype), list[int]()
		load = Load((Path('x'),), 'x', on_progress=lambda phase, done, total: told.append(done))
		pour(stretches(target, length), reader, load)

		assert torch.equal(target, values.to(dtype))
		assert told == [length * target.itemsize * (step + 1) for step in range(len(values) // length)]

	def test_a_cancelled_load_reads_a_bounded_number_of_bytes_more(self, values: Tensor, reader: Counting) -> None:
		"""However many there would be; and nothing is read any more once it has told."""
		token, at_cancel = LoadToken('it'), list[int]()

		def cancel(phase: str, done: int, total: int) -> None:
			if done >= 4 * LENGTH and not at_cancel:
				token.stop('tried')
				at_cancel.append(reader.nbytes)

		with pytest.raises(ModelLoadCancelled, match='tried'):
			pour(stretches(torch.zeros(len(values))), reader, Load((Path('x'),), 'x', cancel=token, on_progress=cancel))

		assert reader.nbytes - at_cancel[0] <= AHEAD * LENGTH
		assert reader.nbytes < values.nbytes
		assert reader.active == 0
		assert AHEAD * CHUNK <= 2**26

	def test_an_error_in_a_thread_comes_out(self, reader: Counting) -> None:
		"""As it is, and once nothing is read any more."""
		target = torch.zeros(LENGTH * 4, dtype=torch.uint8)
		beyond = Stretch('numbers', 40 * LENGTH, LENGTH, target[:LENGTH])

		with pytest.raises(UnknownFormat, match='ends at byte'):
			pour([*stretches(target), beyond, *stretches(target)], reader, Load((Path('x'),), 'x'))

		assert reader.active == 0


class TestBuffers:
	def test_a_few_do_for_stretches_of_any_length(self, reader: Counting) -> None:
		"""A short stretch leaves its buffer whole for a longer one."""
		name = next(iter(reader.source.shapes))
		lengths = ([LENGTH + SMALL] * 2 * AHEAD + [LENGTH] * 2 * AHEAD) * 4
		targets = [torch.empty(length, dtype=torch.int8) for length in lengths]
		load = Load((reader.source.path,), 'any')

		pour([Stretch(name, 0, len(one), one, lambda stored: stored) for one in targets], reader, load)

		assert all(torch.equal(one[:LENGTH], targets[0][:LENGTH]) for one in targets)
		assert len(reader.buffers) <= AHEAD + 1
