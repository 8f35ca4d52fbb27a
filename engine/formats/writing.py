"""Native documents as text, so that a difference between two versions of a file reads well.

Blocks and keys stand in one order, what says nothing is left out, each node is a block of lines, and small objects take
one line. The editor writes the same way (`web/src/json.ts`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from engine.formats.document import Parameter, WorkflowDocument

INLINE = 100
"""The longest object, in characters, that takes one line."""
INDENT = '\t'
FIRST = ('node', 'output', 'input')
"""What a named input or output begins with: what it stands for."""


def to_json(document: WorkflowDocument) -> dict[str, JsonValue]:
	"""The document as JSON, without what says nothing."""
	written: dict[str, Any] = document.model_dump(exclude_defaults=True)
	named: Iterator[tuple[Mapping[str, Parameter], Any]] = iter(
		[
			(document.inputs, written.get('inputs', {})),
			*(
				(subgraph.inputs, written['subgraphs'][name].get('inputs', {}))
				for name, subgraph in document.subgraphs.items()
			),
		]
	)
	for parameters, bodies in named:
		for name, parameter in parameters.items():
			body = bodies[name]
			if parameter.has_default:
				# Null is a default, too, though it is what stands for none.
				body['default'] = parameter.default
			bodies[name] = {**{key: body[key] for key in FIRST if key in body}, **body}
	return written


def dumps(document: WorkflowDocument) -> str:
	"""The text of a file, with a line end behind it."""
	return pretty(to_json(document)) + '\n'


def pretty(value: JsonValue, margin: str = '') -> str:
	"""JSON with a line for each member; an object or list of plain values takes one line if it is short."""
	if not isinstance(value, dict | list) or not value:
		return _scalar(value)
	members = list(value.values()) if isinstance(value, dict) else value
	if margin and not any(isinstance(member, dict | list) for member in members):
		line = _scalar(value)
		if len(line) <= INLINE:
			return line
	inner = margin + INDENT
	if isinstance(value, list):
		lines = [inner + pretty(member, inner) for member in value]
		return '[\n' + ',\n'.join(lines) + f'\n{margin}]'
	lines = [f'{inner}{_scalar(key)}: {pretty(member, inner)}' for key, member in value.items()]
	return '{\n' + ',\n'.join(lines) + f'\n{margin}}}'


def _scalar(value: JsonValue) -> str:
	return json.dumps(value, ensure_ascii=False)
