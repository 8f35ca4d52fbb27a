"""From any form into any other, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from engine.formats.convert import converted
from engine.formats.workflow import Form, Workflow, read_workflow
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from tests.engine.formats.declared import infos
from tests.engine.formats.editor.canvas import NODES

REAL = Path(__file__).parent / 'real'
FILES = sorted(REAL.glob('*.json'))


def rewritten(workflow: Workflow, to: Form) -> Any:
	"""A workflow in another form, as its file has it."""
	return json.loads(json.dumps(converted(workflow, to, infos())))


def flat(graph: Graph) -> dict[str, Call]:
	"""The calls of a graph with the ids that the editor form has for them."""

	def named(argument: Argument) -> Argument:
		return Link(drawn(argument.node), argument.output) if isinstance(argument, Link) else argument

	def drawn(node: NodeId) -> NodeId:
		return NodeId(node.replace(':', '_'))

	return {
		drawn(node): Call(call.kind, {name: named(given) for name, given in call.inputs.items()}, call.title)
		for node, call in graph.calls.items()
	}


class TestRoundTrips:
	"""Nothing is lost on the way there and back."""

	@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
	def test_through_the_native_form(self, path: Path) -> None:
		"""The graph is the same, and back in its own form the file is the very same."""
		document: JsonValue = json.loads(path.read_text())
		workflow = read_workflow(document, infos())
		native = read_workflow(rewritten(workflow, 'native'), infos())

		assert native.graph == workflow.graph
		assert rewritten(native, workflow.form) == document

	@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
	def test_through_the_editor_form(self, path: Path) -> None:
		"""A graph that is drawn anew is read as the same calls, links and values."""
		workflow = read_workflow(json.loads(path.read_text()), infos())
		# Filled in once, so that the declarations' defaults make no difference.
		before = read_workflow(rewritten(Workflow(workflow.graph), 'editor'), infos())
		again = read_workflow(rewritten(Workflow(before.graph), 'editor'), infos())

		assert again.graph == before.graph
		for node, call in flat(workflow.graph).items():
			kept = flat(before.graph)[node]
			known = {name for name in call.inputs if name in kept.inputs}
			assert {name: kept.inputs[name] for name in known} == {name: call.inputs[name] for name in known}
			assert call.inputs.keys() - known <= {'upload', 'choose file to upload'}


class TestChanged:
	"""A file of the editor form that was changed as a native one."""

	def document(self) -> dict[str, Any]:
		"""Two nodes, a note and a group."""
		return {
			'nodes': [
				{
					'id': 1,
					'type': 'Load',
					'pos': [10, 20],
					'size': [100, 80],
					'color': '#432',
					'widgets_values': ['a', 'image'],
				},
				{'id': 2, 'type': 'Save', 'pos': [300, 20], 'inputs': [{'name': 'images', 'type': 'IMAGE', 'link': 1}]},
				{'id': 3, 'type': 'Note', 'pos': [0, 0], 'widgets_values': ['remember']},
				{'id': 4, 'type': 'Blur', 'mode': 2, 'pos': [0, 9], 'widgets_values': [5]},
				{
					'id': 5,
					'type': 'Elsewhere',
					'pos': [0, 9],
					'widgets_values': [1, 2],
					'outputs': [{'name': 'X', 'type': 'Y'}],
				},
			],
			'links': [[1, 1, 0, 2, 0, 'IMAGE']],
			'groups': [{'title': 'all', 'bounding': [0, 0, 500, 500]}],
			'extra': {'somebody': {'own': 1}, 'reroutes': []},
			'anything': 'else',
			'version': 0.4,
		}

	def test_keeps_looks_notes_and_groups(self) -> None:
		"""Only the value is another one."""
		native = converted(read_workflow(self.document(), NODES), 'native', NODES)
		changed = read_workflow(native, NODES).with_value('1.file', 'b')
		written: Any = converted(changed, 'editor', NODES)

		assert written['nodes'][0]['widgets_values'] == ['b', 'image']
		assert [written['nodes'][0][key] for key in ('pos', 'color')] == [[10, 20], '#432']
		assert written['nodes'][-2:] == self.document()['nodes'][2:4]
		assert [written[key] for key in ('groups', 'anything')] == [self.document()['groups'], 'else']
		assert written['extra'] == {'somebody': {'own': 1}}
		assert written['last_node_id'] == 5
		assert read_workflow(written, NODES).graph == changed.graph

	def test_keeps_what_is_not_known_here(self) -> None:
		"""Values and outputs of kinds that are not declared stay as they were."""
		changed = read_workflow(self.document(), NODES).with_value('1.file', 'b')
		written: Any = converted(changed, 'editor', NODES)
		[unknown] = [node for node in written['nodes'] if node['type'] == 'Elsewhere']

		assert unknown['widgets_values'] == [1, 2]
		assert unknown['outputs'] == [{'name': 'X', 'type': 'Y', 'links': None}]


class TestDrawing:
	"""Graphs that nobody has drawn."""

	def test_columns(self) -> None:
		"""Each node lies to the right of what feeds it, and none on another."""
		graph = Graph(
			{
				NodeId('save'): Call('Save', {'images': Link(NodeId('2'), 0), 'prefix': Constant('x')}),
				NodeId('2'): Call('Blur', {'image': Link(NodeId('1:1'), 0), 'radius': Constant(1)}),
				NodeId('1:1'): Call('Load', {'file': Constant('a')}),
				NodeId('7'): Call('Load', {'file': Constant('b')}),
			}
		)
		written: Any = converted(Workflow(graph), 'editor', NODES)
		corners = {node['id']: tuple(node['pos']) for node in written['nodes']}

		assert corners['1_1'][0] < corners[2][0] < corners['save'][0]
		assert len(set(corners.values())) == 4
		assert written['links'] == [[1, 2, 0, 'save', 0, 'IMAGE'], [2, '1_1', 0, 2, 0, 'IMAGE']]
		assert written['nodes'][1]['outputs'][0]['links'] == [1]

	def test_seeds_stay(self) -> None:
		"""What follows a seed says that it stays as it is."""
		graph = Graph({NodeId('1'): Call('Noise', {'seed': Constant(5), 'steps': Constant(1), 'fast': Constant(True)})})
		written: Any = converted(Workflow(graph), 'editor', NODES)

		assert written['nodes'][0]['widgets_values'] == [5, 'fixed', 1, True]


def test_api_form_keeps_what_else_it_says() -> None:
	"""Keys that we have no place for are there again."""
	document: JsonValue = {
		'1': {
			'class_type': 'Load',
			'inputs': {'file': 'a'},
			'is_changed': ['x'],
			'_meta': {'title': 'First', 'cnr_id': 'comfy-core'},
		}
	}
	native = converted(read_workflow(document, NODES), 'native', NODES)

	assert converted(read_workflow(native, NODES), 'api', NODES) == document
