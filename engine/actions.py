"""What was computed, as lines of a journal, and the index that is made by reading them.

A line is a JSON object. An action has a key, perhaps a second one (`also`), what ran how long, what it showed, the
digests of its outputs, and for each output its items: the JSON of a small value itself, or `{"blob": [name, size]}`.
Other lines drop keys, pin them, unpin them, or tell that they were used. Lines are read in no certain order, so each
tells when it was written (`at`), and the latest counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Literal, NamedTuple

from engine.cache import Entry
from engine.events import Ui
from engine.journal import Line, started

DAY = 86400.0
Verb = Literal['drop', 'pin', 'unpin', 'use']
VERBS: tuple[Verb, ...] = ('drop', 'pin', 'unpin', 'use')


class BlobRef(NamedTuple):
	"""Where a value lies."""

	name: str
	size: int

	def __str__(self) -> str:
		return f'{{"blob":["{self.name}",{self.size}]}}'


@dataclass(slots=True, eq=False)
class Action:
	"""One action; `body` is its line, `names` its keys as far as they still mean it."""

	body: bytes
	segment: str
	at: float
	used: float
	names: set[str]
	kind: str
	seconds: float
	ui: Ui | None
	digests: tuple[str, ...]
	blobs: frozenset[BlobRef]
	readable: bool = True
	"""False once something in it proved to be of a kind that nobody has registered."""

	@property
	def nbytes(self) -> int:
		"""Bytes of its line and of its blobs."""
		return len(self.body) + sum(blob.size for blob in self.blobs)

	def worth(self, now: float) -> float:
		"""Seconds that a byte of it spares, the less the longer it was not used."""
		return self.seconds / self.nbytes / (1 + max(0.0, now - self.used) / DAY)

	def outputs(self, value: Callable[[object], object], blob: Callable[[BlobRef], object]) -> tuple[Any, ...]:
		"""Its outputs, made of trees by `value` and of blobs by `blob`."""
		return tuple(
			tuple(blob(ref) if (ref := _blob(item)) else value(item) for item in items)
			for items in json.loads(self.body)['outputs']
		)

	def outputs_json(self) -> str:
		"""Its outputs as they are in its line."""
		return json.dumps(json.loads(self.body)['outputs'], separators=(',', ':'))

	def entry(self, outputs: tuple[Any, ...] = (), nbytes: int = 0) -> Entry:
		"""It as an entry."""
		return Entry(outputs, self.ui, self.seconds, self.kind, self.digests, nbytes)


class Mark(NamedTuple):
	"""A line that says something about keys."""

	verb: Verb
	keys: tuple[str, ...]
	at: float

	@property
	def body(self) -> bytes:
		"""It as a line."""
		return json.dumps({self.verb: self.keys, 'at': self.at}).encode()


def action_body(key: str, also: str | None, entry: Entry, at: float, outputs: str) -> bytes:
	"""An action's line. The outputs are JSON already."""
	digests = ','.join(map(quoted, entry.digests))
	return (
		f'{{"key":{quoted(key)},"also":{"null" if also is None else quoted(also)},"kind":{quoted(entry.kind)},'
		f'"seconds":{float(entry.seconds)!r},"at":{at!r},"ui":{entry.ui.model_dump_json() if entry.ui else "null"},'
		f'"digests":[{digests}],"outputs":{outputs}}}'
	).encode()


def parse(line: Line) -> Action | Mark:
	"""What a line says. Raises `ValueError`, `KeyError` or `TypeError` if it is none of ours."""
	content = json.loads(line.body)
	at = float(content['at'])
	for verb in VERBS:
		if verb in content:
			return Mark(verb, tuple(map(str, content[verb])), at)
	names = {str(name) for name in (content['key'], content['also']) if name is not None}
	refs = [_blob(item) for items in content['outputs'] for item in items]
	ui = None if content['ui'] is None else Ui.model_validate(content['ui'])
	return Action(
		line.body,
		line.segment,
		at,
		at,
		names,
		str(content['kind']),
		float(content['seconds']),
		ui,
		tuple(map(str, content['digests'])),
		frozenset(ref for ref in refs if ref),
	)


def _blob(item: object) -> BlobRef | None:
	"""The blob that an item refers to; None if it is the value's own JSON."""
	if not isinstance(item, dict) or 'blob' not in item:
		return None
	name, size = item['blob']
	if not isinstance(name, str) or not isinstance(size, int) or len(name) != 64 or not name.isalnum():
		raise ValueError('this is no name of a blob')
	return BlobRef(name, size)


