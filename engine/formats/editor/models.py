"""The model files that nodes of the editor form name, with the place where each is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from engine.formats.document import ModelNeed
from engine.formats.editor.sheet import mapping, objects, text

SHA256 = ('sha256', '')


def needed_models(document: Mapping[str, JsonValue]) -> dict[str, ModelNeed]:
	"""Name → what is said of it, of all nodes and of the document itself."""
	found: dict[str, ModelNeed] = {}
	for entry in _listed(document):
		name = text(entry.get('name'))
		sha256 = text(entry.get('hash')) if text(entry.get('hash_type')).lower() in SHA256 else ''
		said = {'folder': text(entry.get('directory')), 'url': text(entry.get('url')), 'sha256': sha256.lower()}
		if name:
			found.setdefault(name, ModelNeed.model_validate({key: value for key, value in said.items() if value}))
	return found


def _listed(document: Mapping[str, JsonValue]) -> Iterator[dict[str, JsonValue]]:
	yield from objects(document.get('models'))
	for node in objects(document.get('nodes')):
		yield from objects(mapping(node.get('properties')).get('models'))
	for definition in objects(mapping(document.get('definitions')).get('subgraphs')):
		yield from _listed(definition)
