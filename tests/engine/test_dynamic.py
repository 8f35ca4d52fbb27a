"""Inputs that stand for others: declared, checked, planned, and handed to the function as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pytest

from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Varying
from engine.dynamic import Grow, Vary, live_inputs
from engine.errors import NodeUsage
from engine.graph import Constant, Graph, NodeId
from engine.plan import make_plan
from engine.spec import node, spec_of
from tests.engine.tools import Bench, Nodes, graph

T = TypeVar('T', int, str)


@node(category='test', kind='Gather')
def gather(values: Annotated[Mapping[str, int], Grow(prefix='value', min=2, max=4)]) -> str:
	"""Tells what came under which name."""
	return ' '.join(f'{name}={value}' for name, value in values.items())


@dataclass(frozen=True)
class Square:
	"""One number."""

	side: Annotated[int, Number(default=1, min=1, max=9)]


@dataclass(frozen=True)
class Oblong:
	"""Two numbers, of which one has a default."""

	width: Annotated[int, Number(min=1)]
	height: Annotated[int, Number(min=1)] = 2


@node(category='test', kind='Outline')
def measure(shape: Annotated[Square | Oblong, Vary({'square': Square, 'oblong': Oblong})]) -> str:
	"""Tells what was chosen."""
	return repr(shape)


@node(category='test', kind='Same')
def same(values: Annotated[Mapping[str, T], Grow(names=('a', 'b'), min=1, item='value')]) -> T:
	"""All of one type, which comes out."""
	return values['a']


def info_of(function: object) -> NodeInfo:
	spec = spec_of(function)
	assert spec is not None
	return spec.info


class TestDeclaration:
	def test_growing(self) -> None:
		"""One input with the form of each, their names, and how many are needed."""
		(declared,) = info_of(gather).inputs

		assert declared.type == 'COMFY_AUTOGROW_V3'
		assert declared.dynamic == Growing(
			item=Input(name='value', type='INT', widget=Number()),
			names=('value0', 'value1', 'value2', 'value3'),
			min=2,
			prefix='value',
		)

	def test_varying(self) -> None:
		"""A choice of keys, each with the inputs of its class."""
		(declared,) = info_of(measure).inputs

		assert declared.type == 'COMFY_DYNAMICCOMBO_V3'
		assert declared.widget == Choice(options=('square', 'oblong'))
		assert isinstance(declared.dynamic, Varying)
		assert [[item.name for item in variant.inputs] for variant in declared.dynamic.variants] == [
			['side'],
			['width', 'height'],
		]

	def test_only_a_mapping_grows(self) -> None:
		"""Anything else is an author's mistake, told when the module is loaded."""
		with pytest.raises(NodeUsage, match='Mapping'):

			@node(category='test')
			def wrong(values: Annotated[int, Grow(prefix='value')]) -> None: ...

	def test_it_survives_json(self) -> None:
		"""Declarations cross process borders as JSON."""
		for function in (gather, measure):
			info = info_of(function)

			assert NodeInfo.model_validate_json(info.model_dump_json()) == info


class TestLiveInputs:
	def test_needed_and_given(self) -> None:
		"""The first ones are needed, others are there if they are given."""
		live = live_inputs(info_of(gather), {'values.value3': Constant(1), 'values.other': Constant(1)})

		assert [(item.name, item.required) for item in live] == [
			('values.value0', True),
			('values.value1', True),
			('values.value3', False),
		]

	def test_of_what_is_chosen(self) -> None:
		"""The choice itself, and what belongs to it."""
		names = [item.name for item in live_inputs(info_of(measure), {'shape': Constant('oblong')})]

		assert names == ['shape', 'shape.width', 'shape.height']


@node(category='test', kind='Tell', sink=True)
def tell(value: Any) -> str:
	"""A sink that takes anything."""
	return str(value)


