"""Model files that are read by position, and what is said of them when they change meanwhile."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from engine.errors import ModelFileChanged, ModelNotFound, UnknownFormat
from nodes.diffusion.open_file import OpenFile, stamp


@pytest.fixture
def path(tmp_path: Path) -> Path:
	"""A file of the bytes 0 to 199."""
	file = tmp_path / 'bytes'
	file.write_bytes(bytes(range(200)))
	return file


class TestReading:
	@pytest.mark.parametrize('positions', [True, False])
	def test_fills_a_tensor_from_a_byte_on(self, positions: bool, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Of any dtype and shape; also where the system cannot read by position."""
		if not positions:
			monkeypatch.delattr(os, 'preadv', raising=False)
		target = torch.empty(2, 3, dtype=torch.int16)
		with OpenFile.opened(path, stamp(path)) as file:
			file.fill(target, 10)

		assert target.view(torch.uint8).flatten().tolist() == list(range(10, 22))

	def test_nothing_can_be_read_anywhere(self, path: Path) -> None:
		"""Tensors without values have a place too."""
		with OpenFile.opened(path, stamp(path)) as file:
			assert file.tensor(500, (0, 4), torch.float32).shape == (0, 4)

	def test_the_end_of_a_file_is_told(self, path: Path) -> None:
		"""With the byte at which it came."""
		with (
			OpenFile.opened(path, stamp(path)) as file,
			pytest.raises(UnknownFormat, match=r'bytes cannot be read.*ends at byte 200'),
		):
			file.tensor(190, (20,), torch.uint8)

	def test_a_file_that_is_gone(self, path: Path) -> None:
		"""Is not found."""
		known = stamp(path)
		path.unlink()

		with pytest.raises(ModelNotFound, match='bytes'), OpenFile.opened(path, known):
			pass
		with pytest.raises(ModelNotFound, match='bytes'):
			stamp(path)


class TestChanges:
	def test_a_file_that_was_cut_short(self, path: Path) -> None:
		"""What is left can be read; what is not is told, with how much there is of it."""
		with ExitStack() as stack:
			file = stack.enter_context(OpenFile.opened(path, stamp(path)))
			os.truncate(path, 100)

			assert file.tensor(99, (1,), torch.uint8).tolist() == [99]
			for look in (lambda: file.tensor(101, (1,), torch.uint8), stack.close):
				with pytest.raises(ModelFileChanged, match=r'bytes has changed.*only 100 of its 200'):
					look()

	def test_a_file_that_was_written_to_before_or_meanwhile(self, path: Path) -> None:
		"""What was read of it might be of two models."""
		known = stamp(path)
		with ExitStack() as stack:
			stack.enter_context(OpenFile.opened(path, known))
			path.write_bytes(bytes(200))
			os.utime(path, ns=(0, known.written + 1))
			with pytest.raises(ModelFileChanged, match='written to or replaced'):
				stack.close()
		with pytest.raises(ModelFileChanged, match='written to or replaced'), OpenFile.opened(path, known):
			pass

	def test_a_file_that_another_takes_the_place_of(self, path: Path) -> None:
		"""It is read to its end, as it was."""
		with OpenFile.opened(path, stamp(path)) as file:
			other = path.with_name('other')
			other.write_bytes(bytes(10))
			other.replace(path)

			assert file.tensor(150, (3,), torch.uint8).tolist() == [150, 151, 152]
