"""A graph → the editor form, version 0.4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from engine.declaration import Choice, Input, NodeInfo
from engine.dynamic import live_inputs
from engine.formats.editor.arrange import arrange
from engine.formats.editor.kinds import BYPASSED, MUTED, NOTES
from engine.formats.editor.sheet import identity, mapping, objects, text
from engine.formats.editor.widgets import has_control, has_widget, in_order, live_widgets
from engine.graph import Call, Constant, Graph

VERSION = 0.4
WIDTH, TITLE, ROW = 315, 40, 26
DRAWN_KEYS = ('pos', 'size', 'flags', 'color', 'bgcolor', 'shape', 'properties')
"""What a node keeps of how it was drawn before."""
CANVAS_KEYS = ('reroutes', 'linkExtensions', 'groupNodes')
"""What speaks of wires and groups that are not written again."""
OPTIONAL = 7
"""The shape of a slot that need not be linked."""


@dataclass(frozen=True, slots=True)
class Corner:
	"""Where a node lies, in pixels."""

	x: float
	y: float
	width: float | None = None


def write_editor(
	graph: Graph,
	nodes: Mapping[str, NodeInfo],
	*,
	places: Mapping[str, Corner] | None = None,
	base: Mapping[str, JsonValue] | None = None,
) -> dict[str, JsonValue]:
	"""Write a graph in the editor form.

	Nodes that `places` does not know are put in columns. `base` is the document that the graph came from: its notes and
	groups, how its nodes looked, and whatever else it holds are kept.
	"""
	base = base or {}
	drawn = {id: entry for entry in objects(base.get('nodes')) if (id := identity(entry.get('id'))) is not None}
	ids = _ids(graph)
	written = {
		node: _Written(ids[node], call, nodes.get(call.kind), drawn.get(node, {})) for node, call in graph.calls.items()
	}
	links: list[JsonValue] = []
	for node, given, link in graph.links():
		source = written.get(link.node)
		if source is None:
			continue
		slot = written[node].slot(given)
		number = len(links) + 1
		type = source.output(link.output, number)
		written[node].inputs[slot]['link'] = number
		links.append([number, source.id, link.output, written[node].id, slot, type])
	corners = dict(places or {})
	if not graph.calls.keys() <= corners.keys():
		made = arrange(graph, {node: one.height for node, one in written.items()})
		# Nodes without a place go below the others.
		bottom = max((corner.y + 200 for corner in corners.values()), default=0)
		corners = {node: corners.get(node) or Corner(x, y + bottom) for node, (x, y) in made.items()}
	entries: list[JsonValue] = [one.entry(order, corners[node]) for order, (node, one) in enumerate(written.items())]
	taken = set(map(str, ids.values()))
	# What gives nothing to the graph stays on the canvas.
	entries += [
		_unlinked(entry)
		for id, entry in drawn.items()
		if id not in taken and (text(entry.get('type')) in NOTES or entry.get('mode') in (MUTED, BYPASSED))
	]
	extra = {name: value for name, value in mapping(base.get('extra')).items() if name not in CANVAS_KEYS}
	numbers = [id for id in ids.values() if isinstance(id, int)]
	return {
		**{
			name: value
			for name, value in base.items()
			if name not in ('definitions', 'state', 'reroutes', 'floatingLinks')
		},
		'last_node_id': max((*numbers, *_numbers(drawn)), default=0),
		'last_link_id': len(links),
		'nodes': entries,
		'links': links,
		'groups': base.get('groups', []),
		'config': base.get('config', {}),
		'extra': extra,
		'version': VERSION,
	}


def _unlinked(entry: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
	"""A node as it was, but for its wires."""
	inputs: list[JsonValue] = [{**slot, 'link': None} for slot in objects(entry.get('inputs'))]
	outputs: list[JsonValue] = [{**slot, 'links': None} for slot in objects(entry.get('outputs'))]
	return {**entry, **({'inputs': inputs} if inputs else {}), **({'outputs': outputs} if outputs else {})}


def _numbers(ids: Mapping[str, object]) -> list[int]:
	return [int(id) for id in ids if _is_number(id)]


def _is_number(id: str) -> bool:
	return id.isascii() and id.isdecimal() and len(id) < 16 and str(int(id)) == id


def _ids(graph: Graph) -> dict[str, int | str]:
	"""Ids as the editor wants them: numbers, or text without the colons that part the ids of nested nodes."""
	found: dict[str, int | str] = {node: int(node) for node in graph.calls if _is_number(node)}
	taken = {str(id) for id in found.values()}
	for node in graph.calls:
		if node in found:
			continue
		name = wanted = node.replace(':', '_')
		again = 2
		while name in taken:
			name, again = f'{wanted}_{again}', again + 1
		taken.add(name)
		found[node] = name
	return found


class _Written:
	"""A node that is being written: its slots and values. `drawn` is what the file had for it before."""

	def __init__(self, id: int | str, call: Call, info: NodeInfo | None, drawn: Mapping[str, JsonValue]) -> None:
		self.id = id
		self._drawn = drawn if drawn.get('type') == call.kind else {}
		self._call = call
		self._info = info
		self.constants = {
			name: argument.value for name, argument in call.inputs.items() if isinstance(argument, Constant)
		}
		self.inputs: list[dict[str, JsonValue]] = []
		self._slots: dict[str, int] = {}
		for item in self._live():
			if not has_widget(item) and item.dynamic is None:
				self._add(item.name, item)
		self._outputs: list[dict[str, JsonValue]] = (
			[{**slot, 'links': None} for slot in objects(self._drawn.get('outputs'))]
			if info is None
			else [
				{'name': output.name, 'type': output.type, 'links': None, 'slot_index': index}
				for index, output in enumerate(info.outputs)
			]
		)
		self._wires: dict[int, list[JsonValue]] = {}

	def _live(self) -> tuple[Input, ...]:
		if self._info is None:
			return ()
		return live_inputs(self._info.model_copy(update={'inputs': in_order(self._info)}), self._call.inputs)

	def _add(self, name: str, item: Input | None) -> int:
		slot: dict[str, JsonValue] = {'name': name, 'type': item.type if item is not None else '*', 'link': None}
		if item is not None and has_widget(item):
			slot['widget'] = {'name': name}
		elif item is not None and not item.required:
			slot['shape'] = OPTIONAL
		self._slots[name] = len(self.inputs)
		self.inputs.append(slot)
		return self._slots[name]

	def slot(self, name: str) -> int:
		"""The place of an input's slot; one is made for a widget, or for what is not declared."""
		if name in self._slots:
			return self._slots[name]
		return self._add(name, next((item for item in self._live() if item.name == name), None))

	def output(self, index: int, link: int) -> str:
		"""Note that a link leaves an output; gives its type."""
		while len(self._outputs) <= index < 1000:
			self._outputs.append({'name': '', 'type': '*', 'links': None, 'slot_index': len(self._outputs)})
		if not 0 <= index < len(self._outputs):
			return '*'
		wires = self._wires.setdefault(index, [])
		wires.append(link)
		self._outputs[index]['links'] = wires
		return str(self._outputs[index].get('type', '*'))

	@property
	def height(self) -> int:
		"""About how high it is drawn, in pixels."""
		values = len(self._values()) if self._info is not None else len(self.constants)
		return TITLE + ROW * (max(len(self.inputs), len(self._outputs)) + values)

	def _values(self) -> list[JsonValue]:
		"""The widgets' values in their order, with what the editor keeps beside them."""
		if self._info is None:
			# Which place is whose is not known here.
			former = self._drawn.get('widgets_values')
			return former if isinstance(former, list) else list(self.constants.values())
		found: list[JsonValue] = []
		buttons = 0
		for name, item in live_widgets(in_order(self._info), self.constants):
			# A linked widget keeps its place.
			found.append(self.constants.get(name))
			if has_control(item):
				found.append('fixed')
			buttons += isinstance(item.widget, Choice) and item.widget.upload
		return found + ['image'] * buttons

	def entry(self, order: int, corner: Corner) -> dict[str, JsonValue]:
		"""The node as the file has it."""
		title = {'title': self._call.title} if self._call.title else {}
		inputs: list[JsonValue] = [*self.inputs]
		outputs: list[JsonValue] = [*self._outputs]
		return {
			'id': self.id,
			'type': self._call.kind,
			'pos': [corner.x, corner.y],
			'size': [corner.width or WIDTH, self.height],
			'flags': {},
			'order': order,
			'mode': 0,
			'properties': {'Node name for S&R': self._call.kind},
			**{name: self._drawn[name] for name in DRAWN_KEYS if name in self._drawn},
			**title,
			'inputs': inputs,
			'outputs': outputs,
			'widgets_values': self._values(),
			'widgets_values_named': self.constants,
		}
