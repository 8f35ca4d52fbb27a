"""Definitions of subgraphs that are being written: drafts that get their inputs, outputs and defaults step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import JsonValue

from engine.formats.document import NodeEntry, SubgraphInput
from engine.formats.editor.kinds import VIRTUAL
from engine.formats.editor.places import Place, results
from engine.formats.editor.sheet import Definition

LinkNumbers = dict[str, dict[str, JsonValue]]
"""Node → its input → the number of the link there."""


@dataclass(eq=False, slots=True)
class Draft:
	"""A definition that is being written: its name, and the place of one of its instances to look at."""

	name: str
	definition: Definition
	place: Place
	inputs: dict[str, SubgraphInput] = field(default_factory=dict)
	outputs: tuple[str, ...] = ()
	proxies: dict[tuple[str, str], str] = field(default_factory=dict)


def link_numbers(place: Place) -> LinkNumbers:
	"""The numbers that the links of a canvas have where they end."""
	found: LinkNumbers = {}
	for node in place.sheet.nodes.values():
		listed: dict[str, JsonValue] = {
			slot.name: link_number(slot.link) for slot in node.inputs if slot.link in place.sheet.wires and slot.name
		}
		if listed and node.type not in VIRTUAL:
			found[node.id] = listed
	return found


def link_number(link: str | None) -> JsonValue:
	"""A link's id as the file had it: a number, if it can be one."""
	return int(link) if link is not None and link.isascii() and link.isdecimal() and len(link) < 16 else link


def standing(definition: Definition) -> Place:
	"""A definition as the inside of an instance that gives it nothing."""
	return Place(definition.sheet, definition=definition, results=results(definition.sheet))


def unique(names: list[str]) -> tuple[str, ...]:
	"""Names for the outputs of a definition: their own, with their place behind those that are there twice."""
	found: list[str] = []
	for index, name in enumerate(names):
		found.append(name if name and name not in found and names.count(name) == 1 else f'{name or "output"} {index}')
	return tuple(found)


def set_defaults(draft: Draft, entries: dict[str, NodeEntry]) -> None:
	"""Give a definition's input a default where all that take it over have the same value of their own."""
	own: dict[str, list[tuple[NodeEntry, str]]] = {}
	for entry in entries.values():
		for name, value in entry.inputs.items():
			if isinstance(value, dict) and isinstance(value.get('input'), str):
				own.setdefault(str(value['input']), []).append((entry, name))
	for given, takers in own.items():
		arguments = [entry.inputs[name] for entry, name in takers]
		values = [argument['value'] for argument in arguments if isinstance(argument, dict) and 'value' in argument]
		if len(values) < len(arguments) or any(repr(value) != repr(values[0]) for value in values):
			continue
		draft.inputs[given] = draft.inputs[given].model_copy(update={'default': values[0]})
		for entry, name in takers:
			entry.inputs[name] = {'input': given}
