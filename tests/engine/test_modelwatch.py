import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import modelwatch
from engine.catalogue import Catalogue
from engine.modelwatch import ModelWatch
from engine.settings import Settings


class Desk:
	"""A models folder, a watch, and what it told."""

	def __init__(self, base: Path) -> None:
		self.folder = base / 'models' / 'loras'
		self.folder.mkdir(parents=True)
		self.catalogue = Catalogue(Settings(base=base))
		self.kept = base / 'data' / 'sums.json'
		self.told: list[tuple[str, ...]] = []
		self.news = threading.Condition()
		self.watches: list[ModelWatch] = []

	def write(self, name: str, content: bytes = b'weights') -> Path:
		path = self.folder / name
		path.write_bytes(content)
		return path

	def watch(self) -> ModelWatch:
		watch = ModelWatch(self.catalogue, self.kept)
		self.watches.append(watch)
		watch.start(self.hear)
		return watch

	def hear(self, kinds: tuple[str, ...]) -> None:
		with self.news:
			self.told.append(kinds)
			self.news.notify_all()

	def wait_told(self, count: int) -> None:
		with self.news:
			assert self.news.wait_for(lambda: len(self.told) >= count, 60)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
	"""A watch that looks often."""
	monkeypatch.setattr(modelwatch, 'LOOK_SECONDS', 0.01)
	desk = Desk(tmp_path)
	yield desk
	for watch in desk.watches:
		watch.stop()


def summed(watch: ModelWatch, path: Path) -> str:
	"""The sum of a file, once it is there."""
	pause = threading.Event()
	for _ in range(6000):
		found = watch.sha256(path)
		if found is not None:
			return found
		pause.wait(0.01)
	raise TimeoutError


class TestSums:
	def test_of_all_bytes(self, desk: Desk) -> None:
		"""Of files that are there at the start, and of those that come."""
		first = desk.write('a.safetensors')
		watch = desk.watch()
		assert summed(watch, first) == hashlib.sha256(b'weights').hexdigest()
		second = desk.write('b.safetensors', b'others')

		assert summed(watch, second) == hashlib.sha256(b'others').hexdigest()
		assert watch.sha256(desk.folder / 'none.safetensors') is None

	def test_of_a_file_that_changes(self, desk: Desk) -> None:
		"""The old one is not told any more."""
		path = desk.write('a.safetensors')
		watch = desk.watch()
		old = summed(watch, path)
		desk.write('a.safetensors', b'more weights')

		assert summed(watch, path) != old

	def test_kept_between_runs(self, desk: Desk) -> None:
		"""What has not changed is not read again."""
		path = desk.write('a.safetensors')
		watch = desk.watch()
		total = summed(watch, path)
		watch.stop()
		status = path.stat()
		path.write_bytes(b'WEIGHTS')  # the same size
		os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

		assert summed(desk.watch(), path) == total

	@pytest.mark.parametrize('content', [b'', b'{', b'{"a": 1}', b'\xff'])
	def test_a_damaged_file_of_sums(self, desk: Desk, content: bytes) -> None:
		"""It is made anew."""
		path = desk.write('a.safetensors')
		desk.kept.parent.mkdir()
		desk.kept.write_bytes(content)

		assert summed(desk.watch(), path) == hashlib.sha256(b'weights').hexdigest()

	def test_the_end(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
		"""It does not wait for the end of a large file."""
		monkeypatch.setattr(modelwatch, 'CHUNK', 1)
		monkeypatch.setattr(modelwatch, 'PAUSE_SECONDS', 60)
		desk.write('a.safetensors')
		watch = desk.watch()
		watch.stop()

		assert watch.sha256(desk.folder / 'a.safetensors') is None


class TestChanges:
	def test_what_came_and_went(self, desk: Desk) -> None:
		"""By the kind of its folder; nothing is told of what is there at the start."""
		path = desk.write('a.safetensors')
		summed(desk.watch(), path)
		assert desk.told == []
		desk.write('b.safetensors')
		desk.wait_told(1)
		path.unlink()
		desk.wait_told(2)

		assert set(desk.told) == {('loras',)}
