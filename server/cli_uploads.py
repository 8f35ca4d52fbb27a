"""Which local files a workflow names: by a path, or lying beside it. Whoever runs it gets them into the input folder."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.errors import BadDocument, EngineError
from engine.files import Files, media_type
from engine.formats.workflow import Workflow
from engine.namedfiles import named_files
from engine.settings import Settings

MEDIA = frozenset({'image', 'audio', 'video', 'latent'})
"""What nodes read from the input folder."""


def local_inputs(
	workflow: Workflow, nodes: Mapping[str, NodeInfo], settings: Settings, source: str
) -> Iterator[tuple[str, Path]]:
	"""Those that lie here: as a path, beside the workflow file, or in the input folder. The others may lie at the server."""
	files = Files(settings)
	for file in named_files(workflow.graph, nodes):
		if file.folder != 'input' or file.is_model:
			continue
		found = _beside(file.name, source)
		if found is None:
			try:
				found = files.find(file.name)
			except EngineError:
				continue
		yield f'{file.node}.{file.input}', found


def lie_beside(workflow: Workflow, nodes: Mapping[str, NodeInfo], settings: Settings, source: str) -> dict[str, Path]:
	"""The files that are not in the input folder, but are there by their path or beside the workflow, by NODE.INPUT."""
	files = Files(settings)
	found: dict[str, Path] = {}
	for file in named_files(workflow.graph, nodes):
		if file.folder != 'input' or file.is_model or media_type(file.name) not in MEDIA:
			continue
		try:
			files.find(file.name)
		except EngineError:
			path = _beside(file.name, source)
			if path is not None:
				found[f'{file.node}.{file.input}'] = path
	return found


def taken_in(
	workflow: Workflow, nodes: Mapping[str, NodeInfo], settings: Settings, source: str
) -> dict[str, JsonValue]:
	"""What to set, by NODE.INPUT, so that files which are not in the input folder are read from there all the same.

	They are copied into it; what is there already stays, and is taken if it is the same. Raises `BadDocument` if a file
	cannot be copied.
	"""
	folder = Files(settings).root('input')
	return {place: _copied(path, folder) for place, path in lie_beside(workflow, nodes, settings, source).items()}


def _beside(name: str, source: str) -> Path | None:
	"""A file by its path, as seen from here or from the workflow file."""
	try:
		return next((path for path in (Path(name), Path(source).parent / name) if path.is_file()), None)
	except (OSError, ValueError):  # A name too long for the file system, or with a NUL.
		return None


def _copied(path: Path, folder: Path) -> str:
	"""The name in a folder of a copy, which is there whole or not at all."""
	number, name = 1, path.name
	try:
		folder.mkdir(parents=True, exist_ok=True)
		while (folder / name).exists():
			if filecmp.cmp(path, folder / name, shallow=False):
				return name
			number += 1
			name = f'{path.stem} ({number}){path.suffix}'
		partial = folder / f'.{name}.{os.getpid()}.part'
		try:
			shutil.copyfile(path, partial)
			partial.replace(folder / name)
		finally:
			partial.unlink(missing_ok=True)
	except OSError as error:
		raise BadDocument(f'It cannot be copied into {folder}: {error.strerror}.', where=str(path)) from error
	return name
