"""Outputs on disk, where they outlive the process; several processes may share a folder.

	<folder>/<profile>/format     what the rest is written as; if that is another format, <profile>-<ours> is used
	<folder>/<profile>/actions/   what was computed, a line each (`engine/actions.py`, `engine/journal.py`)
	<folder>/<profile>/blobs/     the values that do not fit in a line (`engine/blobfolder.py`)

Nothing is trusted that was read: a line has a checksum, a blob is named for its bytes, and what does not agree is a miss.
No write waits for the disk; what a loss of power leaves half-written does not agree either.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from engine.actions import Action, BlobRef, Index, Mark, Verb, action_body, parse
from engine.blob import Blob, CannotDecode, UnknownCodec
from engine.blobfolder import BlobFolder
from engine.cache import CacheKey, Entry, Outputs
from engine.codec import Codecs
from engine.declaration import Model
from engine.graph import NodeId
from engine.journal import Journal, alone

log = logging.getLogger(__name__)

FORMAT = 'lumengraph-cache-1'
LONGEST_INLINE = 2048
QUICK_BYTES = 2**20
QUICK_SPEED = 500e6
"""Values of more bytes are not kept if computing them is faster than reading so many bytes per second."""
REFRESH_SECONDS = 0.05
USE_SECONDS = 600.0
"""So much later than it was last told, it is told that an entry was used."""
SPARE_SECONDS = 60.0
FULL = 0.9
"""How much of the budget is left in use by an eviction."""
MOST_LINE_BYTES = 64 * 2**20
"""Lines of live actions are held in memory; when they have more bytes, actions are evicted as well."""
WASTE = 4 * 2**20


class DiskStats(Model):
	"""How full a disk cache is: entries, bytes of theirs, bytes of the journal; and how often `get` found what it sought."""

	entries: int
	nbytes: int
	journal_bytes: int
	budget: int
	pinned: int
	hits: int
	misses: int


class DiskCache:
	"""Keeps entries in a folder, up to `budget` bytes; what spares the fewest seconds per byte leaves first.

	Entries are not kept if an output is opaque to `codecs`, or would be read more slowly than computed. `in` decodes
	nothing: it asks `is_valid` about an entry without outputs. A fault of the disk is told in the log, once, and is never
	raised; but for the constructor, which raises `OSError` if the folder cannot be written. Any thread may use it.
	"""

	def __init__(
		self,
		folder: Path,
		*,
		budget: int,
		codecs: Codecs,
		is_valid: Callable[[Entry], bool] = lambda entry: True,
		profile: str = 'cpu',
		clock: Callable[[], float] = time.time,
		spare: float = SPARE_SECONDS,
	) -> None:
		self.folder = _home(folder, profile)
		self._budget = budget
		self._codecs = codecs
		self._is_valid = is_valid
		self._clock = clock
		self._lock = threading.RLock()
		self._journal = Journal(self.folder / 'actions')
		self._blobs = BlobFolder(self.folder / 'blobs', spare=spare)
		self._index = Index()
		self._refreshed_at = 0.0
		self._latest = 0.0
		self._told = False
		self._hits = 0
		self._misses = 0
		self._refresh()
		self._tidy(thoroughly=True)

	def __contains__(self, key: object) -> bool:
		action = self._find(key) if isinstance(key, str) else None
		return action is not None and self._is_whole(action) and self._is_valid(action.entry())

	def __len__(self) -> int:
		return len(self._index.actions)

	@property
	def nbytes(self) -> int:
		"""The bytes that the entries take up."""
		return self._index.nbytes

	def get(self, key: CacheKey) -> Entry | None:
		"""The entry, its values made anew; None if there is none that is whole and good."""
		action = self._find(key)
		entry = None if action is None else self._entry(action)
		if action is None or entry is None or not self._is_valid(entry):
			self._misses += 1
			return None
		self._hits += 1
		now = self._clock()
		if now - action.used > USE_SECONDS:
			action.used = now
			self._mark('use', (key,))
		return entry

	def put(self, key: CacheKey, entry: Entry, *, also: CacheKey | None = None, owner: NodeId | None = None) -> None:
		"""Keep an entry, under a second name too if one is given, unless it is not worth it."""
		nbytes = entry.nbytes or self._codecs.size(entry.outputs)
		if nbytes > self._budget or (nbytes > QUICK_BYTES and entry.seconds < nbytes / QUICK_SPEED):
			return
		try:
			kept = self._same(entry, also) or self._written(entry.outputs)
			if kept is None:
				return
			outputs, refs = kept
			names: set[str] = {key} if also is None else {key, also}
			with self._lock:
				at = self._now()
				body = action_body(key, also, entry, at, outputs)
				segment = self._journal.append(body)
				self._index.add(
					Action(body, segment, at, at, names, entry.kind, entry.seconds, entry.ui, entry.digests, refs)
				)
		except OSError as error:
			self._trouble(error)
		self._make_room()

	def clear(self, *, pins: bool = False) -> None:
		"""Forget everything that is not pinned; with `pins`, those entries too. The pins themselves stay."""
		with self._lock:
			self._refresh()
			kept = frozenset() if pins else self._index.pins
			self._drop(action for action in self._index.actions if kept.isdisjoint(action.names))
			self._collect()

	def begin(self, keys: Collection[CacheKey], nodes: Collection[NodeId] = ()) -> None:
		"""A job begins: what other processes have done meanwhile is read."""
		self._refresh()

	def finish(self) -> None:
		"""The job is over: what is no longer needed is removed."""
		self._tidy()

	def pin(self, keys: Iterable[CacheKey]) -> None:
		"""Never evict the entries of these keys, those that come later too."""
		self._mark('pin', tuple(keys))

	def unpin(self, keys: Iterable[CacheKey]) -> None:
		"""Let the entries of these keys be evicted like others."""
		self._mark('unpin', tuple(keys))

	def pins(self) -> frozenset[str]:
		"""The keys that are pinned."""
		with self._lock:
			self._refresh()
			return self._index.pins

	def stats(self) -> DiskStats:
		"""How full it is."""
		with self._lock:
			index = self._index
			return DiskStats(
				entries=len(index.actions),
				nbytes=index.nbytes,
				journal_bytes=self._journal.nbytes,
				budget=self._budget,
				pinned=len(index.pins),
				hits=self._hits,
				misses=self._misses,
			)

	def seconds_by_kind(self) -> dict[str, tuple[int, float]]:
		"""For each kind of node, how many runs are on record and how many seconds they took on average."""
		with self._lock:
			return {kind: (times, total / times) for kind, (times, total) in self._index.seconds.items()}

	def close(self) -> None:
		"""Let go of the files. A later `put` opens them again."""
		with self._lock:
			self._journal.rotate()

	def _find(self, key: str) -> Action | None:
		with self._lock:
			action = self._index.names.get(key)
			if action is None and time.monotonic() - self._refreshed_at >= REFRESH_SECONDS:
				self._refresh()
				action = self._index.names.get(key)
			return action if action is not None and action.readable else None

	def _is_whole(self, action: Action) -> bool:
		return all(self._blobs.has(*ref) for ref in action.blobs)

	def _entry(self, action: Action) -> Entry | None:
		"""The entry of an action; None if it cannot be had."""
		try:
			outputs = action.outputs(self._codecs.decode_tree, self._read)
		except UnknownCodec as error:
			log.warning('A %s in the cache cannot be read: %s', action.kind or 'result', error)
			action.readable = False  # the pack that knows it may come back, so it stays on disk
		except (OSError, CannotDecode) as error:
			log.warning('A %s in the cache is damaged and is dropped: %s', action.kind or 'result', error)
			with self._lock:
				self._drop([action])
		else:
			return action.entry(outputs, self._codecs.size(outputs))
		return None

	def _read(self, ref: BlobRef) -> object:
		try:
			data = self._blobs.read(*ref)
		except CannotDecode:
			# Else the same value would be thought to be there when it is put again.
			self._blobs.remove(ref.name)
			raise
		return self._codecs.decode(data)

	def _same(self, entry: Entry, also: CacheKey | None) -> tuple[str, frozenset[BlobRef]] | None:
		"""The JSON of an entry's outputs, and the blobs, if they are there already under its second name."""
		action = None if also is None else self._index.names.get(also)
		if action is None or not entry.digests or action.digests != entry.digests or not self._is_whole(action):
			return None
		return action.outputs_json(), action.blobs

	def _written(self, outputs: Outputs) -> tuple[str, frozenset[BlobRef]] | None:
		"""Write what is too large for a line; the outputs' JSON, and the blobs. None if one is opaque. Raises `OSError`."""
		blobs: list[Blob] = []
		texts: list[str] = []
		for items in outputs:
			encoded: list[str] = []
			for item in items:
				text = self._codecs.inline(item, LONGEST_INLINE)
				if text is None:
					blob = self._codecs.encode(item)
					if blob is None:
						return None
					blobs.append(blob)
					text = str(BlobRef(blob.name, blob.size))
				encoded.append(text)
			texts.append(f'[{",".join(encoded)}]')
		for blob in blobs:
			# A file that no action tells of may be anything.
			self._blobs.write(blob, known=self._index.knows(BlobRef(blob.name, blob.size)))
		return f'[{",".join(texts)}]', frozenset(BlobRef(blob.name, blob.size) for blob in blobs)

	def _refresh(self) -> None:
		"""Take in what other processes have appended."""
		with self._lock:
			for line in self._journal.read():
				try:
					said = parse(line)
				except (ValueError, KeyError, TypeError, RecursionError):
					self._journal.warn(line.segment)
				else:
					self._index.add(said)
					self._latest = max(self._latest, said.at)
			self._refreshed_at = time.monotonic()

	def _mark(self, verb: Verb, keys: tuple[str, ...]) -> None:
		with self._lock:
			mark = Mark(verb, keys, self._now())
			self._index.add(mark)
			try:
				self._journal.append(mark.body)
			except OSError as error:
				self._trouble(error)

	def _drop(self, actions: Iterable[Action]) -> None:
		keys = tuple(name for action in actions for name in action.names)
		if keys:
			self._mark('drop', keys)

	def _make_room(self) -> None:
		"""Evict what spares the fewest seconds per byte, if there is too much."""
		index = self._index
		if index.nbytes <= self._budget and index.body_bytes <= MOST_LINE_BYTES:
			return
		try:
			with self._lock, alone(self.folder / 'lock') as mine:
				if not mine:
					return  # somebody else is about it
				self._refresh()
				now = self._clock()
				pins = index.pins
				most = self._budget * FULL, MOST_LINE_BYTES * FULL
				for action in sorted(index.actions, key=lambda action: (action.worth(now), action.used)):
					if index.nbytes <= most[0] and index.body_bytes <= most[1]:
						break
					if pins.isdisjoint(action.names):
						self._drop([action])
				self._collect()
		except OSError as error:
			self._trouble(error)

	def _collect(self) -> None:
		"""Remove blobs that nobody refers to any more. What others have appended was just read."""
		self._index.orphans = {name for name in self._index.orphans if not self._blobs.remove_old(name)}

	def _tidy(self, *, thoroughly: bool = False) -> None:
		"""Remove what is no longer needed: blobs, and the lines of processes that live no longer."""
		with self._lock:
			wasted = self._journal.nbytes > 2 * self._index.body_bytes + WASTE
			if not (thoroughly or wasted or self._index.orphans):
				return
			try:
				with alone(self.folder / 'lock') as mine:
					if not mine:
						return
					self._refresh()
					self._collect()
					if wasted:
						self._journal.rotate()
					self._compact()
					if thoroughly:
						self._blobs.sweep(self._index.blobs)
			except OSError as error:
				self._trouble(error)

	def _compact(self) -> None:
		"""Write the lines of dead processes anew, if there are several such, leaving out what counts no longer."""
		dead = self._journal.dead()
		if len(dead) < 2 and self._journal.nbytes <= 2 * self._index.body_bytes + WASTE:
			return
		actions, marks = self._index.remains(dead, self._journal.segments() - dead)
		name = self._journal.replace(dead, [*(action.body for action in actions), *(mark.body for mark in marks)])
		for action in actions:
			action.segment = name

	def _now(self) -> float:
		"""The time, later than it ever was, so that lines have an order."""
		self._latest = max(self._clock(), self._latest + 1e-6)
		return self._latest

	def _trouble(self, error: OSError) -> None:
		if not self._told:
			self._told = True
			log.warning('The disk cache in %s cannot be written: %s', self.folder, error)


def _home(folder: Path, profile: str) -> Path:
	"""The folder for a profile in our format, made ready. Raises `OSError`."""
	home = _made(folder / profile)
	if (home / 'format').read_bytes() != FORMAT.encode():
		home = _made(folder / f'{profile}-{FORMAT}')
	return home


def _made(home: Path) -> Path:
	"""A folder with its parts. What it is written as is told once, and never half."""
	for part in ('actions', 'blobs'):
		(home / part).mkdir(parents=True, exist_ok=True)
	if not (home / 'format').exists():
		partial = home / f'format.{secrets.token_hex(4)}.part'
		partial.write_text(FORMAT)
		partial.replace(home / 'format')
	return home
