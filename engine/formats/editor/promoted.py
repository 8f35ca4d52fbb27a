"""Which inputs of instances of subgraphs come to be which inputs of nodes inside: what is set from outside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.formats.editor.places import ITSELF, Record, proxied
from engine.formats.editor.sheet import Definition, EditorNode, Sheet
from engine.formats.flatten import Target
from engine.graph import node_id

Shown = Mapping[tuple[str, str], str]
"""(inner id, widget) → the name that the widget has as an input of the definition that it stands in."""


def shown_names(sheets: Iterable[Sheet], definitions: Mapping[str, Definition]) -> dict[str, Shown]:
	"""Names for the widgets inside of definitions that instances on these canvases show, by the id of the definition.

	A widget's own name, or with the id of its node where an input has that already.
	"""
	found: dict[str, dict[tuple[str, str], str]] = {id: {} for id in definitions}
	taken = {id: {slot.name for slot in definition.inputs} for id, definition in definitions.items()}
	for sheet in sheets:
		for node in sheet.nodes.values():
			for inner, widget in proxied(node) if node.type in definitions else ():
				names, own = taken[node.type], found[node.type]
				if inner == ITSELF or (inner, widget) in own or inner not in definitions[node.type].sheet.nodes:
					continue
				name = widget if widget and widget not in names else f'{inner}.{widget}'
				if name not in names:
					own[inner, widget] = name
					names.add(name)
	return {**found}


def shown_input(node: EditorNode, own: Shown, widget: str) -> str:
	"""Which input of an instance is meant where the instance around it shows a widget of it. `own`: of its definition."""
	first = next((place for place in proxied(node) if place[1] == widget and place[0] != ITSELF), None)
	return own.get(first, widget) if first is not None else widget


class Promoted:
	"""Fills with what is seen: `targets` has for (id of an instance, its input) the inputs inside that take it over."""

	def __init__(self, names: Mapping[str, Shown]) -> None:
		self._names = names
		self.targets: dict[tuple[str, str], tuple[Target, ...]] = {}

	def through(self, instance: Record, name: str, target: Target) -> None:
		"""An input of an instance feeds an input inside."""
		known = self.targets.get((instance.id, name), ())
		if target in known:
			return
		self.targets[instance.id, name] = (*known, target)
		around, own = instance.place.instance, self._names.get(instance.node.type, {})
		if around is None or is_linked(instance, name):
			return
		for widget, outer in self._shown(around, instance.node):
			if shown_input(instance.node, own, widget) == name:
				self.through(around, outer, target)

	def widgets(self, record: Record, known: Collection[str]) -> None:
		"""The instance around a node shows some of its widgets. What is linked is no widget any more."""
		around = record.place.instance
		if around is None:
			return
		for widget, outer in self._shown(around, record.node):
			if widget in known and not is_linked(record, widget):
				self.through(around, outer, (node_id(record.id), widget))

	def _shown(self, instance: Record, inner: EditorNode) -> Iterator[tuple[str, str]]:
		"""The widgets of a node inside of an instance that are inputs of the definition, and what they are called there."""
		for (node, widget), name in self._names.get(instance.node.type, {}).items():
			if node == inner.id:
				yield widget, name


def is_linked(record: Record, name: str) -> bool:
	"""Whether something is linked to an input."""
	return any(slot.name == name and slot.link in record.place.sheet.wires for slot in record.node.inputs)
