"""The typed signature of a workflow: its JSON Schema, and the check of given values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import jsonschema_rs
import pytest
from pydantic import JsonValue

from engine.declaration import Choice, Number, Text, Toggle
from engine.errors import BadDocument, WrongInputs
from engine.formats.interface import Interface, interface_of, signature_of
from engine.formats.workflow import Workflow, read_workflow
from engine.settings import Settings
from engine.spec import Context, node
from engine.storage import Storage
from tests.engine.tools import registry_of


@node(kind='Paint', category='test', sink=True)
def paint(
	context: Context,
	count: Annotated[int, Number(min=1, max=10), 'How many.'],
	scale: Annotated[float, Number(min=0.5)],
	colour: Annotated[str, Choice(options=('red', 'blue'))],
	marks: Annotated[str, Choice(options=('a', 'b', 'c'), several=True)],
	file: Annotated[str, Choice(files_from='input:image')],
	words: Annotated[str, Text()],
	quick: Annotated[bool, Toggle()] = False,
) -> int:
	"""Takes one of each."""
	return count


NODES = registry_of(paint).infos
DOCUMENT: JsonValue = {
	'lumengraph': 1,
	'title': 'Painting',
	'description': 'Paints.',
	'inputs': {
		'count': {'node': 'paint', 'input': 'count', 'description': 'how many of them'},
		'scale': {'node': 'paint', 'input': 'scale'},
		'colour': {'node': 'paint', 'input': 'colour'},
		'marks': {'node': 'paint', 'input': 'marks'},
		'picture': {'node': 'paint', 'input': 'file'},
		'words': {'node': 'paint', 'input': 'words'},
		'quick': {'node': 'paint', 'input': 'quick'},
	},
	'outputs': {'number': {'node': 'paint', 'description': 'the count'}},
	'nodes': {
		'one': {'kind': 'Number', 'inputs': {'value': 1}},
		'paint': {
			'kind': 'Paint',
			'inputs': {
				'count': {'node': 'one', 'output': 'INT'},
				'scale': 1,
				'colour': 'red',
				'marks': ['a'],
				'file': 'a.png',
				'quick': True,
			},
		},
	},
}
GOOD: dict[str, JsonValue] = {
	'count': 3,
	'scale': 2,
	'colour': 'blue',
	'marks': ['b', 'c'],
	'picture': 'b.png',
	'words': 'x',
	'quick': False,
}


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
	"""A disk with two pictures."""
	storage = Storage.of(Settings(base=tmp_path))
	for name in ('a.png', 'b.png'):
		path = tmp_path / 'input' / name
		path.parent.mkdir(exist_ok=True)
		path.write_bytes(b'')
	return storage


@pytest.fixture
def workflow() -> Workflow:
	"""The workflow of `DOCUMENT`."""
	return read_workflow(DOCUMENT, NODES)


@pytest.fixture
def interface(workflow: Workflow) -> Interface:
	"""Its signature."""
	return interface_of(workflow, NODES)


class TestSignature:
	def test_types_and_defaults_are_those_of_the_nodes(self, interface: Interface) -> None:
		"""Type, default and description come from the declaration and the value, where the file says nothing itself."""
		told = {item.name: (item.type, item.default, item.required) for item in interface.inputs}

		assert told == {
			'count': ('INT', None, False),
			'scale': ('FLOAT', 1, False),
			'colour': ('COMBO', 'red', False),
			'marks': ('COMBO', ['a'], False),
			'picture': ('COMBO', 'a.png', False),
			'words': ('STRING', None, True),
			'quick': ('BOOLEAN', True, False),
		}
		assert interface.by_name['count'].description == 'how many of them'

	def test_outputs(self, interface: Interface) -> None:
		"""An output is told with the kind of its node, and the type of what it gives."""
		[output] = interface.outputs

		assert (output.name, output.node, output.kind, output.type) == ('number', 'paint', 'Paint', 'INT')

	def test_any_input_by_node_and_name(self, workflow: Workflow) -> None:
		"""`NODE.INPUT` has a signature too, described by its tooltip."""
		found = signature_of(workflow, NODES, 'paint.count')

		assert (found.type, found.description) == ('INT', 'How many.')

	def test_output_of_no_node(self) -> None:
		"""An output that stands for a node that is not there is told."""
		broken: dict[str, Any] = {
			**(DOCUMENT if isinstance(DOCUMENT, dict) else {}),
			'outputs': {'x': {'node': 'gone'}},
		}

		with pytest.raises(BadDocument, match="output 'x' points at node 'gone'"):
			interface_of(read_workflow(broken, NODES), NODES)


class TestDeclared:
	"""What the file itself says of an input."""

	def told(self, **said: JsonValue) -> Interface:
		"""The interface of a workflow with one input, of which this is said."""
		document: JsonValue = {
			'lumengraph': 2,
			'inputs': {'count': {'node': 'paint', 'input': 'count', **said}},
			'outputs': {'sum': {'node': 'paint', 'output': 0, 'type': 'FLOAT'}},
			'nodes': {'paint': {'kind': 'Paint', 'inputs': {}}},
		}
		return interface_of(read_workflow(document, NODES), NODES)

	def test_bounds_narrow_those_of_the_node(self, storage: Storage) -> None:
		"""They are never wider than what the node takes."""
		told = self.told(min=0, max=3, label='How many?')

		assert told.inputs[0].json_schema(storage) == {
			'title': 'How many?',
			'description': 'How many.',
			'type': 'integer',
			'minimum': 1,
			'maximum': 3,
		}

	def test_default_makes_it_optional(self, storage: Storage) -> None:
		"""What the node has not, the workflow's default stands in for."""
		[item] = self.told(default=2).inputs

		assert (item.default, item.required) == (2, False)
		assert self.told().inputs[0].required

	def test_types(self) -> None:
		"""A type that is written down counts."""
		told = self.told(type='FLOAT')

		assert told.inputs[0].type == 'FLOAT'
		assert told.outputs[0].type == 'FLOAT'