@dataclass
class Index:
	"""All that the lines say, taken together.

	`orphans` are blobs that no action refers to any more; `seconds` has for each kind how often it ran and how long
	in all.
	"""

	names: dict[str, Action] = field(default_factory=dict)
	orphans: set[str] = field(default_factory=set)
	seconds: dict[str, tuple[int, float]] = field(default_factory=dict)
	nbytes: int = 0
	body_bytes: int = 0
	_blobs: dict[BlobRef, int] = field(default_factory=dict)
	_dropped: dict[str, float] = field(default_factory=dict)
	_pins: dict[str, tuple[float, bool]] = field(default_factory=dict)

	@property
	def actions(self) -> set[Action]:
		"""All actions that some key means."""
		return set(self.names.values())

	@property
	def blobs(self) -> set[str]:
		"""The names of all blobs that are referred to."""
		return {ref.name for ref in self._blobs}

	def knows(self, blob: BlobRef) -> bool:
		"""Whether some action refers to a blob."""
		return blob in self._blobs

	@property
	def pins(self) -> frozenset[str]:
		"""The keys that are pinned, whether or not there is an action for them."""
		return frozenset(key for key, (_, pinned) in self._pins.items() if pinned)

	def add(self, said: Action | Mark) -> None:
		"""Take in what a line says."""
		if isinstance(said, Action):
			self._act(said)
		elif said.verb == 'drop':
			for key in said.keys:
				self._dropped[key] = max(said.at, self._dropped.get(key, 0.0))
				action = self.names.get(key)
				if action is not None and action.at <= said.at:
					self.unname(key)
		elif said.verb == 'use':
			for key in said.keys:
				action = self.names.get(key)
				if action is not None:
					action.used = max(action.used, said.at)
		else:
			for key in said.keys:
				if self._pins.get(key, (0.0, False))[0] <= said.at:
					self._pins[key] = (said.at, said.verb == 'pin')

	def unname(self, key: str) -> None:
		"""Let a key mean nothing; an action that no key means is gone."""
		action = self.names.pop(key)
		action.names.discard(key)
		if action.names:
			return
		self.nbytes -= len(action.body)
		self.body_bytes -= len(action.body)
		for ref in action.blobs:
			self._blobs[ref] -= 1
			if not self._blobs[ref]:
				del self._blobs[ref]
				self.nbytes -= ref.size
				self.orphans.add(ref.name)

	def remains(self, replaced: Collection[str], others: Collection[str]) -> tuple[list[Action], list[Mark]]:
		"""What of these segments must be kept when they are replaced, while other segments stay."""
		# What was dropped before all other segments were begun cannot come back from them.
		oldest = min(map(started, others), default=float('inf'))
		self._dropped = {key: at for key, at in self._dropped.items() if at >= oldest}
		self._pins = {key: (at, pinned) for key, (at, pinned) in self._pins.items() if pinned or at >= oldest}
		marks: dict[tuple[Verb, float], list[str]] = {}
		for key, at in self._dropped.items():
			marks.setdefault(('drop', at), []).append(key)
		for key, (at, pinned) in self._pins.items():
			marks.setdefault(('pin' if pinned else 'unpin', at), []).append(key)
		kept = [action for action in self.actions if action.segment in replaced]
		for action in kept:
			if action.used > action.at:
				marks.setdefault(('use', action.used), []).extend(action.names)
		return kept, [Mark(verb, tuple(keys), at) for (verb, at), keys in marks.items()]

	def _act(self, action: Action) -> None:
		for name in tuple(action.names):
			old = self.names.get(name)
			if old is not None:
				if old.at == action.at:
					old.segment = action.segment  # its line was written anew
				if old.at >= action.at:
					action.names.discard(name)
			if self._dropped and self._dropped.get(name, 0.0) >= action.at:
				action.names.discard(name)
		if not action.names:
			return
		times, total = self.seconds.get(action.kind, (0, 0.0))
		self.seconds[action.kind] = (times + 1, total + action.seconds)
		self.nbytes += len(action.body)
		self.body_bytes += len(action.body)
		for ref in action.blobs:
			if ref not in self._blobs:
				self.nbytes += ref.size
				self.orphans.discard(ref.name)
			self._blobs[ref] = self._blobs.get(ref, 0) + 1
		for name in action.names:
			if name in self.names:
				self.unname(name)
			self.names[name] = action
