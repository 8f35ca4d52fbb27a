"""Values that travel on the wires ↔ bytes: their digest, their copies, their size.

A value is a tree: None, bool, int, float, str, bytes, lists, tuples and dicts with text for keys; dataclasses that were
registered with `add_dataclass`; and arrays and other objects for which a handler was registered with `add_handler`.
Whatever else there is, is opaque: it has no digest and no bytes, and is handed over as it is. Never pickle, and never
Python's `hash`.

As JSON, lists and plain values are themselves, and all else is an object with one key that tells what it is: `t` tuple,
`d` dict, `b` bytes (or the index of the array that holds them), `i` a very large int, `u` a text that is not Unicode,
`c` a dataclass, `h` a handler's object with its arrays. So 1, 1.0, True and '1' differ, and so do a list and a tuple.
The order of a dict's keys counts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.blob import Array, Blob, CannotDecode, blob_of, pack, unpack
from engine.errors import NodeUsage
from engine.flow import Skip
from engine.models import ModelRef
from engine.tree import DEEPEST, Handler, Known, Reader, Writer, int_json, text_json

PLAIN = frozenset({int, str, float, bool, type(None), bytes, complex, range, frozenset})
"""Types whose values nobody can change. What a frozen set holds is hashable, so it passes for one."""


class FileForm(Protocol):
	"""A file format of its own for values that are nothing but one object of its kind, such as a picture."""

	@property
	def magic(self) -> bytes:
		"""What the files begin with."""
		...

	def write(self, value: object) -> bytes | None:
		"""The file; None if the value is of another kind, or would not come back as it is."""
		...

	def read(self, data: bytes) -> object:
		"""The value again. Any exception means that the file is damaged."""
		...


class Codecs:
	"""Knows how the values on the wires are taken apart. Filled by packs when they register."""

	def __init__(self) -> None:
		self._known: dict[type, Known] = {}
		self._classes: dict[str, type] = {}
		self._handlers: dict[str, Handler] = {}
		self._forms: list[FileForm] = []
		self.add_dataclass(Skip, 'Skip')
		self.add_dataclass(ModelRef, 'ModelRef')

	def add_dataclass(self, cls: type, name: str) -> None:
		"""Understand a dataclass by its fields. Raises `NodeUsage` if it cannot be, or the name is another's."""
		fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else None
		if fields is None or not all(part.init for part in fields):
			raise NodeUsage(f'{cls.__qualname__} is not a dataclass whose every field its constructor takes.')
		if self._classes.get(name, cls) is not cls or self._known.get(cls, Known(name, ())).name != name:
			raise NodeUsage(f'The name {name!r} or the class {cls.__qualname__} is registered otherwise already.')
		self._classes[name] = cls
		self._known[cls] = Known(name, tuple(part.name for part in fields))

	def add_handler(self, handler: Handler) -> None:
		"""Understand a library's objects. Raises `NodeUsage` if the name is another's."""
		if handler.name in self._handlers:
			raise NodeUsage(f'A handler named {handler.name!r} is registered already.')
		self._handlers[handler.name] = handler

	def add_file_form(self, form: FileForm) -> None:
		"""Write lone values of a kind in a file format of their own."""
		self._forms.append(form)

	def digest(self, value: object) -> str | None:
		"""A digest of a value's content, 64 hex digits, the same in every process; None if a part is opaque."""
		text = _plain_json(value)
		if text is not None:
			return hashlib.sha256(text.encode()).hexdigest()
		writer = Writer(self._known, self._handlers)
		if not writer.write(value):
			return None
		hasher = hashlib.sha256()
		for chunk in pack(''.join(writer.text), writer.arrays):
			hasher.update(chunk)
		return hasher.hexdigest()

	def encode(self, value: object) -> Blob | None:
		"""The bytes of a value; None if a part of it is opaque, or would come back as something else.

		The blob's name is the value's digest, but for values in a file format of their own.
		"""
		for form in self._forms:
			file = form.write(value)
			if file is not None:
				return blob_of((file,))
		writer = Writer(self._known, self._handlers)
		if not writer.write(value) or not writer.exact:
			return None
		return blob_of(pack(''.join(writer.text), writer.arrays))

	def inline(self, value: object, longest: int) -> str | None:
		"""The JSON of a value; None if it has arrays, opaque parts, or more than so many characters."""
		text = _plain_json(value)
		if text is None:
			writer = Writer(self._known, self._handlers, longest)
			if not writer.write(value) or not writer.exact or writer.arrays:
				return None
			text = ''.join(writer.text)
		return text if len(text) <= longest else None

	def decode(self, data: bytes | bytearray | memoryview) -> object:
		"""The value of a blob's bytes. Arrays keep `data` if it can be written to, else they are copied once.

		Raises `UnknownCodec` if a name in it is not registered, `CannotDecode` if the bytes are damaged.
		"""
		for form in self._forms:
			if bytes(memoryview(data)[: len(form.magic)]) == form.magic:
				try:
					return form.read(bytes(data))
				except Exception as error:
					raise CannotDecode(f'This file is damaged: {type(error).__name__}: {error}') from error
		text, arrays = unpack(bytearray(data) if memoryview(data).readonly else data)
		try:
			tree = json.loads(text)
		except (ValueError, RecursionError) as error:
			raise CannotDecode(f'These bytes are no value: {error}') from error
		return self.decode_tree(tree, arrays)

	def decode_tree(self, tree: object, arrays: Sequence[Array] = ()) -> object:
		"""The value of parsed JSON, as `inline` gives it. Raises as `decode` does."""
		try:
			return Reader(self._classes, self._handlers, arrays).read(tree)
		except CannotDecode:
			raise
		except Exception as error:
			raise CannotDecode(f'These bytes are no value: {type(error).__name__}: {error}') from error

	def copy(self, value: object) -> object:
		"""A value that a node may change without anybody noticing.

		What cannot be changed is given back as it is, tuples and registered dataclasses too where no part of them had
		to be copied. Opaque parts, and what lies deeper than 100 levels, are handed over as they are.
		"""
		return value if type(value) in PLAIN else self._copied(value, {}, 0)

	def size(self, value: object) -> int:
		"""About how many bytes a value holds, as `size_of` counts, by the handlers where one knows it better."""
		return size_of(value, self._nbytes)

	def _copied(self, value: object, memo: dict[int, object], depth: int) -> object:
		kind = type(value)
		if kind in PLAIN or depth > DEEPEST:
			return value
		if id(value) in memo:
			return memo[id(value)]
		made: object = value
		if isinstance(value, list) and kind is list:
			items: list[object] = []
			memo[id(value)] = items
			items.extend(self._copied(item, memo, depth + 1) for item in value)
			return items
		if isinstance(value, dict) and kind is dict:
			entries: dict[object, object] = {}
			memo[id(value)] = entries
			entries.update((key, self._copied(item, memo, depth + 1)) for key, item in value.items())
			return entries
		if isinstance(value, set | bytearray) and kind in (set, bytearray):
			made = value.copy()
		elif isinstance(value, tuple):
			parts = [self._copied(item, memo, depth + 1) for item in value]
			make = tuple if kind is tuple else getattr(kind, '_make', None)
			if make is not None and any(part is not item for part, item in zip(parts, value, strict=True)):
				made = make(parts)
		elif kind in self._known:
			fields = self._known[kind].values(value)
			copies = {name: self._copied(item, memo, depth + 1) for name, item in fields.items()}
			if any(copies[name] is not item for name, item in fields.items()):
				made = kind(**copies)
		else:
			handler = self._handler(value)
			if handler is not None:
				made = handler.copy(value)
		memo[id(value)] = made
		return made

	def _handler(self, value: object) -> Handler | None:
		return next((handler for handler in self._handlers.values() if handler.handles(value)), None)

	def _nbytes(self, value: object) -> int | None:
		handler = self._handler(value)
		try:
			return None if handler is None else handler.nbytes(value)
		except Exception:  # an odd object of the library: counted as others are
			return None


