"""What workflows were before they were saved anew or deleted: the last versions of each, as files in a folder of their own."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from engine.errors import BadDocument, NotFound
from engine.formats.workflow import Form, form_of, parse_json
from server.etags import etag_of
from server.filing import write_file

log = logging.getLogger(__name__)

KEPT = 50
"""How many versions of a workflow are kept; the oldest go first."""
NAME = re.compile(r'(?P<milliseconds>\d{13})-(?P<digest>[0-9a-f]{32})')


class VersionNotFound(NotFound):
	"""A workflow has no version of this id."""

	def __init__(self, name: str, id: str) -> None:
		super().__init__(
			f'The workflow {name!r} has no version {id!r}; GET /v1/workflows/{{name}}/versions lists those it has.'
		)
		self.name = name
		self.id = id


@dataclass(frozen=True, slots=True)
class Version:
	"""What a workflow was. `saved` is when it was saved, in seconds since the epoch; `etag` names its content."""

	id: str
	saved: float
	etag: str
	title: str
	nodes: int
	source: dict[str, JsonValue]
	form: Form


class Versions:
	"""A folder per workflow; in it a file per version, named by when it was saved and what is in it."""

	def __init__(self, folder: Path) -> None:
		self._folder = folder

	def keep(self, name: str, path: Path) -> None:
		"""Keep what a workflow's file holds. What is kept already has its new time; more than `KEPT` are not kept.

		A file that cannot be read or kept is logged: what replaces it is saved all the same.
		"""
		try:
			content = path.read_bytes()
			digest = etag_of(content).strip('"')
			id = f'{int(path.stat().st_mtime * 1000):013}-{digest}'
			write_file(self._folder / _folder_name(name) / f'{id}.json', content)
			kept = sorted(self._files(name), reverse=True)
			same = [old for old in kept if old.stem.endswith(digest)][1:]
			for old in {*same, *[old for old in kept if old not in same][KEPT:]}:
				old.unlink(missing_ok=True)
		except OSError as error:
			log.warning('What the workflow %s was is not kept: %s', name, error)

	def entries(self, name: str) -> list[Version]:
		"""Every version of a workflow, newest first. What cannot be read is logged and left out."""
		return [version for path in sorted(self._files(name), reverse=True) if (version := _read(path)) is not None]

	def find(self, name: str, id: str) -> Version:
		"""One version. Raises `VersionNotFound`."""
		path = next((path for path in self._files(name) if path.stem == id), None)
		version = None if path is None else _read(path)
		if version is None:
			raise VersionNotFound(name, id)
		return version

	def _files(self, name: str) -> Iterator[Path]:
		"""The folder is looked up among those that exist, so that no name leads out of it."""
		wanted = _folder_name(name)
		try:
			folder = next((folder for folder in self._folder.iterdir() if folder.name == wanted), None)
			found = [] if folder is None else list(folder.iterdir())
		except OSError:
			found = []
		yield from (path for path in found if path.suffix == '.json' and NAME.fullmatch(path.stem))


def _folder_name(name: str) -> str:
	"""Names of workflows that lie deeper have slashes."""
	return name.replace('%', '%25').replace('/', '%2F')


def _read(path: Path) -> Version | None:
	named = NAME.fullmatch(path.stem)
	try:
		content = path.read_bytes()
		source = parse_json(content, str(path))
		form = form_of(source)
	except (BadDocument, OSError) as error:
		log.warning('The version %s is left out: %s', path, error)
		return None
	if named is None or not isinstance(source, dict) or form is None:
		return None
	title, nodes = source.get('title'), source if form == 'api' else source.get('nodes')
	return Version(
		id=path.stem,
		saved=int(named['milliseconds']) / 1000,
		etag=etag_of(content),
		title=title if isinstance(title, str) else '',
		nodes=len(nodes) if isinstance(nodes, (dict, list)) else 0,
		source=source,
		form=form,
	)
