"""The checker: nodes that judge their constants themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pytest

from engine.check import check, with_refusals
from engine.declaration import Choice, Input, NodeInfo, Number, OpenInputs, Output, Validator
from engine.graph import Graph, NodeId
from engine.problems import Checked
from engine.settings import Settings
from engine.spec import ValidationRequest, node, spec_of
from engine.storage import Storage
from tests.engine.latents import LATENTS, only
from tests.engine.tools import graph

T = TypeVar('T')


@node(category='test')
def through(value: T) -> T:
	return value


def judging(validator: Validator, open_inputs: OpenInputs = 'no') -> NodeInfo:
	"""A sink that judges its inputs as the validator says."""
	return NodeInfo(
		kind='Judge',
		title='Judge',
		category='test',
		sink=True,
		inputs=(
			Input(name='count', type='INT', widget=Number(min=0, max=10)),
			Input(name='name', type='COMBO', widget=Choice(options=('a', 'b')), required=False),
			Input(name='samples', type='LATENT', required=False),
		),
		outputs=(Output(name='INT', type='INT'),),
		validator=validator,
		open_inputs=open_inputs,
		foreign=True,
	)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
	"""Empty folders."""
	return Storage.of(Settings(base=tmp_path))


def looked(storage: Storage, info: NodeInfo, asked: Graph, tolerant: bool = False) -> Checked:
	"""What the checker finds where a `Judge` is declared so."""
	specs = [spec for spec in map(spec_of, (*LATENTS, through)) if spec is not None]
	return check(asked, {spec.info.kind: spec.info for spec in specs} | {'Judge': info}, storage, tolerant=tolerant)


def judged(**inputs: Any) -> Graph:
	"""A `Judge` with these inputs, latents to link to, and a sink that has nothing to do with it."""
	return graph(
		{
			'empty': ('Empty', {}),
			'way': ('Through', {'value': ('empty', 0)}),
			'judge': ('Judge', inputs),
			'keep': ('Keep', {'samples': ('empty', 0)}),
		}
	)


COUNT = Validator(inputs=('count',))
ALL = Validator(all_inputs=True)


class TestWhatIsLeftToTheNode:
	def test_bounds_and_lists(self, storage: Storage) -> None:
		"""What the node covers is not held against bounds and lists; the rest is."""
		one = looked(storage, judging(COUNT), judged(count=99, name='z'))

		assert [(problem.input, problem.code) for problem in one.problems] == [('name', 'value_not_in_list')]
		assert not looked(storage, judging(ALL), judged(count=99, name='z')).problems

	def test_not_the_conversion(self, storage: Storage) -> None:
		"""A value that is none of the input's type is refused before the node is asked."""
		refused = looked(storage, judging(ALL), judged(count='foo'))

		assert only(refused).code == 'invalid_input_type'
		assert refused.validations == ()
		assert not looked(storage, judging(ALL), judged(count='5')).problems

	def test_types_of_links_if_it_wants_them(self, storage: Storage) -> None:
		"""A node that is told the types judges them; that the link leads somewhere is still checked."""
		typed = judging(Validator(inputs=('count',), types=True))

		assert not looked(storage, typed, judged(count=('empty', 0))).problems
		assert only(looked(storage, judging(COUNT), judged(count=('empty', 0)))).code == 'return_type_mismatch'
		assert only(looked(storage, typed, judged(count=('gone', 0)))).code == 'bad_linked_input'


class TestQuestions:
	def test_constants_in_normal_form(self, storage: Storage) -> None:
		"""The node is asked about what it covers, as it would be called with it."""
		[asked] = looked(storage, judging(COUNT), judged(count='5', name='a')).validations

		assert asked == ValidationRequest(NodeId('judge'), 'Judge', {'count': 5}, {})

	def test_all_of_them(self, storage: Storage) -> None:
		"""A node that covers everything is asked about every input that is given, also by link."""
		[asked] = looked(storage, judging(ALL), judged(count=5, samples=('way', 0))).validations

		assert asked.constants == {'count': 5}
		assert asked.links == {'samples': 'LATENT'}

	@pytest.mark.parametrize(('takes', 'told'), [('all', {'count': 5, 'more': 1}), ('links', {'count': 5})])
	def test_undeclared_ones(self, storage: Storage, takes: OpenInputs, told: dict[str, object]) -> None:
		"""A constant that nobody declared is told only to a node that takes such."""
		[asked] = looked(storage, judging(ALL, takes), judged(count=5, more=1)).validations

		assert asked.constants == told

	def test_a_native_node_sees_all(self, storage: Storage) -> None:
		"""It names no inputs: bounds and lists hold as ever, and what is good by them is shown to it."""
		native = judging(Validator()).model_copy(update={'foreign': False})
		[asked] = looked(storage, native, judged(count=5, name='a', samples=('way', 0))).validations

		assert asked == ValidationRequest(NodeId('judge'), 'Judge', {'count': 5, 'name': 'a'}, {'samples': 'LATENT'})
		assert only(looked(storage, native, judged(count=99))).code == 'value_bigger_than_max'

	def test_types_are_followed(self, storage: Storage) -> None:
		"""The type that a link brings is that of the value, through nodes that hand any on."""
		typed = judging(Validator(inputs=('count',), types=True))
		[asked] = looked(storage, typed, judged(count=1, samples=('way', 0))).validations

		assert asked.links == {'samples': 'LATENT'}

	def test_only_nodes_that_are_needed(self, storage: Storage) -> None:
		"""A node that no sink needs is not asked."""
		info = judging(ALL).model_copy(update={'sink': False})

		assert looked(storage, info, judged(count=5)).validations == ()


class TestRefusals:
	def test_the_nodes_words_are_the_problem(self, storage: Storage) -> None:
		"""A refusal becomes a problem at the first input that the node was asked about, and spoils its sinks."""
		checked = looked(storage, judging(ALL), judged(count=5, name='a'))
		refused = with_refusals(checked, {NodeId('judge'): 'count must be even'})
		problem = only(refused)

		assert checked.good_sinks == ('judge', 'keep')
		assert (problem.code, problem.input, problem.value) == ('custom_validation_failed', 'count', 5)
		assert problem.received == 'count must be even'
		assert problem.sentence == "node 'judge' (Judge), input 'count': count must be even"
		assert refused.good_sinks == ('keep',)
		assert refused.validations == ()

	def test_a_refusal_of_links_alone(self, storage: Storage) -> None:
		"""Where no constant was given it stands at the linked input."""
		typed = judging(Validator(types=True))
		checked = looked(storage, typed, judged(count=('empty', 0)))

		assert only(with_refusals(checked, {NodeId('judge'): 'no'})).input == 'count'

	def test_nothing_refused(self, storage: Storage) -> None:
		"""Nodes that accept their values leave everything as it was."""
		checked = with_refusals(looked(storage, judging(ALL), judged(count=5)), {})

		assert checked.problems == ()
		assert checked.good_sinks == ('judge', 'keep')
