"""Outputs on disk: what is kept, what survives, and that nothing damaged is ever believed."""

from __future__ import annotations

import errno
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import disk as disk_module
from engine import journal
from engine.cache import CacheKey, Entry
from engine.codec import Codecs
from engine.disk import FORMAT, DiskCache
from engine.events import SavedFile, Ui
from engine.journal import Journal
from nodes.codecs import add_codecs

A, B, C, D = (CacheKey(letter * 64) for letter in 'abcd')
PROJECT = Path(__file__).resolve().parents[2]


def codecs() -> Codecs:
	"""Codecs that know arrays."""
	made = Codecs()
	add_codecs(made)
	return made


def opened(
	folder: Path, *, budget: int = 2**30, known: Codecs | None = None, spare: float = 60.0, profile: str = 'cpu'
) -> DiskCache:
	"""A disk cache in a folder."""
	return DiskCache(folder, budget=budget, codecs=known or codecs(), spare=spare, profile=profile)


def large(number: int = 0, *, size: int = 10_000, seconds: float = 1.0) -> Entry:
	"""An entry that needs a blob of about `size` bytes, other for each number."""
	return Entry(((bytes([number]) * size,),), seconds=seconds, kind='Large', digests=(f'{number}',))


def blobs(folder: Path) -> list[Path]:
	"""The files of blobs, half-written ones too."""
	return sorted(path for path in folder.rglob('*') if path.is_file() and 'blobs' in path.parts)


def segments(folder: Path) -> list[Path]:
	"""The segments of the journal."""
	return sorted(folder.glob('*/actions/*'))


def same(found: Entry | None, put: Entry) -> bool:
	"""Whether an entry came back as it was put."""
	return found is not None and found == put


@pytest.fixture
def no_young_segments(monkeypatch: pytest.MonkeyPatch) -> None:
	"""Segments are taken for dead as soon as they are not locked."""
	monkeypatch.setattr(journal, 'YOUNG_SECONDS', -1.0)