def shown(kind: str, inputs: Mapping[str, Any]) -> Graph:
	"""A node that is shown, and numbers to link."""
	nodes: Nodes = {
		'one': ('Number', {'value': 1}),
		'two': ('Number', {'value': 2}),
		'node': (kind, inputs),
		'tell': ('Tell', {'value': ('node', 0)}),
	}
	return graph(nodes)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""An engine that knows these nodes."""
	return Bench(tmp_path, gather, measure, same, tell)


class TestCheck:
	"""What is there is checked like any other input, under its dotted name."""

	@pytest.mark.parametrize(
		('kind', 'inputs', 'expected'),
		[
			('Gather', {'values.value0': 1, 'values.value1': ('one', 0)}, []),
			('Gather', {'values.value0': 1}, [('required_input_missing', 'values.value1')]),
			('Gather', {'values.value0': 1, 'values.value1': 'x'}, [('invalid_input_type', 'values.value1')]),
			(
				'Gather',
				{'values.value0': 1, 'values.value1': 1, 'values.value9': 1},
				[('unknown_input', 'values.value9')],
			),
			('Outline', {'shape': 'square', 'shape.side': 3}, []),
			('Outline', {'shape': 'square', 'shape.side': 30}, [('value_bigger_than_max', 'shape.side')]),
			('Outline', {'shape': 'square'}, [('required_input_missing', 'shape.side')]),
			('Outline', {'shape': 'oblong', 'shape.width': 3}, []),
			('Outline', {'shape': 'round'}, [('value_not_in_list', 'shape')]),
			('Outline', {'shape': 'square', 'shape.side': 1, 'shape.width': 1}, [('unknown_input', 'shape.width')]),
			('Outline', {}, [('required_input_missing', 'shape')]),
			('Outline', {'shape': ('one', 0)}, [('return_type_mismatch', 'shape')]),
			('Same', {'values.a': 1, 'values.b': 'x'}, [('invalid_input_type', 'values.b')]),
		],
	)
	def test_problems(
		self, bench: Bench, kind: str, inputs: Mapping[str, Any], expected: list[tuple[str, str]]
	) -> None:
		"""Missing, wrong and unknown ones are named."""
		found = bench.check(shown(kind, inputs)).problems

		assert [(problem.code, problem.input) for problem in found] == expected

	def test_other_variants_pass_a_tolerant_check(self, bench: Bench) -> None:
		"""Front ends send what was typed before another key was chosen."""
		asked = shown('Outline', {'shape': 'square', 'shape.side': 1, 'shape.width': 1})

		assert not bench.check(asked, tolerant=True).problems


class TestRun:
	"""The function gets a mapping, or an instance."""

	def result(self, bench: Bench, kind: str, inputs: Mapping[str, Any]) -> object:
		"""What a node gives."""
		asked = shown(kind, inputs)
		assert bench.run(asked).state == 'succeeded'
		return bench.outputs(asked, 'node')[0][0]

	def test_growing(self, bench: Bench) -> None:
		"""What is there, in the order of the names, linked or typed."""
		inputs = {'values.value3': ('two', 0), 'values.value1': ('one', 0), 'values.value0': 7}

		assert self.result(bench, 'Gather', inputs) == 'value0=7 value1=1 value3=2'

	def test_varying(self, bench: Bench) -> None:
		"""An instance of the chosen class; defaults are its own."""
		assert self.result(bench, 'Outline', {'shape': 'square', 'shape.side': 3}) == 'Square(side=3)'
		assert (
			self.result(bench, 'Outline', {'shape': 'oblong', 'shape.width': ('two', 0)}) == 'Oblong(width=2, height=2)'
		)

	def test_called_without_what_it_needs(self) -> None:
		"""Nodes of an expansion are not checked; what is missing is then said in words."""
		spec = spec_of(measure)
		assert spec is not None

		with pytest.raises(NodeUsage, match=r'shape\.side'):
			spec.call(shape='square')
		with pytest.raises(NodeUsage, match='square, oblong'):
			spec.call(shape='round')


class TestPlan:
	def test_each_value_is_part_of_the_key(self, bench: Bench) -> None:
		"""Another value, or one more, is another result."""
		graphs = [
			shown('Gather', {'values.value0': 1, 'values.value1': 2}),
			shown('Gather', {'values.value0': 1, 'values.value1': 3}),
			shown('Gather', {'values.value0': 1, 'values.value1': 2, 'values.value2': 4}),
		]
		keys = {bench.plan(asked).steps[NodeId('node')].key for asked in graphs}

		assert len(keys) == 3

	def test_what_is_not_chosen_is_no_part_of_it(self, bench: Bench) -> None:
		"""Left-over inputs of another key neither change the key nor run what they are linked to."""
		plain = shown('Outline', {'shape': 'square', 'shape.side': 3})
		left = shown('Outline', {'shape': 'square', 'shape.side': 3, 'shape.width': ('two', 0)})
		plans = [make_plan(asked, bench.registry, bench.storage, [NodeId('tell')]) for asked in (plain, left)]

		assert plans[0].steps[NodeId('node')].key == plans[1].steps[NodeId('node')].key
		assert NodeId('two') not in plans[1].steps
