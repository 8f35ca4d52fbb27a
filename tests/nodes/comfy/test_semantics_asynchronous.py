"""ComfyUI-style nodes that are coroutines."""

from __future__ import annotations

from engine.events import NodeFinished, NodeStarted
from tests.nodes.comfy.desk import Desk, Prompt


def started_and_finished(desk: Desk) -> list[tuple[str, str]]:
	"""Which node began or ended, in order."""
	return [
		('begin' if isinstance(event, NodeStarted) else 'end', event.node)
		for event in desk.events
		if isinstance(event, NodeStarted | NodeFinished)
	]


class TestTogether:
	def test_three_sleepers(self, desk: Desk) -> None:
		"""Sleep at the same time, each announced once."""
		nodes: dict[str, tuple[str, dict[str, object]]] = {}
		for n in range(3):
			nodes[f's{n}'] = ('TestingSleep', {'value': n, 'seconds': 0.3})
			nodes[f'show{n}'] = ('TestingShow', {'value': [f's{n}', 0]})
		desk.good(nodes)

		assert desk.module('asynchronous').most == 3
		assert sorted(desk.ran) == sorted(nodes)

	def test_three_sleepers_inside_of_an_expansion(self, desk: Desk) -> None:
		"""Do so too."""
		desk.good({'in': ('TestingSleepInside', {'value': 5}), 'show': ('TestingShow', {'value': ['in', 0]})})

		assert desk.module('asynchronous').most == 3
		assert desk.text('show') == ['18']

	def test_the_calls_of_one_node(self, desk: Desk) -> None:
		"""Go side by side, and their results are in the order of the items."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 4}),
				'sleep': ('TestingSleep', {'value': ['range', 0], 'seconds': 0.1}),
				'show': ('TestingShow', {'value': ['sleep', 0]}),
			}
		)

		assert desk.module('asynchronous').most == 4
		assert desk.text('show') == ['0', '1', '2', '3']

	def test_plain_nodes_run_meanwhile(self, desk: Desk) -> None:
		"""What does not need the sleeper is done before it wakes."""
		desk.good(
			{
				'sleep': ('TestingSleep', {'value': 1, 'seconds': 1.0}),
				'late': ('TestingShow', {'value': ['sleep', 0]}),
				'one': ('TestingInt', {'value': 1}),
				'two': ('TestingAdd', {'a': ['one', 0], 'b': 1}),
				'early': ('TestingShow', {'value': ['two', 0]}),
			}
		)
		order = started_and_finished(desk)

		assert order.index(('end', 'early')) < order.index(('end', 'sleep')) < order.index(('begin', 'late'))

	def test_mixed_with_plain_ones(self, desk: Desk) -> None:
		"""Each runs after what it needs, whichever kind that is."""
		desk.good(
			{
				'one': ('TestingInt', {'value': 1}),
				'sleep': ('TestingSleep', {'value': ['one', 0], 'seconds': 0.02}),
				'add': ('TestingAdd', {'a': ['sleep', 0], 'b': 10}),
				'again': ('TestingSleep', {'value': ['add', 0], 'seconds': 0.01}),
				'show': ('TestingShow', {'value': ['again', 0]}),
			}
		)

		assert desk.ran == ['one', 'sleep', 'add', 'again', 'show']
		assert desk.text('show') == ['11']


class TestErrors:
	def test_others_that_wait_are_ended(self, desk: Desk) -> None:
		"""A sleeper that would take its time is woken, and leaves nothing behind."""
		outcome = desk.run(
			{
				'sleep': ('TestingSleep', {'value': 1, 'seconds': 10.0}),
				'show': ('TestingShow', {'value': ['sleep', 0]}),
				'bad': ('TestingAsyncError', {'value': 1, 'seconds': 0.01}),
				'end': ('TestingShow', {'value': ['bad', 0]}),
			}
		)

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.message) == ('bad', 'Failed on purpose, later')
		assert desk.module('asynchronous').running == []
		assert ('end', 'sleep') not in started_and_finished(desk)

	def test_what_was_done_is_kept(self, desk: Desk) -> None:
		"""A coroutine that had ended before is not run again."""
		before: Prompt = {'sleep': ('TestingSleep', {'value': 1, 'seconds': 0.01})}
		desk.run(
			{
				**before,
				'bad': ('TestingAsyncError', {'value': ['sleep', 0], 'seconds': 0.01}),
				'show': ('TestingShow', {'value': ['bad', 0]}),
			}
		)
		desk.good({**before, 'show': ('TestingShow', {'value': ['sleep', 0]})})

		assert desk.ran == ['show']
