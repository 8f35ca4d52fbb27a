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
from nodes.diffusion.pouring import AHEAD, CHUNK, PART, SMALL, Stretch, pour

LENGTH = 2 * SMALL


class Counting(TensorReader):
	"""Reads from another, and counts the bytes that it is asked for."""

	def __init__(self, reader: TensorReader) -> None:
		self._reader = reader
		self._lock = threading.Lock()
		self.nbytes = 0
		self.active = 0
		self.asked: list[int] = []

	@property
	def source(self) -> TensorSource:
		return self._reader.source

	def empty(self, name: str) -> Tensor:
		return self._reader.empty(name)

	def fill(self, name: str, target: Tensor, start: int = 0) -> None:
		with self._lock:
			self.nbytes += target.nbytes
			self.asked.append(target.nbytes)
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


class TestParts:
	@pytest.mark.parametrize('length', [PART, PART + 30, 3 * PART - 6])
	def test_what_is_converted_is_read_part_by_part(self, length: int, reader: Counting) -> None:
		"""Of whole units, each of which becomes some numbers; the last part may be short."""
		wide = torch.zeros(length // 3 * 2)

		def numbers(stored: Tensor) -> Tensor:
			return stored.view(torch.uint8).reshape(-1, 3)[:, :2].reshape(-1)

		length = length // 3 * 3
		pour([Stretch('numbers', 0, length, wide, numbers, unit=3)], reader, Load((Path('x'),), 'x'))
		stored = reader.read('numbers')[:length]

		assert torch.equal(wide, stored.reshape(-1, 3)[:, :2].reshape(-1).float())
		assert max(reader.asked[:-1]) <= PART

	def test_the_very_bytes_are_read_at_once(self, values: Tensor, reader: Counting) -> None:
		"""Straight into the tensor, stretch by stretch."""
		target = torch.zeros_like(values)
		pour(stretches(target), reader, Load((Path('x'),), 'x'))

		assert torch.equal(target, values)
		assert set(reader.asked) == {LENGTH}
