"""Values ↔ JSON and arrays. What the forms are is told in `engine/codec.py`."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, Protocol

from engine.blob import Array, CannotDecode, UnknownCodec

log = logging.getLogger(__name__)

DEEPEST = 100
"""Levels of a tree; what lies deeper is opaque."""
MOST_PIECES = 2_000_000
LONGEST_BYTES = 1024
"""A value of bytes that is longer becomes an array."""
LARGEST_INT = 10**18
"""An int that is larger is written in another way: JSON parsers are slow with, or refuse, very many digits."""


class Parts(NamedTuple):
	"""An object taken apart: what is not arrays, as a tree, and its arrays."""

	meta: object
	arrays: tuple[Array, ...] = ()


class Handler(Protocol):
	"""Knows the objects of one library. It must not import that library to find out whether a value is one of them."""

	@property
	def name(self) -> str:
		"""What its objects are marked with in bytes."""
		...

	def handles(self, value: object) -> bool:
		"""Whether a value is one of its objects."""
		...

	def take_apart(self, value: Any) -> Parts | None:
		"""The content of an object; None if this one's content cannot be told."""
		...

	def put_together(self, meta: Any, arrays: Sequence[Array]) -> object:
		"""The object again; it may keep the arrays' memory. Any exception means that the bytes are no such object."""
		...

	def copy(self, value: Any) -> object:
		"""An equal object that shares no memory with the first."""
		...

	def nbytes(self, value: Any) -> int:
		"""How many bytes an object holds."""
		...


class Known(NamedTuple):
	"""A registered dataclass: its name in bytes, and the names of its fields."""

	name: str
	fields: tuple[str, ...]

	def values(self, value: object) -> dict[str, object]:
		"""What an instance holds, by field."""
		return {field: getattr(value, field) for field in self.fields}


class Writer:
	"""Writes one tree as JSON, piece by piece, and lays its arrays aside."""

	def __init__(
		self, known: Mapping[type, Known], handlers: Mapping[str, Handler], longest: int | None = None
	) -> None:
		self._known = known
		self._handlers = handlers
		self._most = MOST_PIECES if longest is None else longest
		self.text: list[str] = []
		self.arrays: list[Array] = []
		self.exact = True
		"""Whether all of it would come back as it is: a tuple of a class of its own would not."""

	def write(self, value: object, depth: int = 0) -> bool:
		"""Write a value; False if a part of it is opaque."""
		add = self.text.append
		kind = type(value)
		if isinstance(value, str) and kind is str:
			add(text_json(value))
		elif isinstance(value, int) and kind is int:
			add(int_json(value))
		elif value is None:
			add('null')
		elif kind is bool:
			add('true' if value else 'false')
		elif isinstance(value, float) and kind is float:
			add(json.dumps(value))
		elif isinstance(value, bytes) and kind is bytes:
			self._bytes(value)
		elif depth > DEEPEST or len(self.text) > self._most:
			return False
		elif isinstance(value, list) and kind is list:
			return self._items(value, depth)
		elif isinstance(value, tuple):
			if kind is tuple:
				add('{"t":')
			else:
				self.exact = False
				add(f'{{"t":{text_json(kind.__qualname__)},"items":')
			return self._items(value, depth) and self._close()
		elif isinstance(value, dict) and kind is dict:
			add('{"d":')
			return self._entries(value, depth) and self._close()
		elif kind in self._known:
			known = self._known[kind]
			add(f'{{"c":[{text_json(known.name)},')
			return self._entries(known.values(value), depth) and self._close(']}')
		else:
			return self._handled(value, depth)
		return True

	def _items(self, values: Sequence[object], depth: int) -> bool:
		if len(values) > self._most:
			return False
		add = self.text.append
		separator = '['
		for value in values:
			add(separator)
			separator = ','
			if not self.write(value, depth + 1):
				return False
		add(']' if values else '[]')
		return True

	def _entries(self, entries: Mapping[Any, object], depth: int) -> bool:
		add = self.text.append
		separator = '{'
		for key, value in entries.items():
			if type(key) is not str or not _is_unicode(key):
				return False
			add(f'{separator}{encode_basestring_ascii(key)}:')
			separator = ','
			if not self.write(value, depth + 1):
				return False
		add('}' if entries else '{}')
		return True

	def _bytes(self, value: bytes) -> None:
		if len(value) > LONGEST_BYTES:
			self.text.append(f'{{"b":{len(self.arrays)}}}')
			self.arrays.append(Array('U8', (len(value),), value))
		else:
			self.text.append(f'{{"b":"{base64.b64encode(value).decode()}"}}')

	def _handled(self, value: object, depth: int) -> bool:
		handler = next((handler for handler in self._handlers.values() if handler.handles(value)), None)
		if handler is None:
			return False
		try:
			parts = handler.take_apart(value)
		except Exception:
			log.warning('The content of a %s could not be told.', type(value).__qualname__, exc_info=True)
			return False
		if parts is None:
			return False
		self.text.append(f'{{"h":[{text_json(handler.name)},{len(self.arrays)},{len(parts.arrays)},')
		self.arrays.extend(parts.arrays)
		return self.write(parts.meta, depth + 1) and self._close(']}')

	def _close(self, end: str = '}') -> bool:
		self.text.append(end)
		return True


class Reader:
	"""Makes values of parsed JSON. Raises whatever it stumbles over; `UnknownCodec` at names that are not registered."""

	def __init__(self, classes: Mapping[str, type], handlers: Mapping[str, Handler], arrays: Sequence[Array]) -> None:
		self._classes = classes
		self._handlers = handlers
		self._arrays = arrays

	def read(self, tree: object) -> object:
		"""The value of a tree."""
		if isinstance(tree, list):
			return [self.read(item) for item in tree]
		if not isinstance(tree, dict):
			return tree
		((form, content),) = tree.items()
		match form:
			case 't':
				return tuple(self.read(item) for item in content)
			case 'd':
				return {key: self.read(item) for key, item in content.items()}
			case 'b':
				return bytes(self._arrays[content].data) if isinstance(content, int) else base64.b64decode(content)
			case 'i':
				return int(content, 16)
			case 'u':
				return base64.b64decode(content).decode('utf-8', 'surrogatepass')
			case 'c':
				return self._dataclass(*content)
			case 'h':
				return self._handled(*content)
		raise CannotDecode(f'These bytes are no value: {form!r} is no form of one.')

	def _dataclass(self, name: str, fields: dict[str, object]) -> object:
		cls = self._classes.get(name)
		if cls is None:
			raise UnknownCodec(f'No dataclass {name!r} is registered.')
		return cls(**{field: self.read(item) for field, item in fields.items()})

	def _handled(self, name: str, start: int, count: int, meta: object) -> object:
		handler = self._handlers.get(name)
		if handler is None:
			raise UnknownCodec(f'No handler {name!r} is registered.')
		return handler.put_together(self.read(meta), self._arrays[start : start + count])


def text_json(value: str) -> str:
	"""A text as JSON. Halves of surrogate pairs would come back joined, so a text with such is written otherwise."""
	if value.isascii() or _is_unicode(value):
		return encode_basestring_ascii(value)
	return f'{{"u":"{base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}"}}'


def int_json(value: int) -> str:
	"""An int as JSON."""
	return str(value) if -LARGEST_INT < value < LARGEST_INT else f'{{"i":"{value:x}"}}'


def _is_unicode(value: str) -> bool:
	try:
		value.encode()
	except UnicodeEncodeError:
		return False
	return True