def _plain_json(value: object) -> str | None:
	"""The JSON of the commonest values, without ado."""
	if type(value) is int:
		return int_json(value)
	return text_json(value) if type(value) is str else None


def size_of(value: object, measure: Callable[[object], int | None] = lambda value: None) -> int:
	"""About how many bytes a value holds: arrays and tensors tell, containers and dataclasses add up.

	`measure` is asked first about what is neither plain nor a container, and tells None where it does not know.
	"""
	total = 0
	waiting: list[object] = [value]
	seen: set[int] = set()
	while waiting:
		item = waiting.pop()
		kind = type(item)
		if kind is int or kind is bool or kind is float or item is None:
			total += 32
			continue
		if id(item) in seen:
			continue
		seen.add(id(item))
		total += sys.getsizeof(item)
		if kind is str or kind is bytes:
			continue
		if isinstance(item, list | tuple | set | frozenset):
			waiting.extend(item)
			continue
		nbytes = measure(item)
		if nbytes is None:
			nbytes = _nbytes(item)
		if nbytes is not None:
			# An array that owns its memory counts it in getsizeof too.
			total += max(nbytes - sys.getsizeof(item), 0)
		elif isinstance(item, Mapping):
			waiting.extend([*item.keys(), *item.values()])
		elif dataclasses.is_dataclass(item) and not isinstance(item, type):
			waiting.extend(getattr(item, part.name) for part in dataclasses.fields(item))
	return total


def _nbytes(value: object) -> int | None:
	try:
		nbytes = getattr(value, 'nbytes', None)
	except Exception:  # a property of anybody's object
		return None
	return nbytes if isinstance(nbytes, int) else None
