"""ComfyUI-style nodes that become graphs."""

from __future__ import annotations

import pytest

from engine.events import GraphExpanded
from tests.nodes.comfy.desk import Desk, Prompt

SIZE = {'height': 8, 'width': 8, 'batch_size': 1}


def halving(turns: int) -> Prompt:
	"""A loop that mixes a picture with black by halves; it is white before."""
	return {
		'turns': ('TestingInt', {'value': turns}),
		'white': ('TestingImage', {'content': 'WHITE', **SIZE}),
		'black': ('TestingImage', {'content': 'BLACK', **SIZE}),
		'half': ('TestingMask', {'value': 0.5, 'height': 8, 'width': 8}),
		'open': ('TestingLoopOpen', {'value1': ['turns', 0], 'value2': ['white', 0]}),
		'mix': ('TestingLazyMix', {'image1': ['open', 2], 'image2': ['black', 0], 'mask': ['half', 0]}),
		'down': ('TestingAdd', {'a': ['open', 1], 'b': -1}),
		'more': ('TestingLess', {'a': 0, 'b': ['down', 0]}),
		'close': (
			'TestingLoopClose',
			{'flow': ['open', 0], 'condition': ['more', 0], 'value1': ['down', 0], 'value2': ['mix', 0]},
		),
		'show': ('TestingPreview', {'images': ['close', 1]}),
	}


class TestLoops:
	@pytest.mark.parametrize('turns', [1, 2, 3, 4])
	def test_halving(self, desk: Desk, turns: int) -> None:
		"""A picture is halved as often as is said; what stands before the loop is made once."""
		desk.good(halving(turns))
		ui = desk.shown('show')

		assert ui is not None
		assert ui.root['mean'] == [1 / 2**turns]
		assert [desk.ran.count(node) for node in ('turns', 'white', 'black', 'half')] == [1, 1, 1, 1]

	def test_the_turns_are_shown_at_the_loops_nodes(self, desk: Desk) -> None:
		"""Each copy at the node that it is a copy of, however deep."""
		desk.good(halving(3))
		displays = {added.display for event in desk.events if isinstance(event, GraphExpanded) for added in event.added}

		assert displays == {'open', 'mix', 'down', 'more', 'close'}

	def test_gathering(self, desk: Desk) -> None:
		"""A loop that appends in each turn; what it gathered is then a list of items."""
		desk.good(
			{
				'turns': ('TestingInt', {'value': 3}),
				'open': ('TestingLoopOpen', {'value1': ['turns', 0]}),
				'add': ('TestingAccumulate', {'to_add': ['open', 1], 'accumulation': ['open', 2]}),
				'down': ('TestingAdd', {'a': ['open', 1], 'b': -1}),
				'more': ('TestingLess', {'a': 0, 'b': ['down', 0]}),
				'close': (
					'TestingLoopClose',
					{'flow': ['open', 0], 'condition': ['more', 0], 'value1': ['down', 0], 'value2': ['add', 0]},
				),
				'list': ('TestingAccumulationToList', {'accumulation': ['close', 1]}),
				'show': ('TestingShow', {'value': ['list', 0]}),
			}
		)

		assert desk.text('show') == ['3', '2', '1']


