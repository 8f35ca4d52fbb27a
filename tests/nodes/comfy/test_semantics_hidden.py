"""What ComfyUI-style nodes see beside their inputs, and where they tell their progress."""

from __future__ import annotations

from engine.events import NodeProgress
from tests.nodes.comfy.desk import Desk, Prompt


class TestHidden:
	def test_all_of_them(self, desk: Desk) -> None:
		"""The node's id, the prompt, what goes beside it, the running graph; what nobody knows is not handed."""
		desk.extra = {'workflow': {'nodes': []}}
		desk.good({'1': ('TestingInt', {'value': 1}), '7': ('TestingHidden', {'value': ['1', 0]})})

		assert desk.text('7') == ["7:TestingHidden:['1', '7']:['workflow']"]

	def test_nothing_beside_the_prompt(self, desk: Desk) -> None:
		"""Is None."""
		desk.good({'7': ('TestingHidden', {'value': 1})})

		assert desk.text('7') == ["7:TestingHidden:['7']:None"]

	def test_for_each_item(self, desk: Desk) -> None:
		"""Every call gets the same."""
		desk.good(
			{'1': ('TestingIntRange', {'start': 0, 'stop': 2}), '7': ('TestingHidden', {'value': ['1', 0]})},
		)

		assert desk.text('7') == ["7:TestingHidden:['1', '7']:None"] * 2

	def test_the_prompt_does_not_count(self, desk: Desk) -> None:
		"""A node is not another one since its neighbours are; its own id is what it sees."""

		def prompt(value: int) -> Prompt:
			return {
				'n': ('TestingUniqueId', {'value': 1}),
				'show': ('TestingShow', {'value': ['n', 0]}),
				'more': ('TestingShow', {'value': value}),
			}

		desk.good(prompt(1))
		desk.good(prompt(2))

		assert desk.ran == ['more']


class TestProgress:
	def test_at_another_node(self, desk: Desk) -> None:
		"""A bar for a node's id tells there, if there is such a node."""
		desk.good(
			{
				'one': ('TestingProgressElsewhere', {'value': 1, 'node': 'two'}),
				'two': ('TestingProgressElsewhere', {'value': ['one', 0], 'node': 'nowhere'}),
				'three': ('TestingProgressElsewhere', {'value': ['two', 0], 'node': 'three'}),
				'show': ('TestingShow', {'value': ['three', 0]}),
			}
		)
		ticks = [(event.node, event.done, event.total) for event in desk.events if isinstance(event, NodeProgress)]

		assert ticks == [('two', 2, 4), ('two', 2, 4), ('three', 2, 4)]
