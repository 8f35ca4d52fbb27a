"""Which local files a workflow names: by a path, or lying beside it. Whoever runs it gets them into the input folder."""

from __future__ import annotations

import filecmp
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from pydantic import JsonValue

from engine.axes import Range, Values
from engine.declaration import NodeInfo
from engine.errors import BadDocument, EngineError
from engine.files import Files, media_type, named_anew
from engine.formats.workflow import Workflow
from engine.namedfiles import NamedFile, named_files
from engine.prefixes import shortened
from engine.settings import Settings

MEDIA = frozenset({'image', 'audio', 'video', 'latent'})
"""What nodes read from the input folder."""
LONGEST_NAME = 255
"""Bytes of a name that file systems take."""


def local_inputs(
	workflow: Workflow, nodes: Mapping[str, NodeInfo], settings: Settings, source: str
) -> Iterator[tuple[str, Path]]:
	"""Those that lie here: as a path, beside the workflow file, or in the input folder. The others may lie at the server."""
	files = Files(settings)
	for file in _wanted(workflow, nodes):
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
	for file in _wanted(workflow, nodes):
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
	return {place: copied(path, folder) for place, path in lie_beside(workflow, nodes, settings, source).items()}


def values_of_axes(workflow: Workflow, axes: Mapping[str, Values]) -> Iterator[tuple[str, int, Workflow, Set[str]]]:
	"""Each listed value of a sweep: its axis, its place there, the workflow with it, and the NODE.INPUTs that have it."""
	for name, values in axes.items():
		places = {f'{node}.{given}' for node, given in workflow.places(name)}
		for index, value in enumerate(() if isinstance(values, Range) else values):
			yield name, index, workflow.with_value(name, value), places


def axes_with(axes: Mapping[str, Values], names: Mapping[tuple[str, int], str]) -> dict[str, Values]:
	"""The axes of a sweep with other names for some values, which are told by axis and place."""
	return {
		axis: values
		if isinstance(values, Range)
		else [names.get((axis, index), value) for index, value in enumerate(values)]
		for axis, values in axes.items()
	}


def axes_taken_in(
	workflow: Workflow, axes: Mapping[str, Values], nodes: Mapping[str, NodeInfo], settings: Settings, source: str
) -> dict[str, Values]:
	"""The axes of a sweep with the names that files have in the input folder, as `taken_in` copies them there."""
	folder = Files(settings).root('input')
	names: dict[tuple[str, int], str] = {}
	for axis, index, one, places in values_of_axes(workflow, axes):
		for place, path in lie_beside(one, nodes, settings, source).items():
			if place in places:
				names[axis, index] = copied(path, folder)
	return axes_with(axes, names)


def _wanted(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> Iterator[NamedFile]:
	"""The pictures and the like that a workflow reads. Whatever else one names is nobody's business but its owner's."""
	for file in named_files(workflow.graph, nodes):
		if file.folder == 'input' and not file.is_model and media_type(file.name) in MEDIA:
			yield file


def _beside(name: str, source: str) -> Path | None:
	"""A file by its path, as seen from here or from the workflow file."""
	try:
		return next((path for path in (Path(name), Path(source).parent / name) if path.is_file()), None)
	except (OSError, ValueError):  # A name too long for the file system, or with a NUL.
		return None


def copied(path: Path, folder: Path) -> str:
	"""The name in a folder of a copy, which is there whole or not at all. What others put there meanwhile stays.

	Raises `BadDocument` if it cannot be copied.
	"""
	partial = folder / f'.{os.getpid()}.{secrets.token_hex(4)}.part'
	try:
		folder.mkdir(parents=True, exist_ok=True)
		try:
			names = itertools.chain((path.name,), (_numbered(path, number) for number in itertools.count(2)))
			while True:
				name = next(names)
				# It is only copied if there is need for it.
				if not os.path.lexists(folder / name):
					if not partial.exists():
						shutil.copyfile(path, partial)
					if named_anew(partial, folder / name):
						return name
				if (folder / name).is_file() and filecmp.cmp(path, folder / name, shallow=False):
					return name
		finally:
			partial.unlink(missing_ok=True)
	except OSError as error:
		raise BadDocument(f'It cannot be copied into {folder}: {error.strerror}.', where=str(path)) from error


def _numbered(path: Path, number: int) -> str:
	"""The name of a file with a number, made shorter where the file system needs that."""
	ending = f' ({number}){path.suffix}'
	return shortened(path.stem, LONGEST_NAME - len(os.fsencode(ending))) + ending