def subgraphs(mode: str = 'run', inner: str = 'run') -> Any:
	"""A workflow whose node lies inside of an instance, as it is packed: named inputs and outputs stand at the instance."""
	return {
		'lumengraph': 2,
		'inputs': {
			'count': {'node': 'a', 'input': 'many'},
			'inside': {'node': 'a:paint', 'input': 'words'},
			'plain': {'node': 'one', 'input': 'words'},
		},
		'outputs': {
			'sum': {'node': 'a', 'output': 'INT'},
			'first': {'node': 'a', 'output': 0},
			'shown': {'node': 'a:paint'},
			'plain': {'node': 'one'},
		},
		'nodes': {
			'a': {'kind': 'subgraph:S', 'inputs': {'many': 2}, 'mode': mode},
			'one': {'kind': 'Paint', 'inputs': {'words': 'x'}},
		},
		'subgraphs': {
			'S': {
				'inputs': {'many': {'type': 'INT'}},
				'outputs': {'INT': {'node': 'paint', 'output': 'INT', 'type': 'INT'}},
				'nodes': {'paint': {'kind': 'Paint', 'inputs': {'count': {'input': 'many'}}, 'mode': inner}},
			}
		},
	}


class TestSubgraphs:
	"""Named inputs and outputs of instances."""

	def test_outputs_are_those_inside(self) -> None:
		"""By name and by number, with the node that gives them when the workflow runs."""
		told = interface_of(read_workflow(subgraphs(), NODES), NODES)
		outputs = {item.name: (item.node, item.kind, item.output, item.type) for item in told.outputs}

		assert outputs == {
			'sum': ('a:paint', 'Paint', 0, 'INT'),
			'first': ('a:paint', 'Paint', 0, 'INT'),
			'shown': ('a:paint', 'Paint', None, 'INT'),
			'plain': ('one', 'Paint', None, 'INT'),
		}
		assert [item.name for item in told.inputs] == ['count', 'inside', 'plain']

	def test_of_an_instance_inside_of_one(self) -> None:
		"""However deep it lies."""
		document = subgraphs()
		document['subgraphs']['T'] = {'nodes': {'b': {'kind': 'subgraph:S'}}}
		document['nodes']['c'] = {'kind': 'subgraph:T'}
		document['outputs'] = {'deep': {'node': 'c:b', 'output': 'INT'}}
		[deep] = interface_of(read_workflow(document, NODES), NODES).outputs

		assert (deep.node, deep.output) == ('c:b:paint', 0)

	@pytest.mark.parametrize('output', ['none', 7])
	def test_outputs_that_it_has_not(self, output: str | int) -> None:
		"""They are told with their name."""
		document = subgraphs()
		document['outputs'] = {'x': {'node': 'a', 'output': output}}

		with pytest.raises(BadDocument, match=f"output 'x' points at output {output!r} of node 'a'"):
			interface_of(read_workflow(document, NODES), NODES)


