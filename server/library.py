"""The workflows that can be opened by name: those that come with the program, and the user's own."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadDocument, BadName, NotFound
from engine.formats.document import WorkflowDocument
from engine.formats.native import check_version, read_document
from engine.formats.workflow import parse_json
from engine.formats.writing import dumps
from server.errors import Forbidden
from server.etags import etag_of
from server.filing import write_file

log = logging.getLogger(__name__)

SUFFIX = '.json'
EXPECTED = '.expect.json'
"""What such a file holds is no workflow, but what one gives: see `lumengraph/expectations.py`."""
# Windows keeps these for devices, whatever the suffix.
DEVICES = frozenset(
	{'con', 'prn', 'aux', 'nul', *(f'{port}{number}' for port in ('com', 'lpt') for number in range(10))}
)
Allow = Callable[[str | None], None]
"""Raises unless what has this ETag may be changed; None: there is nothing yet."""


class WorkflowNotFound(NotFound):
	"""No workflow has this name."""

	def __init__(self, name: str) -> None:
		super().__init__(f'There is no workflow {name!r}; GET /v1/workflows lists them.')
		self.name = name


class WorkflowReadOnly(Forbidden):
	"""A workflow that comes with the program was to be changed."""

	def __init__(self, name: str) -> None:
		super().__init__(
			f'The workflow {name!r} comes with the program and cannot be changed; save it by another name.'
		)
		self.name = name


@dataclass(frozen=True, slots=True)
class Entry:
	"""A workflow file. `etag` names what is in it."""

	name: str
	document: WorkflowDocument
	etag: str
	built_in: bool


class Library:
	"""Two folders of workflow files. Names are looked up among those that exist, so none leads out of its folder.

	A name of `built_in` is never taken by the user's own. All methods take time: not for the event loop.
	"""

	def __init__(self, built_in: Path, own: Path) -> None:
		self._built_in = built_in
		self._own = own
		self._lock = threading.Lock()

	def entries(self) -> list[Entry]:
		"""Every workflow, those of the program first. What cannot be read is logged and left out."""
		return [*self._read(self._built_in), *self._read(self._own)]

	def find(self, name: str) -> Entry:
		"""The workflow of this name, or `WorkflowNotFound`."""
		for folder in (self._built_in, self._own):
			path = _files(folder).get(name)
			entry = None if path is None else self._entry(path)
			if entry is not None:
				return entry
		raise WorkflowNotFound(name)

	def save(self, name: str, document: WorkflowDocument, allow: Allow) -> tuple[Entry, bool]:
		"""Write a workflow; tells whether it is a new one. Nobody ever sees it half-written.

		Raises `BadDocument` for a version that is not known, `WorkflowReadOnly`, `BadName`, and what `allow` raises.
		"""
		check_version(document)
		content = dumps(document).encode()
		with self._lock:
			self._refuse_built_in(name)
			before = self._etag(name)
			allow(before)
			_write(self._own, name, content)
		return Entry(name, document, etag_of(content), built_in=False), before is None

	def delete(self, name: str, allow: Allow) -> None:
		"""Delete one of the user's own. Raises `WorkflowNotFound`, `WorkflowReadOnly`, and what `allow` raises."""
		with self._lock:
			self._refuse_built_in(name)
			path = _files(self._own).get(name)
			if path is None:
				raise WorkflowNotFound(name)
			allow(self._etag(name))
			path.unlink(missing_ok=True)

	def _refuse_built_in(self, name: str) -> None:
		if name in _files(self._built_in):
			raise WorkflowReadOnly(name)

	def _etag(self, name: str) -> str | None:
		path = _files(self._own).get(name)
		return None if path is None else etag_of(path.read_bytes())

	def _read(self, folder: Path) -> list[Entry]:
		entries = (self._entry(path) for path in _files(folder).values())
		return [entry for entry in entries if entry is not None]

	def _entry(self, path: Path) -> Entry | None:
		try:
			content = path.read_bytes()
			document = read_document(parse_json(content, str(path)))
		except (BadDocument, OSError) as error:
			log.warning('The workflow %s is left out: %s', path.name, error)
			return None
		return Entry(path.stem, document, etag_of(content), path.parent == self._built_in)


def _files(folder: Path) -> dict[str, Path]:
	"""Name → file of every workflow in a folder."""
	return {
		path.stem: path
		for path in sorted(folder.glob(f'*{SUFFIX}'))
		if path.name[0] != '.' and not path.name.endswith(EXPECTED) and path.is_file()
	}


def _write(folder: Path, name: str, content: bytes) -> None:
	if name.casefold().partition('.')[0] in DEVICES:
		raise BadName(name, 'workflows', reason='some systems keep it for a device')
	if f'{name}{SUFFIX}'.endswith(EXPECTED):
		raise BadName(name, 'workflows', reason='such files say what a workflow is expected to give')
	try:
		write_file(folder / f'{name}{SUFFIX}', content)
	except OSError as error:
		if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EISDIR):
			raise BadName(name, 'workflows', reason='the file system does not take it') from error
		raise
