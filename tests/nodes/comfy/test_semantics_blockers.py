"""Outputs of ComfyUI-style nodes that stop what is downstream of them."""

from __future__ import annotations

import pytest

from tests.nodes.comfy.desk import Desk, Prompt

SIZE = {'height': 8, 'width': 8, 'batch_size': 1}


def blocking(*, verbose: bool = False) -> Prompt:
	"""The numbers from 0 to 3, of which those from 2 are blocked."""
	return {
		'range': ('TestingIntRange', {'start': 0, 'stop': 4}),
		'big': ('TestingLess', {'a': 1, 'b': ['range', 0]}),
		'block': ('TestingBlock', {'value': ['range', 0], 'block': ['big', 0], 'verbose': verbose}),
	}


class TestItems:
	def test_a_native_sink_shows_the_others(self, desk: Desk) -> None:
		"""Of two pictures one is blocked; the other is saved."""
		desk.good(
			{
				'one': ('TestingImage', {'content': 'WHITE', **SIZE}),
				'two': ('TestingImage', {'content': 'BLACK', **SIZE}),
				'both': ('TestingMakeList', {'value1': ['one', 0], 'value2': ['two', 0]}),
				'range': ('TestingIntRange', {'start': 0, 'stop': 2}),
				'first': ('TestingLess', {'a': 0, 'b': ['range', 0]}),
				'block': ('TestingBlock', {'value': ['both', 0], 'block': ['first', 0], 'verbose': False}),
				'save': ('SaveImage', {'images': ['block', 0], 'filename_prefix': 'kept'}),
			}
		)

		assert [image.getpixel((0, 0)) for image in desk.pictures('save')] == [(255, 255, 255)]
		assert len(list((desk.base / 'output').glob('kept*'))) == 1

	def test_blocked_items_keep_their_places(self, desk: Desk) -> None:
		"""A node between does not move them: the same items are missing behind it."""
		desk.good(
			{
				**blocking(),
				'add': ('TestingAdd', {'a': ['block', 0], 'b': ['range', 0]}),
				'show': ('TestingShow', {'value': ['add', 0]}),
			}
		)

		assert desk.text('show') == ['0', '2']

	def test_one_in_a_list_that_is_taken_whole(self, desk: Desk) -> None:
		"""Blocks the one call that there is."""
		desk.good(
			{
				**blocking(),
				'sum': ('TestingSumList', {'values': ['block', 0], 'factor': 1}),
				'show': ('TestingShow', {'value': ['sum', 0]}),
				'other': ('TestingShow', {'value': ['range', 0]}),
			}
		)

		assert desk.text('show') is None
		assert desk.text('other') == ['0', '1', '2', '3']

	def test_several_with_a_message(self, desk: Desk) -> None:
		"""One node tells it once."""
		desk.good({**blocking(verbose=True), 'show': ('TestingShow', {'value': ['block', 0]})})

		assert desk.blocked == [('show', 'Blocked on purpose')]
		assert desk.text('show') == ['0', '1']


class TestBranches:
	@pytest.fixture
	def forked(self) -> Prompt:
		"""Two nodes behind one that is blocked with a message, and one beside it."""
		return {
			'one': ('TestingInt', {'value': 1}),
			'block': ('TestingBlock', {'value': ['one', 0], 'block': True, 'verbose': True}),
			'left': ('TestingAny', {'value': ['block', 0]}),
			'right': ('TestingAdd', {'a': ['block', 0], 'b': 1}),
			'end': ('TestingAdd', {'a': ['left', 0], 'b': ['right', 0]}),
			'show': ('TestingShow', {'value': ['end', 0]}),
			'beside': ('TestingShow', {'value': ['one', 0]}),
		}

	def test_each_first_node_tells(self, desk: Desk, forked: Prompt) -> None:
		"""And none behind those; the job succeeds."""
		desk.good(forked)

		assert sorted(desk.blocked) == [('left', 'Blocked on purpose'), ('right', 'Blocked on purpose')]
		assert desk.text('beside') == ['1']

	def test_the_next_job_tells_again(self, desk: Desk, forked: Prompt) -> None:
		"""A reason is no result that could be kept."""
		desk.good(forked)
		desk.good(forked)

		assert len(desk.blocked) == 2
		assert desk.text('show') is None

	def test_opened(self, desk: Desk, forked: Prompt) -> None:
		"""What was blocked is made now."""
		desk.good(forked)
		desk.good({**forked, 'block': ('TestingBlock', {'value': ['one', 0], 'block': False, 'verbose': True})})

		assert desk.blocked == []
		assert desk.text('show') == ['3']

	def test_a_lazy_chooser_is_not_asked(self, desk: Desk) -> None:
		"""Where its switch is blocked, so that nothing is made for it."""
		desk.good(
			{
				'less': ('TestingLess', {'a': 1, 'b': 2}),
				'block': ('TestingBlock', {'value': ['less', 0], 'block': True, 'verbose': False}),
				'a': ('TestingInt', {'value': 1}),
				'choose': ('TestingAsyncLazy', {'first': ['block', 0], 'a': ['a', 0], 'b': ['a', 0]}),
				'show': ('TestingShow', {'value': ['choose', 0]}),
			}
		)

		assert 'a' not in desk.ran
		assert desk.text('show') is None

	@pytest.mark.parametrize('verbose', [False, True])
	def test_inside_of_an_expansion(self, desk: Desk, verbose: bool) -> None:
		"""What comes out of it is blocked; a message is told inside."""
		desk.good(
			{
				'in': ('TestingBlockInside', {'value': 1, 'verbose': verbose}),
				'show': ('TestingShow', {'value': ['in', 0]}),
			}
		)

		assert desk.text('show') is None
		assert [node for node, _ in desk.blocked] == (['in.0.0.2'] if verbose else [])
