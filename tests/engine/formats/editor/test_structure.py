"""The editor form → a native document that keeps its structure, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine.errors import WrongInputs
from engine.formats.convert import converted
from engine.formats.native import read_document
from engine.formats.workflow import read_workflow
from engine.formats.writing import to_json
from engine.graph import Constant, NodeId
from tests.engine.formats.declared import infos
from tests.engine.formats.editor.canvas import NODES, canvas, node
from tests.engine.formats.editor.test_places import GROUPS

REAL = Path(__file__).parents[1] / 'real'
EDITOR_FILES = sorted(REAL.glob('*.workflow.json'))


def native(document: Any) -> Any:
	"""A document of the editor form in ours, after JSON."""
	return json.loads(json.dumps(converted(read_workflow(document, NODES), 'native', NODES)))


def again(document: Any) -> Any:
	"""A native document in the editor form."""
	return converted(read_workflow(document, NODES), 'editor', NODES)


class TestRealFiles:
	@pytest.mark.parametrize('path', EDITOR_FILES, ids=lambda path: path.name)
	def test_what_instances_set(self, path: Path) -> None:
		"""The same by the same names as in the native document."""
		workflow = read_workflow(json.loads(path.read_text()), infos())
		made = read_workflow(json.loads(json.dumps(converted(workflow, 'native', infos()))), infos())

		assert {name: {*places} for name, places in workflow.targets.items()} == {
			name: {*places} for name, places in made.targets.items()
		}

	@pytest.mark.parametrize('path', EDITOR_FILES, ids=lambda path: path.name)
	def test_drawn_without_what_was_kept(self, path: Path) -> None:
		"""Without the block that holds the rest, the file drawn anew still has the subgraphs, and runs the same."""
		document = json.loads(path.read_text())
		workflow = read_workflow(document, infos())
		made: Any = converted(workflow, 'native', infos())
		assert 'document' not in made.pop('editor')
		written: Any = converted(read_workflow(json.loads(json.dumps(made)), infos()), 'editor', infos())
		read = read_workflow(written, infos()).graph

		def subgraphs(body: Any) -> set[str]:
			return {entry['id'] for entry in body.get('definitions', {}).get('subgraphs', ())}

		assert subgraphs(written) >= subgraphs(document)
		assert read.calls.keys() == workflow.graph.calls.keys()
		for id, call in workflow.graph.calls.items():
			found = read.calls[id].inputs
			assert {name: found.get(name) for name in call.inputs if name in found} == {
				name: argument for name, argument in call.inputs.items() if name in found
			}


class TestSwitchedOff:
	def test_modes_are_kept(self) -> None:
		"""A muted node gives nothing, and the value of the widget that it fed stands beside the link."""
		document = canvas(
			[
				node(1, 'Load', ['a', 'image']),
				node(2, 'Noise', [1, 'fixed', 4, True], mode=2),
				node(3, 'Blur', [5], image=1, radius_=2),
				node(4, 'Blur', [6], mode=4, image=3),
				node(5, 'Save', ['x'], images=4),
			],
			[[1, 1, 0, 3, 0, 'IMAGE'], [2, 2, 0, 3, 1, 'INT'], [3, 3, 0, 4, 0, 'IMAGE'], [4, 4, 0, 5, 0, 'IMAGE']],
		)
		made = native(document)

		assert made['nodes']['2']['mode'] == 'mute'
		assert made['nodes']['3']['inputs']['radius'] == {'node': '2', 'output': 'IMAGE', 'value': 5}
		assert made['nodes']['4'] == {
			'kind': 'Blur',
			'mode': 'bypass',
			'passes': {'IMAGE': 'image'},
			'inputs': {'image': {'node': '3', 'output': 'IMAGE'}, 'radius': 6},
		}
		assert again(made) == document


class TestSubgraphs:
	INNER: ClassVar[dict[str, Any]] = {
		'id': 'aaaa',
		'name': 'Soften',
		'inputs': [{'name': 'image', 'type': 'IMAGE'}, {'name': 'radius', 'type': 'INT'}],
		'outputs': [{'name': 'IMAGE', 'type': 'IMAGE'}],
		'nodes': [node(1, 'Blur', [2], image=1, radius_=2), node(2, 'Note', ['inside'])],
		'links': [
			{'id': 1, 'origin_id': -10, 'origin_slot': 0, 'target_id': 1, 'target_slot': 0, 'type': 'IMAGE'},
			{'id': 2, 'origin_id': -10, 'origin_slot': 1, 'target_id': 1, 'target_slot': 1, 'type': 'INT'},
			{'id': 3, 'origin_id': 1, 'origin_slot': 0, 'target_id': -20, 'target_slot': 0, 'type': 'IMAGE'},
		],
	}

	def document(self) -> dict[str, Any]:
		"""Two instances in a row, the second with a value of its own."""
		out = [{'name': 'IMAGE', 'type': 'IMAGE'}]
		return canvas(
			[
				node(1, 'Load', ['a', 'image']),
				{**node(2, 'aaaa', [None], image=1), 'outputs': out},
				{**node(3, 'aaaa', [9], image=2), 'outputs': out},
				node(4, 'Save', ['x'], images=3),
			],
			[[1, 1, 0, 2, 0, 'IMAGE'], [2, 2, 0, 3, 0, 'IMAGE'], [3, 3, 0, 4, 0, 'IMAGE']],
			definitions={'subgraphs': [self.INNER]},
		)

	def test_a_definition_and_its_instances(self) -> None:
		"""What a widget inside has is the default of the input that drives it; notes inside are in its layout."""
		made = native(self.document())

		assert made['subgraphs']['Soften'] == {
			'inputs': {'image': {'type': 'IMAGE'}, 'radius': {'type': 'INT', 'default': 2}},
			'outputs': {'IMAGE': {'node': '1', 'output': 'IMAGE', 'type': 'IMAGE'}},
			'nodes': {'1': {'kind': 'Blur', 'inputs': {'image': {'input': 'image'}, 'radius': {'input': 'radius'}}}},
			'comfy': {'id': 'aaaa'},
		}
		assert made['nodes']['2']['inputs'] == {'image': {'node': '1', 'output': 'IMAGE'}}
		assert made['nodes']['3']['inputs'] == {'image': {'node': '2', 'output': 'IMAGE'}, 'radius': 9}
		assert again(made) == self.document()

	def test_a_change_keeps_them(self) -> None:
		"""A value that an instance can say is written as a value of the instance."""
		changed = read_workflow(native(self.document()), NODES).with_value('2.radius', 7)
		written: Any = converted(changed, 'editor', NODES)
		wanted = self.document()
		wanted['nodes'][1]['widgets_values'] = [7]

		assert len(written['definitions']['subgraphs']) == 1
		assert read_workflow(written, NODES).graph == changed.graph

	def test_inputs_of_instances_are_set(self) -> None:
		"""As on the native document, and what is written then says so too."""
		workflow = read_workflow(self.document(), NODES)
		changed = workflow.with_value('2.radius', 7)

		assert workflow.targets == read_workflow(native(self.document()), NODES).targets
		assert workflow.places('3.image') == (('3:1', 'image'),)
		assert changed.graph.calls[NodeId('2:1')].inputs['radius'] == Constant(7)
		assert changed.graph.calls[NodeId('3:1')].inputs['radius'] == Constant(9)
		assert read_workflow(converted(changed, 'editor', NODES), NODES).graph == changed.graph
		with pytest.raises(
			WrongInputs, match=r"expected an input of node '2': .*got 'radios' \(did you mean '2.radius'"
		):
			workflow.with_value('2.radios', 7)

	def test_widgets_that_instances_show_are_set(self) -> None:
		"""Also those of an instance inside, by the names that they have in the native document."""
		inner: dict[str, Any] = {**self.INNER, 'inputs': self.INNER['inputs'][:1]}
		inner['nodes'] = [node(1, 'Blur', [2], image=1), node(5, 'Blur', [3])]
		inner['links'] = [self.INNER['links'][0], self.INNER['links'][2]]
		within = {**node(7, 'aaaa', [4, 5]), 'properties': {'proxyWidgets': [['1', 'radius'], ['5', 'radius']]}}
		outer: dict[str, Any] = {'id': 'bbbb', 'name': 'Outer', 'inputs': [], 'outputs': [], 'nodes': [within]}
		shown = {**node(2, 'bbbb', [8]), 'properties': {'proxyWidgets': [['7', 'radius']]}}
		document = canvas([shown], [], definitions={'subgraphs': [inner, {**outer, 'links': []}]})
		workflow = read_workflow(document, NODES)

		assert workflow.targets == {
			('2:7', 'image'): (('2:7:1', 'image'),),
			('2:7', 'radius'): (('2:7:1', 'radius'),),
			('2:7', '5.radius'): (('2:7:5', 'radius'),),
			('2', 'radius'): (('2:7:1', 'radius'),),
		}
		assert workflow.targets == read_workflow(native(document), NODES).targets
		assert workflow.said('2:7.5.radius') == ('2:7', '5.radius')

	def test_widgets_of_single_nodes(self) -> None:
		"""Where instances list the widgets that they show, these become inputs of the definition."""
		inner: dict[str, Any] = {**self.INNER, 'inputs': self.INNER['inputs'][:1]}
		inner['nodes'] = [node(1, 'Blur', [2], image=1), node(5, 'Blur', [3])]
		inner['links'] = [self.INNER['links'][0], self.INNER['links'][2]]
		instance = {
			**node(2, 'aaaa', [8, None], image=1),
			'properties': {'proxyWidgets': [['1', 'radius'], ['5', 'radius']]},
		}
		document = canvas(
			[node(1, 'Load', ['a', 'image']), instance],
			[[1, 1, 0, 2, 0, 'IMAGE']],
			definitions={'subgraphs': [inner]},
		)
		made = native(document)

		assert made['subgraphs']['Soften']['nodes']['1']['inputs']['radius'] == {'input': 'radius'}
		assert made['subgraphs']['Soften']['nodes']['5']['inputs']['radius'] == {'input': '5.radius'}
		assert made['subgraphs']['Soften']['inputs']['5.radius'] == {'default': 3}
		assert made['nodes']['2']['inputs']['radius'] == 8
		assert again(made) == document

	def test_what_ours_cannot_say(self) -> None:
		"""A wire that is named outside of a subgraph: the graph is written flat, and the document kept whole."""
		inner = {**self.INNER, 'nodes': [node(1, 'Blur', [2], image=1), node(2, 'GetNode', ['w'])]}
		inner['links'] = [
			{'id': 1, 'origin_id': 2, 'origin_slot': 0, 'target_id': 1, 'target_slot': 0, 'type': 'IMAGE'}
		]
		document = canvas(
			[node(1, 'Load', ['a', 'image']), node(2, 'aaaa', []), node(3, 'SetNode', ['w'], IMAGE=1)],
			[[1, 1, 0, 3, 0, 'IMAGE']],
			definitions={'subgraphs': [inner]},
		)
		made = native(document)

		assert made['nodes']['2:1']['inputs']['image'] == {'node': '1', 'output': 'IMAGE'}
		assert made['editor'] == {'document': document}
		assert again(made) == document


class TestReroutes:
	"""Points that links are drawn through."""

	def document(self) -> dict[str, Any]:
		"""One link through two points, another through the first of them, and a reroute node."""
		document = canvas(
			[
				node(1, 'Load', ['a', 'image']),
				node(2, 'Blur', [1], image=1),
				node(3, 'Blur', [2], image=2),
				{**node(4, 'Reroute', None, image=3), 'pos': [5, 6]},
				node(5, 'Blur', [3], image=4),
			],
			[
				[1, 1, 0, 2, 0, 'IMAGE'],
				[2, 1, 0, 3, 0, 'IMAGE'],
				[3, 1, 0, 4, 0, 'IMAGE'],
				[4, 4, 0, 5, 0, 'IMAGE'],
			],
		)
		reroutes = [
			{'id': 1, 'pos': [10, 20], 'linkIds': [1, 2]},
			{'id': 2, 'parentId': 1, 'pos': [30, 40], 'linkIds': [1]},
		]
		return {
			**document,
			'extra': {'reroutes': reroutes, 'linkExtensions': [{'id': 1, 'parentId': 2}, {'id': 2, 'parentId': 1}]},
		}

	def test_are_in_the_layout(self) -> None:
		"""Named by where their links end, so that they outlive numbers of links."""
		first, second = {'node': '2', 'input': 'image'}, {'node': '3', 'input': 'image'}
		made = native(self.document())

		assert made['layout']['reroutes'] == {
			'1': {'x': 10, 'y': 20, 'links': [first, second]},
			'2': {'x': 30, 'y': 40, 'after': '1', 'links': [first]},
			'node 4': {'x': 5, 'y': 6, 'links': [{'node': '5', 'input': 'image'}]},
		}
		assert made['nodes']['5']['inputs']['image'] == {'node': '1', 'output': 'IMAGE'}
		assert again(made) == self.document()

	def test_are_drawn_anew(self) -> None:
		"""With the numbers that the links then have."""
		made = native(self.document())
		del made['editor']
		written = again(made)
		numbers = {link[3]: link[0] for link in written['links']}

		assert written['extra']['reroutes'] == [
			{'id': 1, 'pos': [10, 20], 'linkIds': [numbers[2], numbers[3]]},
			{'id': 2, 'parentId': 1, 'pos': [30, 40], 'linkIds': [numbers[2]]},
		]
		assert written['extra']['linkExtensions'] == [
			{'id': numbers[3], 'parentId': 1},
			{'id': numbers[2], 'parentId': 2},
		]


def test_group_nodes() -> None:
	"""A legacy group node becomes an instance of a definition that holds what it says of its inside."""
	made = native(GROUPS)
	(definition,) = made['subgraphs'].values()

	assert [entry['kind'] for entry in made['nodes'].values()].count(f'subgraph:{next(iter(made["subgraphs"]))}') == 1
	assert definition['nodes']
	assert read_workflow(made, NODES).graph == read_workflow(GROUPS, NODES).graph
	assert again(made) == GROUPS


def test_written_by_hand() -> None:
	"""Subgraphs that nobody drew are definitions with ids, slots and links inside; the peer's form runs the same."""
	document = read_document(
		{
			'lumengraph': 2,
			'nodes': {
				'load': {'kind': 'Load', 'inputs': {'file': 'a'}},
				'x': {
					'kind': 'subgraph:s',
					'inputs': {'in': {'node': 'load', 'output': 'IMAGE'}, 'radius': 4},
				},
				'save': {'kind': 'Save', 'inputs': {'images': {'node': 'x', 'output': 'out'}, 'prefix': 'p'}},
			},
			'subgraphs': {
				's': {
					'inputs': {'in': {'type': 'IMAGE'}, 'radius': {'type': 'INT', 'default': 1}},
					'outputs': {'out': {'node': 'b', 'output': 'IMAGE', 'type': 'IMAGE'}, 'same': {'input': 'in'}},
					'nodes': {
						'b': {'kind': 'Blur', 'inputs': {'image': {'input': 'in'}, 'radius': {'input': 'radius'}}}
					},
				}
			},
		}
	)
	workflow = read_workflow(to_json(document), NODES)
	written: Any = converted(workflow, 'editor', NODES)
	(definition,) = written['definitions']['subgraphs']
	instance = next(entry for entry in written['nodes'] if entry['id'] == 'x')

	assert read_workflow(written, NODES).graph == workflow.graph
	assert [entry['name'] for entry in definition['inputs']] == ['in', 'radius']
	assert instance['type'] == definition['id']
	assert instance['widgets_values'] == [4]
