"""Native files of earlier versions → the version that this program writes.

Each step takes the JSON of one version to the next and leaves alone what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import JsonValue

VERSION = 2
"""The version that is written."""


def migrated(document: dict[str, JsonValue]) -> dict[str, JsonValue]:
	"""The document in the version that is written; as it is, if it says no version that is known."""
	version = document.get('lumengraph')
	while isinstance(version, int) and not isinstance(version, bool) and version in STEPS:
		document = STEPS[version](document)
		version += 1
		document = {**document, 'lumengraph': version}
	return document


def _in_blocks(document: dict[str, JsonValue]) -> dict[str, JsonValue]:
	"""1 → 2: the layout, which was a place for each node, has blocks for nodes, groups, notes and reroutes.

	The block `editor`, which was a document of ComfyUI's editor, holds it as `document`.
	"""
	if isinstance(document.get('editor'), dict):
		document = {**document, 'editor': {'document': document['editor']}}
	layout = document.get('layout')
	if not isinstance(layout, dict):
		return document
	places = {node: place for node, place in layout.items() if _is_place(place)}
	rest = {name: value for name, value in layout.items() if name not in places}
	return {**document, 'layout': {'nodes': places, **rest}}


def _is_place(value: JsonValue) -> bool:
	return (
		isinstance(value, dict)
		and _is_number(value.get('x'))
		and _is_number(value.get('y'))
		and ('width' not in value or _is_number(value['width']))
	)


def _is_number(value: JsonValue) -> bool:
	return isinstance(value, int | float) and not isinstance(value, bool)


STEPS: Mapping[int, Callable[[dict[str, JsonValue]], dict[str, JsonValue]]] = {1: _in_blocks}
