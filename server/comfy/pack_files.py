"""What lies in packs as plain files: translations, example workflows, subgraphs, successors of old nodes.

Read from the packs' folders whenever somebody asks; no pack's code is run for it. What cannot be read is logged and left
out.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json

from engine.files import is_text
from engine.plugins import pack_name, packs_in
from server.paths import find_file
from server.schemas.packs import Replacement

log = logging.getLogger(__name__)

LOCALES = 'locales'
MAIN = 'main'
SECTIONS = ('nodeDefs', 'commands', 'settings')
EXAMPLES = ('example_workflows', 'example', 'examples', 'workflow', 'workflows')
SUBGRAPHS = 'subgraphs'
REPLACEMENTS = 'node_replacements.json'


@dataclass(frozen=True)
class Blueprint:
	"""A subgraph that a pack offers: `data` is the JSON text of an editor's graph that defines it."""

	name: str
	pack: str
	data: str


def pack_folders(places: Iterable[Path]) -> list[Path]:
	"""The packs in folders of custom nodes that are folders themselves."""
	return [path for place in places for path in packs_in(place) if path.is_dir()]


def translations(packs: Iterable[Path]) -> dict[str, JsonValue]:
	"""Language → what packs call things in it: `main.json`, and the other files under their names. The last one wins."""
	found: dict[str, JsonValue] = {}
	for pack in packs:
		for folder in sorted(path for path in (pack / LOCALES).glob('*') if path.is_dir() and is_text(path.name)):
			main = read_object(folder / f'{MAIN}.json') or {}
			sections = {name: read_object(folder / f'{name}.json') for name in SECTIONS}
			told = merged(main, {name: texts for name, texts in sections.items() if texts is not None})
			if told:
				found = merged(found, {folder.name: told})
	return found


def merged(first: Mapping[str, JsonValue], second: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
	"""Two JSON objects as one, and so the objects in them; of other values the second's counts."""
	result = dict(first)
	for key, value in second.items():
		known = result.get(key)
		result[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
	return result


def examples(packs: Iterable[Path]) -> dict[str, list[str]]:
	"""Pack → the names of its example workflows, without the ending. Packs without any are left out."""
	found: dict[str, list[str]] = {}
	for pack in packs:
		names = sorted({path.stem for folder in EXAMPLES for path in json_files(pack / folder)})
		if names:
			found[pack_name(pack)] = names
	return found


def find_example(packs: Iterable[Path], name: str, file: str) -> Path | None:
	"""A file among the example workflows of the pack of that name: a workflow, or its picture."""
	for pack in packs:
		if pack_name(pack) == name:
			for folder in EXAMPLES:
				path = find_file(pack / folder, file)
				if path is not None:
					return path
	return None


def blueprints(packs: Iterable[Path]) -> dict[str, Blueprint]:
	"""Id → subgraph. The id is that of the pack and the file's name, so it stays when the file changes."""
	found: dict[str, Blueprint] = {}
	for pack in packs:
		for path in json_files(pack / SUBGRAPHS):
			if read_object(path) is not None:
				key = hashlib.sha256(f'{pack_name(pack)}/{path.name}'.encode()).hexdigest()
				found[key] = Blueprint(path.stem, pack_name(pack), path.read_text(encoding='utf-8-sig'))
	return found


def replacements(packs: Iterable[Path]) -> dict[str, Sequence[Replacement]]:
	"""Kind that is no more → what can stand in for it, the best one first."""
	found: dict[str, list[Replacement]] = {}
	for pack in packs:
		path = pack / REPLACEMENTS
		for old, entries in (read_object(path) or {}).items():
			for entry in entries if isinstance(entries, list) else [entries]:
				try:
					known = {'old_node_id': old, **entry} if isinstance(entry, dict) else entry
					found.setdefault(old, []).append(Replacement.model_validate(known))
				except ValidationError as error:
					log.warning('An entry of %s for %r is left out: %s', path, old, error.errors()[0]['msg'])
	return {old: entries for old, entries in found.items() if entries}


def json_files(folder: Path) -> Iterator[Path]:
	"""The JSON files in a folder, by name. Hidden ones are left out."""
	for path in sorted(folder.glob('*.json')):
		if path.is_file() and not path.name.startswith('.') and is_text(path.name):
			yield path


def read_object(path: Path) -> dict[str, JsonValue] | None:
	"""The JSON object in a file; None if there is no file, or something else in it, which is logged."""
	try:
		document: JsonValue = from_json(path.read_text(encoding='utf-8-sig'))
	except (FileNotFoundError, NotADirectoryError):
		return None
	except (OSError, ValueError) as error:
		log.warning('%s is left out: %s', path, error)
		return None
	if isinstance(document, dict):
		return document
	log.warning('%s is left out: it holds no JSON object.', path)
	return None
