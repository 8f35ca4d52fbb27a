"""Workflows that nobody would draw: graphs of the editor form and native documents, made at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from engine.formats.document import SUBGRAPH
from tests.engine.formats.editor.canvas import NODES

KINDS = ('Load', 'Blur', 'Noise', 'Mix', 'Write', 'Save')
TYPES = ('IMAGE', 'MASK', 'INT', 'STRING', '*')
MODES = st.sampled_from((0, 0, 0, 0, 2, 4))
VALUES: dict[str, st.SearchStrategy[Any]] = {
	'COMBO': st.sampled_from(('a', 'b')),
	'INT': st.integers(0, 2**60),
	'STRING': st.text('xyz %', max_size=4),
	'BOOLEAN': st.booleans(),
}


@st.composite
def editor_graphs(draw: st.DrawFn) -> dict[str, Any]:
	"""A document of version 0.4 with reroutes, primitives, notes, switched-off nodes, and subgraphs inside of others."""
	names = ['inner', 'outer'][: draw(st.integers(0, 2))]
	definitions: list[dict[str, Any]] = []
	for name in names:
		definitions.append(draw(_definition(name, [*definitions])))
	nodes, links = draw(_sheet(definitions, 0))
	arrays = [[link[key] for key in ORDER] for link in links]
	more = {'definitions': {'subgraphs': definitions}} if definitions else {}
	groups = [{'title': 'all', 'bounding': [0, 0, 900, 900], 'color': '#335'}] if draw(st.booleans()) else []
	return {'nodes': nodes, 'links': arrays, 'groups': groups, 'extra': {'own': 1}, 'version': 0.4, **more}


ORDER = ('id', 'origin_id', 'origin_slot', 'target_id', 'target_slot', 'type')


@st.composite
def _definition(draw: st.DrawFn, name: str, known: list[dict[str, Any]]) -> dict[str, Any]:
	inputs = [
		{'id': f'{name}-in-{index}', 'name': f'in{index}', 'type': draw(st.sampled_from(TYPES))}
		for index in range(draw(st.integers(0, 3)))
	]
	nodes, links = draw(_sheet(known, len(inputs)))
	outputs: list[dict[str, Any]] = []
	for index in range(draw(st.integers(0, 2))):
		sources = [(node['id'], slot) for node in nodes for slot in range(len(node['outputs']))]
		sources += [(-10, slot) for slot in range(len(inputs))]
		type = draw(st.sampled_from(TYPES))
		outputs.append({'id': f'{name}-out-{index}', 'name': f'out{index}', 'type': type})
		if sources:
			origin, slot = draw(st.sampled_from(sources))
			number = len(links) + 1
			links.append(dict(zip(ORDER, (number, origin, slot, -20, index, type), strict=True)))
	return {'id': name, 'name': name.title(), 'inputs': inputs, 'outputs': outputs, 'nodes': nodes, 'links': links}


@st.composite
def _sheet(draw: st.DrawFn, known: list[dict[str, Any]], ways_in: int) -> tuple[list[Any], list[Any]]:
	"""Nodes in a row, each of which may be linked to those before it, and to what comes in from outside."""
	nodes: list[dict[str, Any]] = []
	links: list[dict[str, Any]] = []
	for id in range(1, draw(st.integers(1, 6)) + 1):
		kind = draw(st.sampled_from((*KINDS, 'Reroute', 'PrimitiveNode', 'Note', *(one['id'] for one in known))))
		node, sockets = draw(_node(id, kind, known))
		sources = [(other['id'], slot, out['type']) for other in nodes for slot, out in enumerate(other['outputs'])]
		sources += [(-10, slot, '*') for slot in range(ways_in)]
		for name, type, widget in sockets:
			slot: dict[str, Any] = {'name': name, 'type': type, 'link': None}
			if widget:
				slot['widget'] = {'name': name}
			linked = bool(sources) and draw(st.booleans())
			if widget and not linked:
				continue
			if linked:
				origin, origin_slot, given = draw(st.sampled_from(sources))
				slot['link'] = len(links) + 1
				values = (slot['link'], origin, origin_slot, id, len(node['inputs']), given)
				links.append(dict(zip(ORDER, values, strict=True)))
			node['inputs'].append(slot)
		nodes.append(node)
	return nodes, links


@st.composite
def _node(
	draw: st.DrawFn, id: int, kind: str, known: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[tuple[str, str, bool]]]:
	"""A node without links, and its sockets: name, type, whether a widget has it."""
	node: dict[str, Any] = {
		'id': id,
		'type': kind,
		'pos': [id * 10, 5],
		'mode': draw(MODES),
		'inputs': [],
		'outputs': [],
	}
	definition = next((one for one in known if one['id'] == kind), None)
	if definition is not None:
		node['outputs'] = [{'name': out['name'], 'type': out['type']} for out in definition['outputs']]
		node['widgets_values'] = draw(st.lists(st.integers(0, 9), max_size=3))
		return node, [(given['name'], given['type'], draw(st.booleans())) for given in definition['inputs']]
	if kind not in NODES:
		node['outputs'] = [] if kind == 'Note' else [{'name': '', 'type': '*'}]
		node['widgets_values'] = [] if kind == 'Reroute' else [draw(st.integers(0, 9) | st.text('ab', max_size=3))]
		return node, [('', '*', False)] if kind == 'Reroute' else []
	info = NODES[kind]
	node['outputs'] = [{'name': out.name, 'type': out.type} for out in info.outputs]
	values: list[Any] = []
	for item in info.required_first:
		if item.widget is not None:
			values.append(draw(VALUES[item.type]))
		if item.name == 'seed':
			values.append('fixed')
	node['widgets_values'] = values
	return node, [(item.name, item.type, item.widget is not None) for item in info.inputs]


@st.composite
def native_documents(draw: st.DrawFn) -> dict[str, Any]:
	"""A native document with switched-off nodes and subgraphs inside of others."""
	subgraphs: dict[str, Any] = {}
	for name in ('inner', 'outer')[: draw(st.integers(0, 2))]:
		inputs: dict[str, Any] = {}
		for index in range(draw(st.integers(0, 3))):
			default = {'default': draw(st.integers(0, 9))} if draw(st.booleans()) else {}
			inputs[f'in{index}'] = {'type': draw(st.sampled_from(TYPES)), **default}
		nodes = draw(_entries(subgraphs, list(inputs)))
		outputs = {
			f'out{index}': {'type': draw(st.sampled_from(TYPES)), **draw(_source(nodes, subgraphs, list(inputs)))}
			for index in range(draw(st.integers(0, 2)))
		}
		subgraphs[name] = {'inputs': inputs, 'outputs': outputs, 'nodes': nodes}
	return {'lumengraph': 2, 'nodes': draw(_entries(subgraphs, [])), 'subgraphs': subgraphs}


@st.composite
def _entries(draw: st.DrawFn, subgraphs: dict[str, Any], outside: list[str]) -> dict[str, Any]:
	nodes: dict[str, Any] = {}
	for number in range(draw(st.integers(1, 5))):
		kind = draw(st.sampled_from((*KINDS, *(SUBGRAPH + name for name in subgraphs))))
		names = (
			[item.name for item in NODES[kind].inputs]
			if kind in NODES
			else list(_definition_of(kind, subgraphs)['inputs'])
		)
		inputs: dict[str, Any] = {}
		for name in names:
			source = draw(_source(nodes, subgraphs, outside))
			if bool(source) and draw(st.booleans()):
				inputs[name] = {**source, **({'value': draw(st.integers(0, 9))} if draw(st.booleans()) else {})}
			elif draw(st.booleans()):
				inputs[name] = draw(st.integers(0, 9) | st.just('a'))
		mode = draw(st.sampled_from(('run', 'run', 'run', 'mute', 'bypass')))
		nodes[f'n{number}'] = {'kind': kind, 'inputs': inputs, **({'mode': mode} if mode != 'run' else {})}
	return nodes


def _definition_of(kind: str, subgraphs: dict[str, Any]) -> dict[str, Any]:
	found: dict[str, Any] = subgraphs[kind.removeprefix(SUBGRAPH)]
	return found


@st.composite
def _source(draw: st.DrawFn, nodes: dict[str, Any], subgraphs: dict[str, Any], outside: list[str]) -> dict[str, Any]:
	"""An output of one of the nodes, or an input of the subgraph; nothing, if there is none."""
	choices: list[dict[str, Any]] = [{'input': name} for name in outside]
	for node, entry in nodes.items():
		kind = entry['kind']
		names = (
			[out.name for out in NODES[kind].outputs]
			if kind in NODES
			else list(_definition_of(kind, subgraphs)['outputs'])
		)
		choices += [{'node': node, 'output': name} for name in names]
	return draw(st.sampled_from(choices)) if choices else {}
