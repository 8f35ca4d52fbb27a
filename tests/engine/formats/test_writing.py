"""Native documents as text."""

from __future__ import annotations

import json
from typing import Any

from engine.formats.native import read_document, read_native, write_native
from engine.formats.writing import dumps, to_json
from engine.graph import Call, Constant, Graph, Link, NodeId
from tests.engine.formats.editor.canvas import NODES
from tests.engine.formats.test_flatten import LOAD, SOFTEN, document

TEXT = """{
	"lumengraph": 2,
	"title": "Softer",
	"inputs": {
		"much": {"node": "a", "input": "strength", "default": null}
	},
	"nodes": {
		"load": {
			"kind": "Load",
			"inputs": {"file": "ä"}
		},
		"mix": {
			"kind": "Mix",
			"inputs": {
				"first": {"node": "load", "output": "IMAGE"},
				"second": {"node": "load", "output": "IMAGE"}
			}
		}
	},
	"layout": {
		"nodes": {
			"load": {"x": 0, "y": 10.5}
		}
	},
	"own": [1, 2]
}
"""


class TestText:
	def test_one_way_to_write(self) -> None:
		"""A block for each node, small objects in a line, blocks in their order, nothing that says nothing."""
		spoken: dict[str, Any] = json.loads(TEXT)
		spoken['nodes']['load'] |= {'title': '', 'mode': 'run', 'version': '', 'passes': {}}
		shuffled = {key: spoken[key] for key in reversed(spoken)} | {'description': '', 'outputs': {}}

		assert dumps(read_document(shuffled)) == TEXT
		assert dumps(read_document(json.loads(TEXT))) == TEXT

	def test_what_others_wrote_is_kept(self) -> None:
		"""Keys that are not known stand behind those that are."""
		body = {'kind': 'Load', 'theirs': {'a': None}, 'inputs': {'file': 'a'}}

		assert to_json(read_document(document({'a': body})))['nodes'] == {'a': body}

	def test_inputs_in_declared_order(self) -> None:
		"""Whatever the order in which they were set; what is not declared comes last."""
		made = write_native(
			Graph({NodeId('1'): Call('Blur', {name: Constant(1) for name in ('other', 'radius', 'image')})}), NODES
		)

		assert list(made.nodes['1'].inputs) == ['image', 'radius', 'other']


class TestChanges:
	"""A changed graph is written into the document that it came from."""

	BASE = document(
		{
			'load': LOAD,
			'off': {'kind': 'Blur', 'mode': 'mute', 'inputs': {'image': {'node': 'a', 'output': 'soft'}}},
			'a': {'kind': 'subgraph:soften', 'inputs': {'picture': {'node': 'load', 'output': 'IMAGE'}}},
			'save': {'kind': 'Save', 'inputs': {'images': {'node': 'a', 'output': 'soft'}, 'prefix': 'x'}},
		},
		subgraphs={'soften': SOFTEN},
		layout={'nodes': {'load': {'x': 1, 'y': 2}}},
	)

	def written(self, changes: dict[str, dict[str, Any]]) -> dict[str, Any]:
		"""The document after some inputs were given anew; it says what the changed graph says."""
		base = read_document(self.BASE)
		graph = read_native(base, NODES).with_inputs({NodeId(node): given for node, given in changes.items()})
		made = write_native(graph, NODES, base=base)

		assert read_native(made, NODES) == graph
		return to_json(made)

	def test_nothing(self) -> None:
		"""The document is what it was."""
		assert self.written({}) == self.BASE

	def test_a_value_and_a_link(self) -> None:
		"""Nodes of the workflow itself, with links to outputs of instances."""
		link = Link(NodeId('a:second'), 0)
		made = self.written({'save': {'prefix': Constant('y')}, 'load': {'file': link}})

		assert made['nodes']['save']['inputs'] == {'images': {'node': 'a', 'output': 'soft'}, 'prefix': 'y'}
		assert made['nodes']['load']['inputs'] == {'file': {'node': 'a', 'output': 'soft'}}
		assert made['subgraphs'] == self.BASE['subgraphs']
		assert made['nodes']['off'] == self.BASE['nodes']['off']

	def test_what_an_instance_can_say(self) -> None:
		"""A value for all that takes an input over is a value of the instance."""
		made = self.written({'a:first': {'radius': Constant(9)}, 'a:second': {'radius': Constant(9)}})

		assert made['nodes']['a']['inputs']['strength'] == 9
		assert made['subgraphs'] == self.BASE['subgraphs']

	def test_what_it_cannot_say(self) -> None:
		"""The inside becomes nodes of the workflow itself; the layout of the others stays."""
		made = self.written({'a:first': {'radius': Constant(9)}})

		assert list(made['nodes']) == ['load', 'a:first', 'a:second', 'save', 'off']
		assert 'subgraphs' not in made
		assert made['layout'] == self.BASE['layout']

	def test_nodes_come_and_go(self) -> None:
		"""Also beside instances."""
		base = read_document(self.BASE)
		calls = dict(read_native(base, NODES).calls)
		del calls[NodeId('save')]
		calls[NodeId('new')] = Call('Save', {'images': Link(NodeId('a:second'), 0)}, 'New')
		made = write_native(Graph(calls), NODES, base=base)

		assert read_native(made, NODES).calls == calls
		assert list(made.nodes) == ['load', 'off', 'a', 'new']
		assert made.nodes['new'].inputs == {'images': {'node': 'a', 'output': 'soft'}}