class TestIds:
	def test_of_new_nodes(self, desk: Desk) -> None:
		"""The node that expands, its call, its graph, and a number; shown at that node."""
		desk.good({'sum': ('TestingSumTo', {'count': 1}), 'show': ('TestingShow', {'value': ['sum', 0]})})
		[event] = [event for event in desk.events if isinstance(event, GraphExpanded)]

		assert event.node == 'sum'
		assert [(added.node, added.display) for added in event.added] == [('sum.0.0.1', 'sum'), ('sum.0.0.2', 'sum')]

	def test_of_several_calls(self, desk: Desk) -> None:
		"""The calls that expand have nodes of their own."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 4}),
				'mixed': ('TestingMixedReturn', {'value': ['range', 0]}),
				'show': ('TestingShow', {'value': ['mixed', 0]}),
			}
		)

		assert [node for node in desk.ran if '.' in node] == ['mixed.1.0.1', 'mixed.3.0.1']
		assert desk.ran.count('mixed') == 1


class TestCaching:
	def test_again(self, desk: Desk) -> None:
		"""The expanding node has its results, so that nothing in it runs."""
		for _ in range(2):
			desk.good({'sum': ('TestingSumTo', {'count': 5}), 'show': ('TestingShow', {'value': ['sum', 0]})})

		assert desk.ran == []
		assert desk.text('show') == ['15']

	def test_what_is_inside_is_cached_too(self, desk: Desk) -> None:
		"""One more is one addition more: the rest is what was made before."""

		def prompt(count: int) -> Prompt:
			return {'sum': ('TestingSumTo', {'count': count}), 'show': ('TestingShow', {'value': ['sum', 0]})}

		desk.good(prompt(3))
		desk.good(prompt(4))

		assert desk.ran == ['sum', 'sum.0.0.2', 'show']
		assert desk.text('show') == ['10']

	def test_a_change_inside_of_a_loop(self, desk: Desk) -> None:
		"""Other turns, the same pictures: those are not made again."""
		desk.good(halving(2))
		desk.good(halving(3))

		assert not {'white', 'black', 'half'} & set(desk.ran)
		assert 'turns' in desk.ran


class TestNative:
	def test_a_picture_is_handed_to_a_native_node(self, desk: Desk) -> None:
		"""As the tensor that the foreign node has; the native one gets it in its own form and shows it."""
		desk.good(
			{
				'image': ('TestingImage', {'content': 'WHITE', **SIZE}),
				'expand': ('TestingExpandToNative', {'image': ['image', 0]}),
				'show': ('PreviewImage', {'images': ['expand', 0]}),
			}
		)

		assert [image.size for image in desk.pictures('expand.0.0.shown')] == [(8, 8)]
		assert [image.size for image in desk.pictures('show')] == [(8, 8)]

	def test_an_item_for_each_call(self, desk: Desk) -> None:
		"""A mapped node brings a native sink per item."""
		desk.good(
			{
				'one': ('TestingImage', {'content': 'WHITE', **SIZE}),
				'two': ('TestingImage', {'content': 'BLACK', **SIZE}),
				'both': ('TestingMakeList', {'value1': ['one', 0], 'value2': ['two', 0]}),
				'expand': ('TestingExpandToNative', {'image': ['both', 0]}),
				'show': ('TestingPreview', {'images': ['expand', 0]}),
			}
		)
		colours = [desk.pictures(f'expand.{call}.0.shown')[0].getpixel((0, 0)) for call in range(2)]

		assert colours == [(255, 255, 255), (0, 0, 0)]


class TestFailures:
	@pytest.mark.parametrize(('deep', 'node'), [(False, 'bad.0.0.1'), (True, 'bad.0.0.1.0.0.1')])
	def test_inside(self, desk: Desk, deep: bool, node: str) -> None:
		"""The node that raised is told, and every expansion keeps what came before it."""
		nodes: Prompt = {
			'one': ('TestingInt', {'value': 1}),
			'bad': ('TestingFailInside', {'value': ['one', 0], 'deep': deep}),
			'show': ('TestingShow', {'value': ['bad', 0]}),
		}
		outcome = desk.run(nodes)
		desk.run(nodes)

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.message) == (node, 'Failed on purpose')
		assert 'one' not in desk.ran

	@pytest.mark.parametrize('through', [False, True])
	def test_a_link_back_to_the_expanding_node(self, desk: Desk, through: bool) -> None:
		"""Would have it wait for itself: that is a circle too, and its own fault."""
		outcome = desk.run(
			{'bad': ('TestingLinkBack', {'through': through}), 'show': ('TestingShow', {'value': ['bad', 0]})}
		)

		assert outcome.failure is not None
		assert outcome.failure.node == 'bad'
		assert 'circle' in outcome.failure.message

	@pytest.mark.parametrize('kind', ['TestingDynamicCycle', 'TestingDuplicateIds'])
	def test_the_next_prompt_works(self, desk: Desk, kind: str) -> None:
		"""Whatever an expansion has tangled up."""
		one: Prompt = {'one': ('TestingInt', {'value': 1})}
		outcome = desk.run(
			{**one, 'bad': (kind, {'value': ['one', 0]}), 'show': ('TestingShow', {'value': ['bad', 0]})}
		)
		desk.good({**one, 'show': ('TestingShow', {'value': ['one', 0]})})

		assert outcome.state == 'failed'
		assert desk.ran == ['show']

	@pytest.mark.parametrize('kind', ['TestingDynamicCycle', 'TestingDuplicateIds'])
	def test_inside_of_another_expansion(self, desk: Desk, kind: str) -> None:
		"""The node that brought the fault in is blamed, not the outermost one."""
		desk.module('expanding').TestingSumTo.expand = lambda self, count: _become(kind, count)
		outcome = desk.run({'outer': ('TestingSumTo', {'count': 1}), 'show': ('TestingShow', {'value': ['outer', 0]})})

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.kind) == ('outer.inner', kind)


def _become(kind: str, value: int) -> dict[str, object]:
	graph = {'outer.inner': {'class_type': kind, 'inputs': {'value': value}}}
	return {'result': (['outer.inner', 0],), 'expand': graph}
