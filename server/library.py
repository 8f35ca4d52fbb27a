"""The workflows that can be opened by name: those that come with the program, and the user's own.

The user's own are native files that were saved by `PUT /v1/workflows/{name}`, files of any form that were put into the same
folder, and those that ComfyUI's front end and its clients save.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from engine.errors import BadDocument, BadName, NotFound
from engine.formats.document import WorkflowDocument
from engine.formats.native import check_version, read_document
from engine.formats.workflow import Form, form_of, parse_json
from engine.formats.writing import dumps, to_json
from engine.settings import PROJECT, Settings
from server.errors import Forbidden
from server.etags import etag_of
from server.filing import write_file
from server.users.accounts import DEFAULT
from server.versions import Version, Versions

log = logging.getLogger(__name__)

SUFFIX = '.json'
EXPECTED = '.expect.json'
"""What such a file holds is no workflow, but what one gives: see `engine/testing/expectations.py`."""
PICTURES = ('.png', '.webp', '.jpg', '.jpeg')
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


class NoPicture(NotFound):
	"""A workflow has no picture that shows what it gives."""

	def __init__(self, name: str) -> None:
		super().__init__(f'The workflow {name!r} has no picture.')
		self.name = name


@dataclass(frozen=True, slots=True)
class Entry:
	"""A workflow file. `source` is what it says, in whatever `form`; `etag` names what is in it.

	`pictured`: a picture of what it gives lies beside it.
	"""

	name: str
	source: dict[str, JsonValue]
	form: Form
	etag: str
	built_in: bool
	title: str = ''
	description: str = ''
	pictured: bool = False


class Library:
	"""Folders of workflow files. Names are looked up among those that exist, so none leads out of its folder.

	A name of `built_in` is never taken by the user's own. New ones are saved in `own`; where that has a name, `others` do
	not count. What lies deeper in `others` has a name with slashes. All methods take time: not for the event loop.
	"""

	def __init__(
		self, built_in: Path, own: Path, others: Sequence[Path] = (), *, versions: Versions | None = None
	) -> None:
		self.versions = versions or Versions(own.with_name('versions'))
		self._built_in = built_in
		self._own = own
		self._others = tuple(others)
		self._lock = threading.Lock()

	@classmethod
	def of(cls, settings: Settings, built_in: Path = PROJECT / 'workflows') -> Library:
		"""The folders that the settings name. Where several people have folders of their own, these stay theirs."""
		others = () if settings.multi_user else (settings.user_folder / DEFAULT / 'workflows',)
		return cls(built_in, settings.workflows_folder, others)

	def entries(self) -> list[Entry]:
		"""Every workflow, those of the program first. What cannot be read is logged and left out."""
		found: dict[str, Entry] = {}
		for name, path in self._paths():
			entry = None if name in found else self._entry(name, path)
			if entry is not None:
				found[name] = entry
		return list(found.values())

	def find(self, name: str) -> Entry:
		"""The workflow of this name, or `WorkflowNotFound`."""
		for known, path in self._paths():
			entry = self._entry(name, path) if known == name else None
			if entry is not None:
				return entry
		raise WorkflowNotFound(name)

	def _paths(self) -> Iterator[tuple[str, Path]]:
		yield from _files(self._built_in).items()
		yield from _files(self._own).items()
		for folder in self._others:
			yield from _files(folder, deep=True).items()

	def save(self, name: str, document: WorkflowDocument, allow: Allow) -> tuple[Entry, bool]:
		"""Write a workflow; tells whether it is a new one. Nobody ever sees it half-written.

		Raises `BadDocument` for a version that is not known, `WorkflowReadOnly`, `BadName`, and what `allow` raises.
		"""
		check_version(document)
		content = dumps(document).encode()
		with self._lock:
			self._refuse_built_in(name)
			# One from a folder of other programs is left there as it is, and stands behind the own one from now on.
			path = next((path for known, path in self._paths() if known == name), None)
			before = None if path is None else etag_of(path.read_bytes())
			allow(before)
			if path is not None and before != etag_of(content):
				self.versions.keep(name, path)
			_write(self._own, name, content)
		source = to_json(document)
		entry = Entry(name, source, 'native', etag_of(content), False, document.title, document.description)
		return entry, before is None

	def delete(self, name: str, allow: Allow) -> None:
		"""Delete one of the user's own. Raises `WorkflowNotFound`, `WorkflowReadOnly`, and what `allow` raises."""
		with self._lock:
			self._refuse_built_in(name)
			path = next((path for known, path in self._paths() if known == name), None)
			if path is None:
				raise WorkflowNotFound(name)
			allow(etag_of(path.read_bytes()))
			self.versions.keep(name, path)
			path.unlink(missing_ok=True)

	def versions_of(self, name: str) -> list[Version]:
		"""What a workflow was, newest first. Raises `WorkflowNotFound` if there never was one of this name."""
		found = self.versions.entries(name)
		if not found:
			self.find(name)
		return found

	def picture(self, name: str) -> Path:
		"""The picture that lies beside a workflow's file. Raises `WorkflowNotFound` and `NoPicture`."""
		path = next((path for known, path in self._paths() if known == name), None)
		if path is None:
			raise WorkflowNotFound(name)
		found = next((found for suffix in PICTURES if (found := path.with_suffix(suffix)).is_file()), None)
		if found is None:
			raise NoPicture(name)
		return found

	def _refuse_built_in(self, name: str) -> None:
		if name in _files(self._built_in):
			raise WorkflowReadOnly(name)

	def _entry(self, name: str, path: Path) -> Entry | None:
		try:
			content = path.read_bytes()
			source = parse_json(content, str(path))
			form = form_of(source)
			document = read_document(source) if form == 'native' else None
		except (BadDocument, OSError) as error:
			log.warning('The workflow %s is left out: %s', path.name, error)
			return None
		if not isinstance(source, dict) or form is None:
			log.warning('The workflow %s is left out: it is of no form that is known.', path.name)
			return None
		said = (document.title, document.description) if document is not None else ('', '')
		return Entry(name, source, form, etag_of(content), path.parent == self._built_in, *said, _pictured(path))


def _pictured(path: Path) -> bool:
	return any(path.with_suffix(suffix).is_file() for suffix in PICTURES)


def _files(folder: Path, *, deep: bool = False) -> dict[str, Path]:
	"""Name → file of every workflow in a folder; in the folders below it too, if `deep`."""
	found = folder.rglob(f'*{SUFFIX}') if deep else folder.glob(f'*{SUFFIX}')
	files = (path for path in sorted(found) if not path.name.endswith(EXPECTED) and path.is_file())
	names = {path: path.relative_to(folder).with_suffix('') for path in files}
	return {name.as_posix(): path for path, name in names.items() if not any(part[0] == '.' for part in name.parts)}


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
