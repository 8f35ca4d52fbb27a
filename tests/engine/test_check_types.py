"""The checker: types that are handed on from inputs to outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from engine.flow import Lazy
from engine.graph import Graph
from engine.sockets import socket
from engine.spec import node
from tests.engine.latents import LATENTS, Latent, only
from tests.engine.tools import Bench, graph

T = TypeVar('T')
U = TypeVar('U')


@socket('MASK')
class Mask:
	pass


@node(category='test')
def mask() -> Mask:
	return Mask()


@node(category='test')
def either() -> Latent | Mask:
	return Latent()


@node(category='test')
def anything() -> Any:
	return 1


@node(category='test')
def through(value: T) -> T:
	return value


@node(category='test')
def choose(first: bool, on_true: Lazy[T], on_false: Lazy[T]) -> T:
	return on_true.get() if first else on_false.get()


@node(category='test', outputs=('swapped',))
def swap(one: T, other: U) -> U:
	return other


@node(category='test')
def items() -> list[int]:
	return [1, 2]


@node(category='test')
def name() -> str:
	return 'one'


@node(category='test')
def count(values: list[int]) -> int:
	return len(values)


@node(category='test', sink=True)
def show(text: str) -> None: ...


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes that hand any type on."""
	return Bench(tmp_path, *LATENTS, mask, either, anything, through, choose, swap, items, name, count, show)


def reroutes(count: int, start: tuple[str, Mapping[str, Any]], sink: str, name: str) -> Graph:
	"""A node, a chain of nodes that pass its value on, and a sink."""
	nodes: dict[str, tuple[str, Mapping[str, Any]]] = {'0': start}
	for index in range(1, count + 1):
		nodes[str(index)] = ('Through', {'value': (str(index - 1), 0)})
	return graph({**nodes, 'sink': (sink, {name: (str(count), 0)})})


class TestPassingOn:
	def test_the_type_comes_through(self, bench: Bench) -> None:
		"""What is handed on keeps its type, and fits where that fits."""
		assert not bench.check(reroutes(3, ('Empty', {}), 'Keep', 'samples')).problems

	def test_what_does_not_fit_is_told_behind_the_chain(self, bench: Bench) -> None:
		"""The type of the first node is refused at the last, which is linked to the chain's end."""
		problem = only(bench.check(reroutes(3, ('Mask', {}), 'Keep', 'samples')))

		assert problem.code == 'return_type_mismatch'
		assert problem.value == 'MASK'
		assert problem.source == ('3', 0)
		assert problem.sentence == (
			"node 'sink' (Keep), input 'samples': expected a link that gives LATENT, "
			"got MASK from '3' (Through), output '*'"
		)

	def test_fifty_thousand_in_a_row(self, bench: Bench) -> None:
		"""A chain of any length is followed without recursion."""
		asked = reroutes(50_000, ('Mask', {}), 'Keep', 'samples')

		assert only(bench.check(asked)).value == 'MASK'

	def test_what_may_be_anything_stays_so(self, bench: Bench) -> None:
		"""A `*` output joins every input, however often it is handed on."""
		assert not bench.check(reroutes(2, ('Anything', {}), 'Keep', 'samples')).problems

	def test_without_its_input_it_may_be_anything(self, bench: Bench) -> None:
		"""Where the type is not known only the missing input is told."""
		problem = only(bench.check(graph({'a': ('Through', {}), 'keep': ('Keep', {'samples': ('a', 0)})})))

		assert (problem.node, problem.code) == ('a', 'required_input_missing')

	@pytest.mark.parametrize(('value', 'fits'), [(3, True), (2.5, False), ('x', False), ([1], True), (None, True)])
	def test_constants_have_the_type_of_their_json(self, bench: Bench, value: object, fits: bool) -> None:
		"""A number stays a number on its way through; lists and null may be anything."""
		checked = bench.check(graph({'a': ('Through', {'value': value}), 'see': ('See', {'value': ('a', 0)})}))

		assert bool(checked.problems) is not fits

	def test_two_types_do_not_mix(self, bench: Bench) -> None:
		"""Of two variables each output has its own."""

		def asked(one: str, other: str) -> Graph:
			return graph(
				{
					'one': (one, {}),
					'other': (other, {}),
					'swap': ('Swap', {'one': ('one', 0), 'other': ('other', 0)}),
					'keep': ('Keep', {'samples': ('swap', 0)}),
				}
			)

		assert not bench.check(asked('Mask', 'Empty')).problems
		assert only(bench.check(asked('Empty', 'Mask'))).value == 'MASK'

	def test_a_circle_does_not_hang(self, bench: Bench) -> None:
		"""Nodes that hand their own output on have no type; the circle is what is told."""
		asked = graph(
			{
				'a': ('Through', {'value': ('b', 0)}),
				'b': ('Through', {'value': ('a', 0)}),
				'keep': ('Keep', {'samples': ('b', 0)}),
			}
		)

		assert {problem.code for problem in bench.check(asked).problems} == {'dependency_cycle'}