class TestSwitchedOff:
	"""Nodes that are muted or bypassed take nothing and show nothing; the rest of the workflow can still be called."""

	@pytest.mark.parametrize('modes', [('mute', 'run'), ('bypass', 'run'), ('run', 'mute'), ('run', 'bypass')])
	def test_left_out(self, modes: tuple[str, str], storage: Storage) -> None:
		"""Inputs and outputs at the instance, and at the node inside, are not there; others are."""
		told = interface_of(read_workflow(subgraphs(*modes), NODES), NODES)

		assert [item.name for item in told.inputs] == ['plain']
		assert [item.name for item in told.outputs] == ['plain']
		assert told.accept({'plain': 'y'}, storage) == {'plain': 'y'}

	def test_refused_when_given(self, storage: Storage) -> None:
		"""With the reason."""
		told = interface_of(read_workflow(subgraphs('mute'), NODES), NODES)

		with pytest.raises(WrongInputs) as caught:
			told.accept({'count': 3}, storage)
		[misfit] = caught.value.misfits
		assert misfit.sentence == (
			"input 'count': expected nothing, since the node 'a' that takes it is switched off, got 3"
		)
		with pytest.raises(BadDocument, match='which is switched off'):
			read_workflow(subgraphs('mute'), NODES).with_value('count', 3)

	def test_refused_without_a_name_of_its_own(self) -> None:
		"""An input of an instance in which nothing takes it is told to be switched off, not to be unknown."""
		with pytest.raises(BadDocument, match="Whatever takes the input 'many' of node 'a' is switched off"):
			read_workflow(subgraphs(inner='mute'), NODES).with_value('a.many', 3)

	def test_a_node_that_is_not_there(self) -> None:
		"""It is no node that is switched off."""
		document = subgraphs()
		document['inputs'] = {'x': {'node': 'a:gone', 'input': 'words'}}

		with pytest.raises(BadDocument, match='which is not there'):
			interface_of(read_workflow(document, NODES), NODES)

	def test_what_a_bypassed_node_hands_on(self) -> None:
		"""An output of it is what comes in at an input of its type."""
		document = subgraphs('bypass')
		document['nodes']['a']['inputs'] = {'many': {'node': 'one', 'output': 'INT'}}
		told = interface_of(read_workflow(document, NODES), NODES)

		assert {item.name: item.node for item in told.outputs} == {'sum': 'one', 'first': 'one', 'plain': 'one'}


class TestSchema:
	def test_good_values_fit(self, interface: Interface, storage: Storage) -> None:
		"""What is accepted fits the schema; bounds and choices stand in it."""
		schema = interface.json_schema(storage)
		jsonschema_rs.validate(schema, GOOD)
		properties: Any = schema['properties']

		assert properties['count'] == {
			'description': 'how many of them',
			'type': 'integer',
			'minimum': 1,
			'maximum': 10,
		}
		assert properties['picture']['enum'] == ['a.png', 'b.png']
		assert properties['colour'] == {'enum': ['red', 'blue'], 'default': 'red'}
		assert schema['required'] == ['words']

	@pytest.mark.parametrize(
		('name', 'value'),
		[
			('count', 11),
			('count', 1.5),
			('count', True),
			('scale', 'wide'),
			('scale', 0),
			('colour', 'green'),
			('marks', ['z']),
			('picture', 'none.png'),
			('words', 3),
			('quick', 'yes'),
			('other', 1),
		],
	)
	def test_bad_values_fit_neither(self, interface: Interface, storage: Storage, name: str, value: JsonValue) -> None:
		"""The schema and the check refuse the same values; the check says which input, what was expected, what came."""
		given = {**GOOD, name: value}

		assert not jsonschema_rs.is_valid(interface.json_schema(storage), given)
		with pytest.raises(WrongInputs) as caught:
			interface.accept(given, storage)
		[misfit] = caught.value.misfits
		assert misfit.input == name
		assert misfit.expected
		assert misfit.received


class TestAccepting:
	def test_normal_form(self, interface: Interface, storage: Storage) -> None:
		"""Values come out as their types have them."""
		assert interface.accept({**GOOD, 'count': '4'}, storage) == {**GOOD, 'count': 4, 'scale': 2.0}

	def test_everything_at_once(self, interface: Interface, storage: Storage) -> None:
		"""All misfits are told together, with what is missing, and a near name."""
		with pytest.raises(WrongInputs) as caught:
			interface.accept({'count': 0, 'colur': 'red'}, storage)

		assert [misfit.sentence for misfit in caught.value.misfits] == [
			"input 'count': expected a whole number from 1 to 10, got 0",
			"input 'colur': expected one of the workflow's inputs: count, scale, colour, marks, picture, words, quick, "
			"got an input 'colur' (did you mean 'colour'?)",
			"input 'words': expected text, got nothing",
		]

	def test_what_is_given_otherwise_is_not_missed(self, interface: Interface, storage: Storage) -> None:
		"""A required input that a sweep gives need not be among the values."""
		assert interface.accept({}, storage, given_otherwise=frozenset({'words'})) == {}
