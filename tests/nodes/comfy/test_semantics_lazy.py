"""Lazy inputs of ComfyUI-style nodes."""

from __future__ import annotations

import pytest

from tests.nodes.comfy.desk import Desk, Prompt


def choosing(first: object, a: int = 1, b: int = 2) -> Prompt:
	"""A chooser between two numbers that asks with a coroutine."""
	return {
		'a': ('TestingInt', {'value': a}),
		'b': ('TestingInt', {'value': b}),
		'choose': ('TestingAsyncLazy', {'first': first, 'a': ['a', 0], 'b': ['b', 0]}),
		'show': ('TestingShow', {'value': ['choose', 0]}),
	}


class TestAsking:
	@pytest.mark.parametrize(('first', 'made', 'left'), [(True, 'a', 'b'), (False, 'b', 'a')])
	def test_what_is_not_asked_for_is_not_made(self, desk: Desk, first: bool, made: str, left: str) -> None:
		"""Nor is anything that only it needs."""
		nodes = {**choosing(first), 'deep': ('TestingInt', {'value': 5})}
		nodes[left] = ('TestingAny', {'value': ['deep', 0]})
		desk.good(nodes)

		assert made in desk.ran
		assert not {left, 'deep'} & set(desk.ran)

	def test_a_node_that_asks_is_announced_again(self, desk: Desk) -> None:
		"""Before its input is made, and after."""
		desk.good(choosing(True))

		assert desk.ran == ['choose', 'a', 'choose', 'show']

	def test_asking_for_a_constant(self, desk: Desk) -> None:
		"""It is there already."""
		desk.good(
			{
				'choose': ('TestingAsyncLazy', {'first': True, 'a': 7, 'b': ['b', 0]}),
				'b': ('TestingInt', {'value': 2}),
				'show': ('TestingShow', {'value': ['choose', 0]}),
			}
		)

		assert desk.text('show') == ['7']
		assert 'b' not in desk.ran

	def test_what_others_need_is_made_all_the_same(self, desk: Desk) -> None:
		"""An input that this node leaves alone, and another one takes."""
		desk.good({**choosing(True), 'other': ('TestingShow', {'value': ['b', 0]})})

		assert (desk.text('show'), desk.text('other')) == (['1'], ['2'])

	def test_the_switch_comes_from_a_node(self, desk: Desk) -> None:
		"""What decides is made first."""
		desk.good({**choosing(['less', 0]), 'less': ('TestingLess', {'a': 2, 'b': 1})})

		assert desk.text('show') == ['2']
		assert 'a' not in desk.ran

	def test_one_chooser_behind_another(self, desk: Desk) -> None:
		"""Only the one way is gone that is taken."""
		desk.good(
			{
				**choosing(False),
				'outer': ('TestingAsyncLazy', {'first': True, 'a': ['choose', 0], 'b': ['never', 0]}),
				'never': ('TestingError', {'value': ['a', 0]}),
				'show': ('TestingShow', {'value': ['outer', 0]}),
			}
		)

		assert desk.text('show') == ['2']
		assert not {'a', 'never'} & set(desk.ran)


class TestCaching:
	def test_again(self, desk: Desk) -> None:
		"""Nothing runs, and what was not made is not made up for."""
		desk.good(choosing(True))
		desk.good(choosing(True))

		assert desk.ran == []

	def test_what_it_did_not_take_counts(self, desk: Desk) -> None:
		"""Another value there has the node asked again; it is not made now either."""
		desk.good(choosing(True))
		desk.good(choosing(True, b=3))

		assert 'choose' in desk.ran
		assert not {'a', 'b'} & set(desk.ran)
