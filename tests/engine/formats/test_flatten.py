"""Documents with subgraphs and switched-off nodes → the graph that runs."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from engine.errors import BadDocument
from engine.formats.flatten import Flat, flatten
from engine.formats.native import read_document
from engine.formats.prompt import write_prompt
from engine.formats.workflow import read_workflow
from engine.graph import BadLink, NodeId
from tests.engine.formats.editor.canvas import NODES

LOAD = {'kind': 'Load', 'inputs': {'file': 'a'}}
SOFTEN: dict[str, Any] = {
	'title': 'Soften',
	'inputs': {'picture': {'type': 'IMAGE'}, 'strength': {'type': 'INT', 'default': 3}},
	'outputs': {'soft': {'node': 'second', 'output': 'IMAGE', 'type': 'IMAGE'}, 'same': {'input': 'picture'}},
	'nodes': {
		'first': {'kind': 'Blur', 'inputs': {'image': {'input': 'picture'}, 'radius': {'input': 'strength'}}},
		'second': {
			'kind': 'Blur',
			'inputs': {'image': {'node': 'first', 'output': 'IMAGE'}, 'radius': {'input': 'strength'}},
		},
	},
}


def document(nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
	"""A document of this version."""
	return {'lumengraph': 2, 'nodes': nodes, **more}


def flat(nodes: dict[str, Any], **more: Any) -> Flat:
	"""What a document comes to."""
	return flatten(read_document(document(nodes, **more)), NODES)


def inputs(nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
	"""The flat graph as id → inputs, in the API form."""
	prompt: dict[str, Any] = dict(write_prompt(flat(nodes, **more).graph))
	return {id: body['inputs'] for id, body in prompt.items()}


def reason(nodes: dict[str, Any], node: str, name: str, **more: Any) -> str:
	"""Why an input is no link."""
	argument = flat(nodes, **more).graph.calls[NodeId(node)].inputs[name]
	assert isinstance(argument, BadLink)
	return argument.reason


class TestInstances:
	def test_inside_under_joined_ids(self) -> None:
		"""Each instance has its own nodes, with what it gives for the inputs of the definition, or their defaults."""
		link = {'node': 'load', 'output': 'IMAGE'}
		found = inputs(
			{
				'load': LOAD,
				'a': {'kind': 'subgraph:soften', 'inputs': {'picture': link, 'strength': 9}},
				'b': {'kind': 'subgraph:soften', 'inputs': {'picture': {'node': 'a', 'output': 'soft'}}},
				'save': {'kind': 'Save', 'inputs': {'images': {'node': 'b', 'output': 0}}},
			},
			subgraphs={'soften': SOFTEN},
		)

		assert found == {
			'load': {'file': 'a'},
			'a:first': {'image': ['load', 0], 'radius': 9},
			'a:second': {'image': ['a:first', 0], 'radius': 9},
			'b:first': {'image': ['a:second', 0], 'radius': 3},
			'b:second': {'image': ['b:first', 0], 'radius': 3},
			'save': {'images': ['b:second', 0]},
		}

	def test_nested(self) -> None:
		"""An instance inside of a definition takes over its inputs, and their links lead out through both."""
		twice = {
			'inputs': {'it': {'type': 'IMAGE'}, 'much': {'type': 'INT'}},
			'outputs': {'out': {'node': 'in', 'output': 'soft'}},
			'nodes': {
				'in': {'kind': 'subgraph:soften', 'inputs': {'picture': {'input': 'it'}, 'strength': {'input': 'much'}}}
			},
		}
		found = flat(
			{
				'load': LOAD,
				'x': {'kind': 'subgraph:twice', 'inputs': {'it': {'node': 'load', 'output': 'IMAGE'}, 'much': 7}},
				'save': {'kind': 'Save', 'inputs': {'images': {'node': 'x', 'output': 'out'}}},
			},
			subgraphs={'soften': SOFTEN, 'twice': twice},
		)
		prompt: dict[str, Any] = dict(write_prompt(found.graph))

		assert prompt['x:in:first']['inputs'] == {'image': ['load', 0], 'radius': 7}
		assert prompt['save']['inputs'] == {'images': ['x:in:second', 0]}
		assert found.targets['x', 'much'] == (('x:in:first', 'radius'), ('x:in:second', 'radius'))

	def test_handed_through(self) -> None:
		"""An output may be what comes in."""
		found = inputs(
			{
				'load': LOAD,
				'a': {'kind': 'subgraph:soften', 'inputs': {'picture': {'node': 'load', 'output': 'IMAGE'}}},
				'save': {'kind': 'Save', 'inputs': {'images': {'node': 'a', 'output': 'same'}}},
			},
			subgraphs={'soften': SOFTEN},
		)

		assert found['save'] == {'images': ['load', 0]}

	def test_what_is_not_given(self) -> None:
		"""An input without a default is not there, or has the value that stands beside it."""
		definition = {
			'inputs': {'n': {'type': 'INT'}, 'gone': {'type': 'IMAGE'}},
			'nodes': {
				'blur': {'kind': 'Blur', 'inputs': {'image': {'input': 'gone'}, 'radius': {'input': 'n', 'value': 4}}}
			},
		}

		assert inputs({'a': {'kind': 'subgraph:d'}}, subgraphs={'d': definition}) == {'a:blur': {'radius': 4}}

	@pytest.mark.parametrize(
		('value', 'told'),
		[
			({'input': 'x'}, "no input 'x'; it has: picture, strength"),
			({'node': 'load', 'output': 0}, "no node 'load'"),
			({'input': 'picture', 'more': 1}, 'a link is'),
		],
	)
	def test_bad_links_inside(self, value: object, told: str) -> None:
		"""The reason speaks of the inside."""
		definition = {**SOFTEN, 'nodes': {'blur': {'kind': 'Blur', 'inputs': {'image': value}}}}

		assert told in reason(
			{'a': {'kind': 'subgraph:soften'}, 'load': LOAD}, 'a:blur', 'image', subgraphs={'soften': definition}
		)

	def test_bad_links_to_instances(self) -> None:
		"""Outputs of an instance go by the names of its definition; an instance of nothing is told by the checker."""
		nodes = {
			'a': {'kind': 'subgraph:soften'},
			'b': {'kind': 'subgraph:none'},
			'one': {'kind': 'Save', 'inputs': {'images': {'node': 'a', 'output': 'IMAGE'}, 'prefix': {'input': 'x'}}},
			'two': {
				'kind': 'Save',
				'inputs': {'images': {'node': 'b', 'output': 'IMAGE'}, 'prefix': {'node': 'a', 'output': 5}},
			},
		}

		assert "no output 'IMAGE'; it has: soft, same" in reason(nodes, 'one', 'images', subgraphs={'soften': SOFTEN})
		assert 'only inside of subgraphs' in reason(nodes, 'one', 'prefix', subgraphs={'soften': SOFTEN})
		assert "unknown kind 'subgraph:none'" in reason(nodes, 'two', 'images', subgraphs={'soften': SOFTEN})
		assert 'no output 5; it has 2' in reason(nodes, 'two', 'prefix', subgraphs={'soften': SOFTEN})
		assert flat(nodes, subgraphs={'soften': SOFTEN}).graph.calls[NodeId('b')].kind == 'subgraph:none'


class TestRefused:
	def test_a_subgraph_in_itself(self) -> None:
		"""The message tells the way round."""
		one = {'nodes': {'x': {'kind': 'subgraph:two'}}}
		two = {'nodes': {'y': {'kind': 'subgraph:one'}}}

		with pytest.raises(BadDocument, match="'one' contains itself: one → two → one"):
			flat({'a': {'kind': 'subgraph:one'}}, subgraphs={'one': one, 'two': two})

	def test_without_end(self) -> None:
		"""What multiplies beyond all measure is refused before it fills the memory."""
		subgraphs = {
			f's{level}': {'nodes': {str(n): {'kind': f'subgraph:s{level + 1}'} for n in range(10)}}
			for level in range(9)
		}
		with pytest.raises(BadDocument, match='more than 100000 nodes'):
			flat({'a': {'kind': 'subgraph:s0'}}, subgraphs=subgraphs)

		deep = {f's{level}': {'nodes': {'x': {'kind': f'subgraph:s{level + 1}'}}} for level in range(90)}
		with pytest.raises(BadDocument, match='more than 50 deep'):
			flat({'a': {'kind': 'subgraph:s0'}}, subgraphs={**deep, 's90': {'nodes': {}}})

	def test_two_nodes_of_one_id(self) -> None:
		"""One inside of an instance, one that is called as if it was."""
		with pytest.raises(BadDocument, match="Two nodes have the id 'a:first'"):
			flat({'a': {'kind': 'subgraph:soften'}, 'a:first': LOAD}, subgraphs={'soften': SOFTEN})


class TestSwitchedOff:
	def test_muted(self) -> None:
		"""It is gone, what it feeds has nothing there, or the value that stands beside the link."""
		found = inputs(
			{
				'load': LOAD,
				'words': {'kind': 'Write', 'mode': 'mute'},
				'blur': {
					'kind': 'Blur',
					'inputs': {
						'image': {'node': 'words', 'output': 0},
						'radius': {'node': 'words', 'output': 0, 'value': 5},
					},
				},
			}
		)

		assert found == {'load': {'file': 'a'}, 'blur': {'radius': 5}}

	def test_bypassed_by_type(self) -> None:
		"""Each output hands on a linked input of its type: also one of several bypassed nodes in a row."""
		found = inputs(
			{
				'load': LOAD,
				'mix': {
					'kind': 'Mix',
					'mode': 'bypass',
					'inputs': {
						'second': {'node': 'load', 'output': 'IMAGE'},
						'mask': {'node': 'load', 'output': 'MASK'},
					},
				},
				'blur': {
					'kind': 'Blur',
					'mode': 'bypass',
					'inputs': {'image': {'node': 'mix', 'output': 'IMAGE'}, 'radius': 1},
				},
				'save': {'kind': 'Save', 'inputs': {'images': {'node': 'blur', 'output': 'IMAGE'}}},
				'again': {'kind': 'Mix', 'inputs': {'mask': {'node': 'mix', 'output': 'MASK'}}},
			}
		)

		assert found == {'load': {'file': 'a'}, 'save': {'images': ['load', 0]}, 'again': {'mask': ['load', 1]}}

	def test_bypassed_as_the_file_says(self) -> None:
		"""`passes` decides, also for kinds that are not known; null hands nothing on."""
		other = {'kind': 'Load', 'inputs': {'file': 'b'}}
		mix = {
			'kind': 'Mix',
			'mode': 'bypass',
			'passes': {'IMAGE': 'second', 'MASK': None},
			'inputs': {
				'first': {'node': 'load', 'output': 'IMAGE'},
				'second': {'node': 'other', 'output': 'IMAGE'},
				'mask': {'node': 'load', 'output': 'MASK'},
			},
		}
		odd = {'kind': 'Odd', 'mode': 'bypass', 'passes': {'3': 'in'}, 'inputs': {'in': {'node': 'mix', 'output': 1}}}
		found = inputs(
			{
				'load': LOAD,
				'other': other,
				'mix': mix,
				'odd': odd,
				'one': {'kind': 'Save', 'inputs': {'images': {'node': 'odd', 'output': 3}}},
				'two': {'kind': 'Mix', 'inputs': {'mask': {'node': 'mix', 'output': 'MASK'}}},
			}
		)

		assert found['one'] == {'images': ['other', 0]}
		assert found['two'] == {}

	def test_bypassed_in_a_circle(self) -> None:
		"""Nothing comes out of it."""
		nodes = {
			'a': {'kind': 'Blur', 'mode': 'bypass', 'inputs': {'image': {'node': 'b', 'output': 0}}},
			'b': {'kind': 'Blur', 'mode': 'bypass', 'inputs': {'image': {'node': 'a', 'output': 0}}},
			'save': {'kind': 'Save', 'inputs': {'images': {'node': 'a', 'output': 0}}},
		}

		assert inputs(nodes) == {'save': {}}

	def test_instances(self) -> None:
		"""A muted instance is gone with its inside; a bypassed one hands on what its definition lets it."""
		link = {'node': 'load', 'output': 'IMAGE'}
		nodes = {
			'load': LOAD,
			'a': {'kind': 'subgraph:soften', 'mode': 'bypass', 'inputs': {'picture': link}},
			'b': {'kind': 'subgraph:soften', 'mode': 'mute', 'inputs': {'picture': link}},
			'one': {'kind': 'Save', 'inputs': {'images': {'node': 'a', 'output': 'soft'}}},
			'two': {'kind': 'Save', 'inputs': {'images': {'node': 'b', 'output': 'soft'}}},
		}

		assert inputs(nodes, subgraphs={'soften': SOFTEN}) == {
			'load': {'file': 'a'},
			'one': {'images': ['load', 0]},
			'two': {},
		}

	def test_a_long_row(self) -> None:
		"""Thousands of bypassed nodes in a row are followed to their end."""
		nodes: dict[str, Any] = {'0': LOAD}
		for number in range(1, 3000):
			link = {'node': str(number - 1), 'output': 0}
			nodes[str(number)] = {'kind': 'Blur', 'mode': 'bypass', 'inputs': {'image': link}}
		nodes['end'] = {'kind': 'Save', 'inputs': {'images': {'node': '2999', 'output': 0}}}

		assert inputs(nodes)['end'] == {'images': ['0', 0]}


class TestNamedInputs:
	GIVEN: ClassVar[dict[str, Any]] = {
		'load': LOAD,
		'a': {'kind': 'subgraph:soften', 'inputs': {'picture': {'node': 'load', 'output': 'IMAGE'}}},
		'save': {'kind': 'Save', 'inputs': {'images': {'node': 'a', 'output': 'soft'}}},
	}
	NAMED: ClassVar[dict[str, Any]] = {
		'strength': {'node': 'a', 'input': 'strength'},
		'prefix': {'node': 'save', 'input': 'prefix', 'default': 'mine'},
		'file': {'node': 'load', 'input': 'file', 'default': 'b'},
	}

	def test_defaults(self) -> None:
		"""They hold where the node itself has nothing."""
		found = inputs(self.GIVEN, subgraphs={'soften': SOFTEN}, inputs=self.NAMED)

		assert found['save']['prefix'] == 'mine'
		assert found['load'] == {'file': 'a'}

	def test_setting_an_input_of_an_instance(self) -> None:
		"""Every node inside that takes it over gets the value, by the name of the workflow and by NODE.INPUT."""
		workflow = read_workflow(document(self.GIVEN, subgraphs={'soften': SOFTEN}, inputs=self.NAMED), NODES)
		for name in ('strength', 'a.strength'):
			prompt: dict[str, Any] = dict(write_prompt(workflow.with_value(name, 8).graph))

			assert [prompt[node]['inputs']['radius'] for node in ('a:first', 'a:second')] == [8, 8]
		prompt = dict(write_prompt(workflow.with_value('a:first.radius', 1).graph))

		assert [prompt[node]['inputs']['radius'] for node in ('a:first', 'a:second')] == [1, 3]
