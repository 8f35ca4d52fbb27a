"""What runs again in the next prompt, where ComfyUI-style nodes are asked whether they changed."""

from __future__ import annotations

import pytest

from tests.nodes.comfy.desk import Desk, Prompt


def counting(kind: str, value: object, **more: tuple[str, dict[str, object]]) -> Prompt:
	"""A node that counts its calls, shown."""
	return {'n': (kind, {'value': value}), 'show': ('TestingShow', {'value': ['n', 0]}), **more}


class TestConstants:
	def test_only_what_needs_it_runs_again(self, desk: Desk) -> None:
		"""After a change of one constant."""

		def prompt(value: int) -> Prompt:
			return {
				'a': ('TestingInt', {'value': 1}),
				'b': ('TestingInt', {'value': value}),
				'sum': ('TestingAdd', {'a': ['a', 0], 'b': ['b', 0]}),
				'one': ('TestingShow', {'value': ['sum', 0]}),
				'two': ('TestingShow', {'value': ['a', 0]}),
			}

		desk.good(prompt(2))
		desk.good(prompt(3))

		assert desk.ran == ['b', 'sum', 'one']
		assert desk.text('one') == ['4']

	def test_a_value_that_comes_out_the_same(self, desk: Desk) -> None:
		"""Stops there: who reads it has read it before."""

		def prompt(b: int) -> Prompt:
			return {
				'less': ('TestingLess', {'a': 1, 'b': b}),
				'any': ('TestingAny', {'value': ['less', 0]}),
				'show': ('TestingShow', {'value': ['any', 0]}),
			}

		desk.good(prompt(2))
		desk.good(prompt(3))

		assert desk.ran == ['less']
		assert desk.text('show') == ['True']

	def test_back_to_an_earlier_value(self, desk: Desk) -> None:
		"""Its results are still there."""
		for value in (1, 2, 1):
			desk.good({'a': ('TestingInt', {'value': value}), 'show': ('TestingShow', {'value': ['a', 0]})})

		assert desk.ran == []
		assert desk.text('show') == ['1']

	def test_undeclared_links_count(self, desk: Desk) -> None:
		"""An input that no declaration knows is an input."""

		def prompt(value: int) -> Prompt:
			return {
				'a': ('TestingInt', {'value': value}),
				'n': ('TestingLinkedOnly', {'extra': ['a', 0]}),
				'show': ('TestingShow', {'value': ['n', 0]}),
			}

		desk.good(prompt(1))
		desk.good(prompt(2))

		assert desk.text('show') == ['extra=2']

	@pytest.mark.parametrize('kind', ['TestingChangedFalse', 'TestingChangedValue', 'TestingCounter'])
	def test_who_says_nothing_new_sees_a_change_of_its_inputs(self, desk: Desk, kind: str) -> None:
		"""What IS_CHANGED tells comes on top of the inputs."""
		desk.good(counting(kind, 1))
		desk.good(counting(kind, 2))

		assert desk.text('show') == ['2']


class TestProbe:
	def test_links_are_none(self, desk: Desk) -> None:
		"""A node whose value is linked is asked all the same, and runs if the linked one changes."""

		def prompt(value: int) -> Prompt:
			return counting('TestingChangedValue', ['a', 0], a=('TestingInt', {'value': value}))

		desk.good(prompt(1))
		desk.good(prompt(1))
		again = desk.ran
		desk.good(prompt(2))

		assert again == []
		assert desk.ran == ['a', 'n', 'show']

	def test_what_hangs_on_one_that_always_changes(self, desk: Desk) -> None:
		"""Runs again with it, and what stands before it does not."""

		def prompt() -> Prompt:
			return counting('TestingChangedNaN', ['a', 0], a=('TestingInt', {'value': 1}))

		desk.good(prompt())
		desk.good(prompt())

		assert desk.ran == ['n', 'show']
		assert desk.text('show') == ['2']


class TestIdentity:
	@pytest.mark.parametrize(('kind', 'calls'), [('TestingCounter', 1), ('TestingNotIdempotent', 2)])
	def test_two_equal_nodes_in_one_prompt(self, desk: Desk, kind: str, calls: int) -> None:
		"""Are one, but where the class says that they are not."""
		desk.good(
			{
				'1': (kind, {'value': 1}),
				'2': (kind, {'value': 1}),
				'show1': ('TestingShow', {'value': ['1', 0]}),
				'show2': ('TestingShow', {'value': ['2', 0]}),
			}
		)

		assert len({'1', '2'} & set(desk.ran)) == calls
		assert (desk.text('show1'), desk.text('show2')) == (['1'], ['1'])

	def test_who_sees_its_id_is_told_apart(self, desk: Desk) -> None:
		"""Each gets its own."""
		desk.good(
			{
				**{n: ('TestingUniqueId', {'value': 1}) for n in ('1', '2')},
				**{f'show{n}': ('TestingShow', {'value': [n, 0]}) for n in ('1', '2')},
			}
		)

		assert (desk.text('show1'), desk.text('show2')) == (['1'], ['2'])

	def test_a_renumbered_graph(self, desk: Desk) -> None:
		"""Is the same graph, down to what it shows."""

		def prompt(prefix: str) -> Prompt:
			return {
				f'{prefix}1': ('TestingInt', {'value': 1}),
				f'{prefix}2': ('TestingAdd', {'a': [f'{prefix}1', 0], 'b': 2}),
				f'{prefix}3': ('TestingShow', {'value': [f'{prefix}2', 0]}),
			}

		desk.good(prompt(''))
		desk.good(prompt('1'))

		assert desk.ran == []
		assert desk.text('13') == ['3']

	def test_an_instance_is_of_its_node(self, desk: Desk) -> None:
		"""Another node of the class counts by itself."""
		first = counting('TestingCounter', 1)
		desk.good(first)
		desk.good({**first, 'm': ('TestingCounter', {'value': 2}), 'more': ('TestingShow', {'value': ['m', 0]})})

		assert desk.text('more') == ['1']

	def test_an_instance_is_of_its_class(self, desk: Desk) -> None:
		"""A node that becomes one of another class begins anew."""
		desk.good(counting('TestingCounter', 1))
		desk.good(counting('TestingNotIdempotent', 1))
		desk.good(counting('TestingCounter', 2))

		assert desk.text('show') == ['1']


class TestFailures:
	def test_what_came_before_is_kept(self, desk: Desk) -> None:
		"""The prompt without the fault goes on from there."""
		before: Prompt = {'a': ('TestingInt', {'value': 1}), 'b': ('TestingAdd', {'a': ['a', 0], 'b': 1})}
		outcome = desk.run(
			{**before, 'bad': ('TestingError', {'value': ['b', 0]}), 'show': ('TestingShow', {'value': ['bad', 0]})}
		)
		desk.good({**before, 'show': ('TestingShow', {'value': ['b', 0]})})

		assert (outcome.state, outcome.node) == ('failed', 'bad')
		assert desk.ran == ['show']

	def test_who_failed_is_called_again(self, desk: Desk) -> None:
		"""There is no result to go on with."""
		bad: Prompt = {
			'a': ('TestingInt', {'value': 1}),
			'bad': ('TestingError', {'value': ['a', 0]}),
			'show': ('TestingShow', {'value': ['bad', 0]}),
		}
		desk.run(bad)
		desk.run(bad)

		assert desk.ran == ['bad']