class TestAgreement:
	def chosen(self, bench: Bench, one: object, other: object) -> Graph:
		return graph(
			{
				'mask': ('Mask', {}),
				'empty': ('Empty', {}),
				'either': ('Either', {}),
				'any': ('Anything', {}),
				'choose': ('Choose', {'first': True, 'on_true': one, 'on_false': other}),
				'keep': ('Keep', {'samples': ('choose', 0)}),
			}
		)

	def test_inputs_of_one_variable_agree(self, bench: Bench) -> None:
		"""Both ways of a switch bring the same type."""
		assert not bench.check(self.chosen(bench, ('empty', 0), ('empty', 0))).problems

	def test_the_later_one_is_refused(self, bench: Bench) -> None:
		"""The sentence names both inputs, and what each brings."""
		problem = only(bench.check(self.chosen(bench, ('empty', 0), ('mask', 0))))

		assert problem.code == 'return_type_mismatch'
		assert problem.value == 'MASK'
		assert problem.source == ('mask', 0)
		assert problem.sentence == (
			"node 'choose' (Choose), input 'on_false': expected LATENT, as input 'on_true' brings, "
			"got MASK from 'mask' (Mask), output 'MASK'"
		)

	def test_a_constant_among_them(self, bench: Bench) -> None:
		"""A constant has to be of the type that the links bring."""
		problem = only(bench.check(self.chosen(bench, ('empty', 0), 'text')))

		assert problem.code == 'invalid_input_type'
		assert problem.value == 'text'
		assert "expected LATENT, as input 'on_true' brings, got 'text'" in problem.sentence

	def test_a_whole_number_may_stand_for_a_fraction(self, bench: Bench) -> None:
		"""JSON writes 5.0 as 5; together with 0.5 both are fractions."""
		asked = self.chosen(bench, 5, 0.5)
		problem = only(bench.check(asked))

		assert problem.node == 'keep'
		assert problem.value == 'FLOAT'

	def test_unions_are_narrowed(self, bench: Bench) -> None:
		"""What may be one of two is, beside one of them, that one; what may be anything says nothing."""
		for one, other in (('either', 'empty'), ('empty', 'either'), ('any', 'empty'), ('empty', 'any')):
			assert not bench.check(self.chosen(bench, (one, 0), (other, 0))).problems
		assert only(bench.check(self.chosen(bench, ('either', 0), ('mask', 0)))).value == 'MASK'

	def test_a_fault_is_told_once(self, bench: Bench) -> None:
		"""Behind a node whose inputs do not agree nothing is known, and nothing more is refused."""
		assert only(bench.check(self.chosen(bench, ('mask', 0), ('empty', 0)))).node == 'choose'


class TestOtherSockets:
	def test_lists_join_inputs_of_their_items(self, bench: Bench) -> None:
		"""A list feeds a node that is called per item, and one that takes all at once."""
		asked = graph(
			{
				'items': ('Items', {}),
				'count': ('Count', {'values': ('items', 0)}),
				'a': ('See', {'value': ('items', 0)}),
				'b': ('See', {'value': ('count', 0)}),
			}
		)

		assert not bench.check(asked).problems

	def test_lazy_inputs_are_checked_like_others(self, bench: Bench) -> None:
		"""That it may never be computed is no reason to let a wrong link pass."""
		asked = graph({'c': ('Choose', {'first': True, 'on_true': ('gone', 0)}), 'see': ('See', {'value': ('c', 0)})})
		found = {(problem.input, problem.code) for problem in bench.check(asked).problems}

		assert found == {('on_true', 'bad_linked_input'), ('on_false', 'required_input_missing')}

	def test_text_may_choose(self, bench: Bench) -> None:
		"""A text can be the name of an option."""
		asked = graph({'n': ('Name', {}), 'p': ('Pick', {'name': ('n', 0)}), 's': ('See', {'value': ('p', 0)})})

		assert not bench.check(asked).problems