class TestKeeping:
	"""What is put comes back, from another instance too."""

	@pytest.mark.parametrize(
		'entry',
		[
			Entry(
				((1,), (1.5, 'two', None), ()), Ui.of_images(SavedFile(filename='a.png')), 2.5, 'Kind', ('x', 'y', 'z')
			),
			Entry((([1, (2, {'a': b'3'})],),)),
			Entry((('ä\n\ud800' * 10_000,),), seconds=1.0),
			Entry(((float('inf'), -0.0, 10**5000),)),
			Entry(((b'x' * 5000, 5),), seconds=1.0),
		],
		ids=['all fields', 'tree', 'long odd text', 'numbers', 'a blob and an inline value'],
	)
	def test_survives_reopening(self, tmp_path: Path, entry: Entry) -> None:
		"""Outputs, what was shown, time, kind and digests come back, under both names."""
		first = opened(tmp_path)
		first.put(A, entry, also=B)
		first.close()
		second = opened(tmp_path)

		for cache in (first, second):
			assert A in cache
			assert same(cache.get(A), entry)
			assert same(cache.get(B), entry)
			assert C not in cache
			assert cache.get(C) is None
			assert 5 not in cache

	def test_arrays_come_back_fresh_and_writable(self, tmp_path: Path) -> None:
		"""Each `get` decodes anew, so nobody sees what another has changed."""
		cache = opened(tmp_path)
		cache.put(A, Entry(((np.arange(5000),),), seconds=1.0))
		first, second = cache.get(A), cache.get(A)
		assert first is not None
		assert second is not None
		array = first.outputs[0][0]
		assert isinstance(array, np.ndarray)
		array[0] = 7

		assert np.array_equal(np.asarray(second.outputs[0][0]), np.arange(5000))

	def test_equal_values_share_a_blob(self, tmp_path: Path) -> None:
		"""A blob is named for its bytes, and written once."""
		cache = opened(tmp_path)
		cache.put(A, large())
		before = cache.nbytes
		cache.put(B, large())

		assert len(blobs(tmp_path)) == 1
		assert cache.nbytes - before < 1000

	def test_small_values_need_no_blob(self, tmp_path: Path) -> None:
		"""They are in the action's line."""
		opened(tmp_path).put(A, Entry((('small',),)))

		assert blobs(tmp_path) == []

	def test_a_known_second_name_spares_the_encoding(self, tmp_path: Path) -> None:
		"""An entry that is there under its second name is given one more name, not written again."""
		cache = opened(tmp_path)
		cache.put(A, large(), also=D)
		cache.put(B, Entry(((object(),),), seconds=1.0, digests=('0',)), also=D)

		assert same(opened(tmp_path).get(B), Entry(large().outputs, seconds=1.0, digests=('0',)))

	def test_opaque_outputs_are_not_kept(self, tmp_path: Path) -> None:
		"""Nor is any output beside them."""
		cache = opened(tmp_path)
		cache.put(A, Entry(((b'x' * 5000,), (object(),)), seconds=1.0))

		assert A not in cache
		assert blobs(tmp_path) == []

	def test_what_is_computed_faster_than_read_is_not_kept(self, tmp_path: Path) -> None:
		"""Of values over a mebibyte, only those that took longer than reading them would."""
		cache = opened(tmp_path)
		cache.put(A, large(size=2**21, seconds=0.001))
		cache.put(B, large(size=2**21, seconds=0.1))

		assert A not in cache
		assert B in cache

	def test_only_what_is_good_is_a_hit(self, tmp_path: Path) -> None:
		"""`in` and `get` ask about what was shown, each time."""
		asked: list[Ui | None] = []

		def is_valid(entry: Entry) -> bool:
			asked.append(entry.ui)
			return False

		shown = Ui.of_images(SavedFile(filename='a.png'))
		cache = DiskCache(tmp_path, budget=2**20, codecs=codecs(), is_valid=is_valid)
		cache.put(A, Entry(((1,),), shown))

		assert A not in cache
		assert cache.get(A) is None
		assert asked == [shown, shown]

	def test_profiles_do_not_meet(self, tmp_path: Path) -> None:
		"""What one profile computed is no hit for another."""
		opened(tmp_path).put(A, large())

		assert A not in opened(tmp_path, profile='cuda')

	def test_another_format_is_left_alone(self, tmp_path: Path) -> None:
		"""A cache of a later version is neither read nor changed; ours starts beside it, and finds itself again."""
		opened(tmp_path).put(A, large())
		(tmp_path / 'cpu' / 'format').write_text('another')
		cache = opened(tmp_path)
		assert A not in cache
		cache.put(B, large())

		assert (tmp_path / 'cpu' / 'format').read_text() == 'another'
		assert (tmp_path / f'cpu-{FORMAT}').is_dir()
		assert B in opened(tmp_path)

	def test_a_value_of_an_unknown_pack_is_a_miss(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
		"""It stays on disk, for the pack may come back."""

		@dataclass
		class Odd:
			x: int

		known = codecs()
		known.add_dataclass(Odd, 'Odd')
		opened(tmp_path, known=known).put(A, Entry(((Odd(1),),)))
		without = opened(tmp_path)
		assert without.get(A) is None

		assert A not in without
		assert "No dataclass 'Odd' is registered" in caplog.text
		assert same(opened(tmp_path, known=known).get(A), Entry(((Odd(1),),)))


class TestStatistics:
	"""What can be told of the past."""

	def test_seconds_by_kind(self, tmp_path: Path) -> None:
		"""Runs and their mean, from the records."""
		cache = opened(tmp_path)
		for key, kind, seconds in ((A, 'X', 1.0), (B, 'X', 2.0), (C, 'Y', 5.0)):
			cache.put(key, Entry(((1,),), kind=kind, seconds=seconds))

		assert opened(tmp_path).seconds_by_kind() == {'X': (2, 1.5), 'Y': (1, 5.0)}

	def test_stats(self, tmp_path: Path) -> None:
		"""Entries, bytes, pins, hits and misses."""
		cache = opened(tmp_path, budget=10**6)
		cache.put(A, large())
		cache.pin([A, B])
		cache.get(A)
		cache.get(C)
		stats = cache.stats()

		assert (stats.entries, stats.pinned, stats.hits, stats.misses, stats.budget) == (1, 2, 1, 1, 10**6)
		assert stats.nbytes == cache.nbytes > 10_000
		assert 0 < stats.journal_bytes < 1000


class TestRoom:
	"""What leaves when there is too much."""

	def test_the_least_seconds_per_byte_leave_first(self, tmp_path: Path) -> None:
		"""Until a tenth of the budget is free."""
		cache = opened(tmp_path, budget=50_000)
		for number, key in enumerate((A, B, C, D)):
			cache.put(key, large(number, seconds=[3.0, 1.0, 2.0, 4.0][number]))
		assert all(key in cache for key in (A, B, C, D))
		cache.put(CacheKey('e'), large(5, seconds=5.0))

		assert [key in cache for key in (A, B, C, D, CacheKey('e'))] == [True, False, True, True, True]
		assert cache.nbytes <= 45_000

	def test_what_was_not_used_for_long_is_worth_less(self, tmp_path: Path) -> None:
		"""Ten days later, a costly entry leaves before one that was used again."""
		now = 1e9
		cache = DiskCache(tmp_path, budget=25_000, codecs=codecs(), clock=lambda: now)
		cache.put(A, large(1, seconds=1.0))
		cache.put(B, large(2, seconds=2.0))
		now += 10 * 86400
		cache.get(A)
		reopened = DiskCache(tmp_path, budget=25_000, codecs=codecs(), clock=lambda: now)
		reopened.put(C, large(3, seconds=1.0))

		assert (A in reopened, B in reopened, C in reopened) == (True, False, True)

	def test_pins_never_leave(self, tmp_path: Path) -> None:
		"""A pin holds in every process, and until it is taken off."""
		cache = opened(tmp_path, budget=25_000)
		cache.put(A, large(1, seconds=0.1))
		cache.pin([A])
		other = opened(tmp_path, budget=25_000)
		assert other.pins() == {A}
		other.put(B, large(2))
		other.put(C, large(3))
		assert A in other
		assert (B in other) + (C in other) == 1
		other.unpin([A])
		other.put(D, large(4))

		assert A not in other
		assert cache.pins() == frozenset()

	def test_blobs_go_with_their_last_entry(self, tmp_path: Path) -> None:
		"""One that another entry refers to stays."""
		cache = opened(tmp_path, spare=0.0)
		cache.put(A, large(1))
		cache.put(B, large(1))
		cache.put(C, large(2))
		cache.pin([A])
		cache.clear()

		assert [key in cache for key in (A, B, C)] == [True, False, False]
		assert len(blobs(tmp_path)) == 1

	def test_young_blobs_are_spared(self, tmp_path: Path) -> None:
		"""Another process may be about to refer to one; it goes later."""
		cache = opened(tmp_path)
		cache.put(A, large(1))
		cache.clear()
		assert len(blobs(tmp_path)) == 1
		old = time.time() - 100
		os.utime(blobs(tmp_path)[0], (old, old))
		cache.finish()

		assert blobs(tmp_path) == []

	def test_clear_with_pins(self, tmp_path: Path) -> None:
		"""Pinned entries go too when that is asked for; the pins stay."""
		cache = opened(tmp_path)
		cache.put(A, large(1))
		cache.pin([A])
		cache.clear(pins=True)

		assert A not in cache
		assert A not in opened(tmp_path)
		assert cache.pins() == {A}

	def test_what_was_dropped_can_be_put_again(self, tmp_path: Path) -> None:
		"""The later line counts, in whatever order they are read."""
		cache = opened(tmp_path)
		cache.put(A, large(1))
		cache.clear()
		cache.put(A, large(2))

		assert same(opened(tmp_path).get(A), large(2))

	def test_too_many_lines_are_evicted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""The lines of live actions are held in memory, so they have a limit of their own."""
		monkeypatch.setattr(disk_module, 'MOST_LINE_BYTES', 10_000)
		cache = opened(tmp_path)
		for number in range(200):
			cache.put(CacheKey(f'{number}'), Entry(((number,),), seconds=number))

		assert cache.nbytes <= 10_000
		assert CacheKey('199') in cache
		assert CacheKey('0') not in cache


@pytest.mark.usefixtures('no_young_segments')
class TestCompaction:
	"""What the dead have left is written anew, without what counts no longer."""

	def test_segments_of_the_dead_become_one(self, tmp_path: Path) -> None:
		"""Entries, drops, pins and second names are all as before."""
		for number, key in enumerate((A, B, C)):
			cache = opened(tmp_path)
			cache.put(key, large(number), also=CacheKey(f'also {number}'))
			cache.pin([key])
			cache.close()
		cache.unpin([B])
		cache.clear()
		cache.close()
		assert len(segments(tmp_path)) > 1
		for _ in range(2):
			cache = opened(tmp_path)
			cache.close()

		assert len(segments(tmp_path)) == 1
		assert [key in cache for key in (A, B, C, CacheKey('also 2'))] == [True, False, True, True]
		assert cache.pins() == {A, C}
		assert same(cache.get(C), large(2))

	def test_segments_of_the_living_stay(self, tmp_path: Path) -> None:
		"""A lock tells that somebody still appends to one; and what was dropped from it stays dropped."""
		living = opened(tmp_path)
		living.put(A, large(1))
		living.put(B, large(2))
		for key in (C, D):
			dead = opened(tmp_path)
			dead.put(key, large(3))
			dead.close()
		dead.put(A, large(4))
		dead.close()
		dead.pin([B])
		dead.clear()
		dead.close()
		opened(tmp_path).close()
		living.put(C, large(5))

		reader = opened(tmp_path)
		assert [key in reader for key in (A, B, C, D)] == [False, True, True, False]

	def test_one_that_has_read_the_old_lines_can_compact_the_new(self, tmp_path: Path) -> None:
		"""Lines that another has moved are known where they are now, so none is lost with them."""
		for key in (A, B):
			cache = opened(tmp_path)
			cache.put(key, large())
			cache.close()
		cache.begin(())
		opened(tmp_path).close()
		other = opened(tmp_path)
		other.put(C, large())
		other.close()
		cache.begin(())
		cache._tidy(thoroughly=True)

		assert len(segments(tmp_path)) == 1
		assert all(key in opened(tmp_path) for key in (A, B, C))

	def test_a_wasteful_own_segment_is_written_anew(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""When a job is over, if most lines count no longer."""
		monkeypatch.setattr(disk_module, 'WASTE', 1000)
		cache = opened(tmp_path)
		for number in range(100):
			cache.put(A, Entry(((number,),)))
		before = cache.stats().journal_bytes
		cache.finish()

		assert cache.stats().journal_bytes < before / 20
		assert same(opened(tmp_path).get(A), Entry(((99,),)))

	def test_leftovers_of_killed_writers_are_swept(self, tmp_path: Path) -> None:
		"""Half-written blobs and blobs that no line tells of go when the cache is opened."""
		cache = opened(tmp_path)
		cache.put(A, large())
		cache.close()
		for name in (f'{"f" * 64}', f'{"e" * 64}-1234.part'):
			path = cache.folder / 'blobs' / name[:2] / name
			path.parent.mkdir(exist_ok=True)
			path.write_bytes(b'x')
		again = opened(tmp_path, spare=0.0)

		assert len(blobs(tmp_path)) == 1
		assert A in again


WRITER = """
import sys
from pathlib import Path
from tests.engine.test_disk import large, opened
from engine.cache import CacheKey, Entry
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
cache = opened(folder)
for number in range(count):
	key = CacheKey(f'{name} {number}')
	cache.put(key, large(number % 200) if number % 3 == 0 else Entry(((number,),)))
	if number % 50 == 0:
		cache.begin(())
	print(number, flush=True)
"""


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
	"""A process that puts so many entries and tells of each."""
	command = [sys.executable, '-c', WRITER, str(folder), name, str(count)]
	return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def expected(number: int) -> Entry:
	"""What the writer puts."""
	return large(number % 200) if number % 3 == 0 else Entry(((number,),))


class TestSharing:
	"""Several instances and processes over one folder."""

	def test_one_sees_what_the_other_puts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""At the beginning of a job, or when something is missed and the last look was some time ago."""
		monkeypatch.setattr(disk_module, 'REFRESH_SECONDS', 1e9)
		first, second = opened(tmp_path), opened(tmp_path)
		first.put(A, large(1))
		assert A not in second
		second.begin(())
		assert A in second
		second.put(B, large(2))
		monkeypatch.setattr(disk_module, 'REFRESH_SECONDS', 0.0)

		assert same(first.get(B), large(2))

	def test_one_drops_what_the_other_put(self, tmp_path: Path) -> None:
		"""Nothing damaged or stale is given for it."""
		first, second = opened(tmp_path, spare=0.0), opened(tmp_path, spare=0.0)
		first.put(A, large(1))
		second.begin(())
		second.clear()

		assert A not in first
		assert first.get(A) is None

	def test_opening_never_unsettles_others(self, tmp_path: Path) -> None:
		"""Whoever opens the folder while others do finds the same one: its format is never told by halves."""
		folders: list[Path] = []

		def open_often() -> None:
			folders.extend(opened(tmp_path).folder for _ in range(40))

		threads = [threading.Thread(target=open_often) for _ in range(4)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()

		assert set(folders) == {tmp_path / 'cpu'}

	def test_two_processes_at_once(self, tmp_path: Path) -> None:
		"""Both write and read the same folder; all that either put is there."""
		reader = opened(tmp_path)
		processes = [writer(tmp_path, name, 300) for name in 'xy']
		for process in processes:
			process.communicate(timeout=60)
			assert process.returncode == 0
		reader.begin(())

		for name in 'xy':
			for number in range(300):
				assert same(reader.get(CacheKey(f'{name} {number}')), expected(number)), (name, number)

	@pytest.mark.parametrize('after', [0, 7, 100])
	def test_all_that_a_killed_process_put_is_there(self, tmp_path: Path, after: int) -> None:
		"""kill -9 in the midst of writing loses nothing of what `put` returned from."""
		process = writer(tmp_path, 'x', 100_000)
		assert process.stdout is not None
		for line in process.stdout:
			if int(line) >= after:
				break
		process.send_signal(signal.SIGKILL)
		last = max([after, *(int(line) for line in process.stdout.read().split('\n')[:-1])])
		process.wait()
		process.stdout.close()
		cache = opened(tmp_path)

		for number in range(last + 1):
			assert same(cache.get(CacheKey(f'x {number}')), expected(number)), number


VALUES = {
	A: large(1),
	B: Entry((('small', 1.5),), seconds=1.0),
	C: large(2),
	D: Entry(((b'y' * 3000, 4),), seconds=1.0),
}


def damage(path: Path, draw: random.Random) -> None:
	"""Cut a file short, change bits of it, or add to it."""
	data = bytearray(path.read_bytes())
	match draw.randrange(3):
		case 0:
			del data[draw.randrange(len(data)) :]
		case 1:
			for _ in range(draw.randint(1, 4)):
				data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
		case _:
			data += draw.randbytes(draw.randint(1, 100))
	path.write_bytes(data)


@pytest.fixture
def quiet() -> Iterator[None]:
	"""Warnings about damage, of which there are many, are not printed."""
	logging.disable(logging.WARNING)
	yield
	logging.disable(logging.NOTSET)


@pytest.mark.usefixtures('quiet')
class TestDamage:
	"""Whatever happens to the files, a value is right or it is a miss."""

	@pytest.fixture(scope='class')
	def folders(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
		"""A place for many folders."""
		return iter(tmp_path_factory.mktemp('damage') / str(number) for number in range(10_000))

	@settings(deadline=None, max_examples=40)
	@given(seed=st.integers(0, 2**32), open_before=st.booleans())
	def test_damaged_files(self, folders: Iterator[Path], seed: int, open_before: bool) -> None:
		"""Blobs and segments, before the cache is opened or while it is open; and all can be put again."""
		draw = random.Random(seed)
		folder = next(folders)
		writer = opened(folder)
		for key, entry in VALUES.items():
			writer.put(key, entry)
		writer.close()
		cache = opened(folder) if open_before else None
		files = [*blobs(folder), *segments(folder)]
		for path in draw.sample(files, draw.randint(1, len(files))):
			damage(path, draw)
		cache = cache or opened(folder)

		for key, entry in VALUES.items():
			found = cache.get(key)
			assert found is None or found == entry
			assert (key in cache) == (found is not None)
			cache.put(key, entry)
			assert same(cache.get(key), entry)
		assert all(same(opened(folder).get(key), entry) for key, entry in VALUES.items())

	def test_a_missing_blob_is_a_miss(self, tmp_path: Path) -> None:
		"""For `in` too, which reads no blob."""
		cache = opened(tmp_path)
		cache.put(A, large())
		blobs(tmp_path)[0].unlink()

		assert A not in cache
		assert cache.get(A) is None

	def test_lines_of_another_make_are_passed_over(self, tmp_path: Path) -> None:
		"""A line may be whole and still say nothing that is understood."""
		cache = opened(tmp_path)
		lines = Journal(cache.folder / 'actions')
		bad_name = b'{"key":"b","also":null,"kind":"","seconds":1,"at":1,"ui":null,"digests":[],"outputs":[[%s]]}'
		for body in (b'[]', b'{}', b'x', b'{"at":1}', b'{"drop":5,"at":1}', bad_name % b'{"blob":["../../x",1]}'):
			lines.append(body)
		cache.put(A, large())

		assert same(opened(tmp_path).get(A), large())
		assert len(opened(tmp_path)) == 1


class TestTrouble:
	"""A disk that is full or cannot be written stops no job."""

	@pytest.mark.parametrize('function', ['write', 'open'])
	def test_a_full_disk(
		self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, function: str
	) -> None:
		"""It is told once; nothing half-written can be seen; and later all goes on."""
		cache = opened(tmp_path)

		def full(*args: object) -> int:
			raise OSError(errno.ENOSPC, 'No space left on device')

		with monkeypatch.context() as patch:
			patch.setattr(os, function, full)
			cache.put(A, large(1))
			cache.put(B, Entry(((1,),)))
			cache.pin([B])
		assert A not in cache
		assert blobs(tmp_path) == []
		assert caplog.text.count('No space left') == 1
		cache.put(C, large(3))

		assert same(opened(tmp_path).get(C), large(3))

	def test_a_line_written_in_part(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""What follows it is not spoiled by it."""
		cache = opened(tmp_path)
		write = os.write
		with monkeypatch.context() as patch:
			patch.setattr(os, 'write', lambda descriptor, data: write(descriptor, data[: len(data) // 2]))
			cache.put(A, Entry(((1,),)))
		assert A not in cache
		cache.put(B, Entry(((2,),)))
		reopened = opened(tmp_path)

		assert A not in reopened
		assert same(reopened.get(B), Entry(((2,),)))

	def test_blobs_written_bit_by_bit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A write may take fewer bytes than it was given."""
		cache = opened(tmp_path)
		cache.put(B, Entry(((1,),)))
		write = os.write
		with monkeypatch.context() as patch:
			patch.setattr(
				os, 'write', lambda descriptor, data: write(descriptor, data[:999] if len(data) > 2000 else data)
			)
			cache.put(A, large())

		assert same(opened(tmp_path).get(A), large())
