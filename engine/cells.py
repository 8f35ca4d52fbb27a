"""What files of a sweep carry: the one combination that they are of, not the whole sweep."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

CELLS = 'sweep'
"""Beside what is written into all pictures of a job: node that saves → node → input → value of its combination."""
NATIVE = 'lumengraph'


def of_cell(
	node: str, prompt: Mapping[str, JsonValue], beside: Mapping[str, JsonValue]
) -> tuple[Mapping[str, JsonValue], Mapping[str, JsonValue]]:
	"""The prompt (API form) for a file that a node saves, and what is written beside it.

	Of a sweep, that is the part of the graph that the node needs, and the workflow with the values of its combination. The
	picture of all combinations carries the whole graph alone.
	"""
	cells = beside.get(CELLS)
	if not isinstance(cells, dict):
		return prompt, beside
	values = cells.get(node)
	if not isinstance(values, dict):
		return prompt, {}
	document = _with_values(beside.get(NATIVE), values)
	return _needed(node, prompt), {} if document is None else {NATIVE: document}


def _needed(node: str, prompt: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
	"""The nodes of a prompt that one needs, itself included, in their order."""
	wanted: set[str] = set()
	waiting = [node]
	while waiting:
		name = waiting.pop()
		body = prompt.get(name)
		if name in wanted or not isinstance(body, dict):
			continue
		wanted.add(name)
		inputs = body.get('inputs')
		for value in inputs.values() if isinstance(inputs, dict) else ():
			if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
				waiting.append(value[0])
	return {name: body for name, body in prompt.items() if name in wanted}


def _with_values(document: JsonValue, values: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
	"""A native document with some values; None if it has not all of these nodes at its top."""
	nodes = document.get('nodes') if isinstance(document, dict) else None
	if not isinstance(document, dict) or not isinstance(nodes, dict):
		return None
	changed = dict(nodes)
	for node, given in values.items():
		entry = changed.get(node)
		if not isinstance(entry, dict) or not isinstance(given, dict):
			return None
		inputs = entry.get('inputs')
		kept = dict(inputs) if isinstance(inputs, dict) else {}
		for name, value in given.items():
			kept[name] = {'value': value} if isinstance(value, dict) else value
		changed[node] = {**entry, 'inputs': kept}
	return {**document, 'nodes': changed}
