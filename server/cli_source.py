"""Where commands find a workflow: a file, a picture that carries one, a bundle, or a name of the library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadDocument

if TYPE_CHECKING:
	from pydantic import JsonValue

	from engine.declaration import NodeInfo
	from engine.formats.workflow import Workflow
	from engine.settings import Settings

FILES = frozenset(
	[
		'.json',
		'.zip',
		'.png',
		'.webp',
		'.jpg',
		'.jpeg',
		'.avif',
		'.gif',
		'.exr',
		'.flac',
		'.ogg',
		'.opus',
		'.mp3',
		'.m4a',
		'.mp4',
		'.webm',
		'.mkv',
		'.latent',
	]
)
"""Endings that are of files: a name of the library may have a dot as well."""

SOURCE = "a workflow: native, one of ComfyUI's two forms, a picture that carries one, or a name of the library"


def find_workflow(source: str, settings: Settings, nodes: Mapping[str, NodeInfo]) -> Workflow:
	"""The workflow that a command's argument means: the file of that path, else the library's of that name.

	Raises `BadDocument` if there is neither, or if the file holds no workflow.
	"""
	from engine.formats.workflow import read_workflow

	document = of_library(source, settings)
	if document is None:
		return open_file(Path(source), nodes)
	return read_workflow(document, nodes)


def open_file(path: Path, nodes: Mapping[str, NodeInfo]) -> Workflow:
	"""The workflow of a file: of any form, carried by a picture, or in a bundle. Raises `BadDocument`."""
	from engine.bundle import is_bundle, open_bundle
	from engine.formats.workflow import open_workflow, read_workflow

	if not is_bundle(path):
		return open_workflow(path, nodes)
	with open_bundle(path) as bundle:
		return read_workflow(bundle.document, nodes)


def is_name(source: str) -> bool:
	"""Whether a command's argument can only be a name: there is no such file, and it is not written like one."""
	written = Path(source).suffix.lower() in FILES or '/' in source or '\\' in source
	return not written and not exists(source)


def exists(source: str) -> bool:
	"""Whether there is such a file or folder."""
	try:
		return Path(source).exists()
	except OSError:  # the name is too long for one
		return False


def of_library(source: str, settings: Settings) -> dict[str, JsonValue] | None:
	"""The library's document of a name; None if the argument means a file. Raises `BadDocument` if there is neither."""
	if exists(source):
		return None
	from server.library import Library, WorkflowNotFound

	library = Library.of(settings)
	try:
		entry = library.find(source)
	except WorkflowNotFound:
		if not is_name(source):
			return None
		names = ', '.join(entry.name for entry in library.entries()) or 'none'
		raise BadDocument(
			f'There is no such file, and no workflow of that name. Names: {names}.', where=source
		) from None
	return entry.source
