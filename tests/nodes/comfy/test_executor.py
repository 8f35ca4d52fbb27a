"""ComfyUI-style nodes in the executor, all in this process: what `engine` makes of their semantics."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.events import NodeBlocked, NodeFinished, NodeProgress
from engine.runner import Runner
from engine.settings import Settings
from tests.nodes.comfy.desk import LOOP, Desk, Prompt


class TestLists:
	def test_mapping(self, desk: Desk) -> None:
		"""Once per item; shorter lists repeat their last; what the calls show is joined."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 4}),
				'short': ('TestingIntRange', {'start': 10, 'stop': 12}),
				'add': ('TestingAdd', {'a': ['range', 0], 'b': ['short', 0]}),
				'show': ('TestingShow', {'value': ['add', 0]}),
			}
		)

		assert desk.text('show') == ['10', '12', '13', '14']

	def test_whole_lists(self, desk: Desk) -> None:
		"""INPUT_IS_LIST: one call; constants come as lists too."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 4}),
				'sum': ('TestingSumList', {'values': ['range', 0], 'factor': 3}),
				'show': ('TestingShow', {'value': ['sum', 0]}),
				'length': ('TestingShow', {'value': ['sum', 1]}),
			}
		)

		assert (desk.text('show'), desk.text('length')) == (['18'], ['4'])

	def test_one_output_is_a_list(self, desk: Desk) -> None:
		"""And another is not."""
		desk.good(
			{
				'split': ('TestingSplit', {'text': 'a,b,c'}),
				'parts': ('TestingShow', {'value': ['split', 0]}),
				'count': ('TestingShow', {'value': ['split', 1]}),
			}
		)

		assert (desk.text('parts'), desk.text('count')) == (['a', 'b', 'c'], ['3'])

	@pytest.mark.parametrize(('on', 'text'), [(False, '0'), (True, '6')])
	def test_lazy_lists(self, desk: Desk, on: bool, text: str) -> None:
		"""A lazy list that is not asked for is not made."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 4}),
				'lazy': ('TestingLazyList', {'on': on, 'values': ['range', 0]}),
				'show': ('TestingShow', {'value': ['lazy', 0]}),
			}
		)

		assert desk.text('show') == [text]
		assert ('range' in desk.ran) == on


class TestLazy:
	@pytest.mark.parametrize(('mask', 'wanted'), [(0.0, {'a'}), (1.0, {'b'}), (0.5, {'a', 'b'})])
	def test_only_what_is_asked_for(self, desk: Desk, mask: float, wanted: set[str]) -> None:
		"""A mixer that looks at its mask first."""
		size = {'height': 8, 'width': 8, 'batch_size': 1}
		desk.good(
			{
				'a': ('TestingImage', {'content': 'WHITE', **size}),
				'b': ('TestingImage', {'content': 'BLACK', **size}),
				'mask': ('TestingMask', {'value': mask, 'height': 8, 'width': 8}),
				'mix': ('TestingLazyMix', {'image1': ['a', 0], 'image2': ['b', 0], 'mask': ['mask', 0]}),
				'preview': ('PreviewImage', {'images': ['mix', 0]}),
			}
		)

		assert {node for node in desk.ran if node in ('a', 'b')} == wanted


class TestChanges:
	@pytest.mark.parametrize(
		('kind', 'again'),
		[
			('TestingCounter', False),
			('TestingChangedFalse', False),
			('TestingChangedValue', False),
			('TestingChangedAsync', False),
			('TestingChangedNaN', True),
			('TestingChangedError', True),
		],
	)
	def test_the_same_again(self, desk: Desk, kind: str, again: bool) -> None:
		"""What says that it changed at any time, or cannot tell, runs each time."""
		nodes: Prompt = {'n': (kind, {'value': 1}), 'show': ('TestingShow', {'value': ['n', 0]})}
		desk.good(nodes)
		desk.good(nodes)

		assert ('n' in desk.ran) == again

	def test_an_instance_lives_as_long_as_its_node(self, desk: Desk) -> None:
		"""It counts its calls from prompt to prompt, until one comes without it."""

		def prompt(value: int) -> Prompt:
			return {'n': ('TestingCounter', {'value': value}), 'show': ('TestingShow', {'value': ['n', 0]})}

		counts = [desk.good(prompt(value)).text('show') for value in range(3)]
		desk.good({'other': ('TestingCounter', {'value': 9}), 'show': ('TestingShow', {'value': ['other', 0]})})

		assert counts == [['1'], ['2'], ['3']]
		assert desk.good(prompt(10)).text('show') == ['1']

	@pytest.mark.parametrize(
		('kind', 'again'), [('TestingInt', False), ('TestingNotIdempotent', True), ('TestingUniqueId', True)]
	)
	def test_another_id(self, desk: Desk, kind: str, again: bool) -> None:
		"""Renumbered nodes are the same, but for those that see their id or say that they differ."""
		desk.good({'1': (kind, {'value': 1}), '2': ('TestingShow', {'value': ['1', 0]})})
		desk.good({'7': (kind, {'value': 1}), '8': ('TestingShow', {'value': ['7', 0]})})

		assert ('7' in desk.ran) == again

	def test_other_code_of_the_pack(self, desk: Desk, tmp_path: Path) -> None:
		"""An edited pack runs its own nodes again; built-in ones stay cached."""
		nodes: Prompt = {
			'latent': ('EmptyLatentImage', {'width': 64, 'height': 64, 'batch_size': 1}),
			'any': ('TestingAny', {'value': ['latent', 0]}),
			'show': ('TestingShow', {'value': ['any', 0]}),
		}
		kept = Desk(tmp_path)
		kept.runner = Runner(Settings(base=tmp_path), kept.events.append)
		kept.good(nodes)
		source = tmp_path / 'custom_nodes' / 'testing-pack' / 'nodes' / 'passing.py'
		source.write_text(source.read_text() + '\n')
		later = Desk(tmp_path)
		later.runner = Runner(Settings(base=tmp_path), later.events.append)
		later.good(nodes)

		assert 'latent' not in later.ran
		assert 'any' in later.ran


class TestExpansion:
	@pytest.mark.parametrize('turns', [1, 2, 3, 4])
	def test_a_loop_by_recursive_expansion(self, desk: Desk, turns: int) -> None:
		"""What stands before the loop runs once; each turn doubles."""
		desk.good({'turns': ('TestingInt', {'value': turns}), 'start': ('TestingInt', {'value': 7}), **LOOP})

		assert desk.text('show') == [str(7 * 2**turns)]
		assert desk.ran.count('start') == 1

	def test_a_longer_loop_goes_on_from_a_shorter_one(self, desk: Desk) -> None:
		"""Nodes of turns that were made before are cached."""
		first: Prompt = {'turns': ('TestingInt', {'value': 3}), 'start': ('TestingInt', {'value': 3}), **LOOP}
		desk.good(first)
		before = len(desk.ran)
		desk.good(first)

		assert desk.ran == []

		desk.good({**first, 'start': ('TestingInt', {'value': 4})})

		assert 0 < len(desk.ran) <= before
		assert desk.text('show') == ['32']

	def test_what_is_read_through_the_graph_counts(self, desk: Desk) -> None:
		"""A node that gets a link may read other outputs of what it leads to: equal inputs are then not enough."""
		texts = [
			desk.good(
				{
					'turns': ('TestingInt', {'value': value}),
					'open': ('TestingLoopOpen', {'value1': ['turns', 0]}),
					'peek': ('TestingPeek', {'flow': ['open', 0]}),
					'show': ('TestingShow', {'value': ['peek', 0]}),
				}
			).text('show')
			for value in (1, 2, 1)
		]

		assert texts == [['1 from 5'], ['2 from 5'], ['1 from 5']]

	def test_recursion(self, desk: Desk) -> None:
		"""A node that becomes itself with one less."""
		desk.good({'sum': ('TestingSumTo', {'count': 20}), 'show': ('TestingShow', {'value': ['sum', 0]})})

		assert desk.text('show') == ['210']

	def test_mixed_returns(self, desk: Desk) -> None:
		"""Plain and expanded results of one mapped node."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 5}),
				'mixed': ('TestingMixedReturn', {'value': ['range', 0]}),
				'show': ('TestingShow', {'value': ['mixed', 0]}),
			}
		)

		assert desk.text('show') == ['0', '11', '2', '13', '4']

	def test_outputs_inside(self, desk: Desk) -> None:
		"""They run, and what the expanding node shows itself is kept."""
		desk.good({'out': ('TestingExpandToOutputs', {'value': 5}), 'show': ('TestingShow', {'value': ['out', 0]})})
		inner = [one.node for one in desk.events if isinstance(one, NodeFinished) and one.node.startswith('out.')]

		assert [desk.text(node) for node in inner] == [['5']]
		assert desk.text('out') == ['expanded']

	def test_objects_are_handed_over(self, desk: Desk) -> None:
		"""A tensor in a dict reaches the new node."""
		size = {'height': 8, 'width': 8, 'batch_size': 1}
		nodes: Prompt = {
			'image': ('TestingImage', {'content': 'WHITE', **size}),
			'hold': ('TestingExpandObjects', {'value': ['image', 0]}),
			'show': ('TestingShow', {'value': ['hold', 0]}),
		}
		desk.good(nodes)

		assert str((desk.text('show') or [''])[0]).startswith("{'held': tensor(")

		desk.good(nodes)

		assert desk.ran == []

	@pytest.mark.parametrize(
		('kind', 'words'), [('TestingDynamicCycle', 'circle'), ('TestingDuplicateIds', 'ids that are taken')]
	)
	def test_the_expanding_node_is_blamed(self, desk: Desk, kind: str, words: str) -> None:
		"""And what ran before it stays cached."""
		nodes: Prompt = {
			'one': ('TestingInt', {'value': 1}),
			'bad': (kind, {'value': ['one', 0]}),
			'show': ('TestingShow', {'value': ['bad', 0]}),
		}
		outcome = desk.run(nodes)

		assert outcome.failure is not None
		assert outcome.failure.node == 'bad'
		assert words in outcome.failure.message

		desk.run(nodes)

		assert 'one' not in desk.ran


class TestBlocking:
	def test_on_some_items(self, desk: Desk) -> None:
		"""The others are shown."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 4}),
				'big': ('TestingLess', {'a': 1, 'b': ['range', 0]}),
				'block': ('TestingBlock', {'value': ['range', 0], 'block': ['big', 0], 'verbose': False}),
				'show': ('TestingShow', {'value': ['block', 0]}),
			}
		)

		assert desk.text('show') == ['0', '1']

	def test_with_a_message(self, desk: Desk) -> None:
		"""Told once, at the first node behind it; the other branch is made."""
		desk.good(
			{
				'one': ('TestingInt', {'value': 1}),
				'block': ('TestingBlock', {'value': ['one', 0], 'block': True, 'verbose': True}),
				'next': ('TestingAny', {'value': ['block', 0]}),
				'last': ('TestingShow', {'value': ['next', 0]}),
				'other': ('TestingShow', {'value': ['one', 0]}),
			}
		)

		assert [(one.node, one.message) for one in desk.events if isinstance(one, NodeBlocked)] == [
			('next', 'Blocked on purpose')
		]
		assert desk.text('last') is None
		assert desk.text('other') == ['1']


class TestCoroutines:
	def test_an_error_fails_the_job_and_no_other(self, desk: Desk) -> None:
		"""The next job works."""
		bad: Prompt = {
			'bad': ('TestingAsyncError', {'value': 1, 'seconds': 0.0}),
			'show': ('TestingShow', {'value': ['bad', 0]}),
		}

		assert desk.run(bad).state == 'failed'
		desk.good({'one': ('TestingInt', {'value': 1}), 'show': ('TestingShow', {'value': ['one', 0]})})

	def test_each_call_knows_itself(self, desk: Desk) -> None:
		"""The executing context of mapped calls side by side."""
		desk.good(
			{
				'range': ('TestingIntRange', {'start': 0, 'stop': 3}),
				'who': ('TestingWho', {'value': ['range', 0]}),
				'show': ('TestingShow', {'value': ['who', 0]}),
			}
		)

		assert desk.text('show') == ['who:0', 'who:1', 'who:2']

	@pytest.mark.parametrize('kind', ['TestingProgress', 'TestingProgressAsync', 'TestingProgressSync'])
	def test_progress(self, desk: Desk, kind: str) -> None:
		"""By the bar, and by either API."""
		desk.good({'p': (kind, {'value': 1, 'steps': 3}), 'show': ('TestingShow', {'value': ['p', 0]})})
		ticks = [(one.node, one.done, one.total) for one in desk.events if isinstance(one, NodeProgress)]

		assert ticks[-1] == ('p', 3, 3)


class TestInputs:
	def test_undeclared_links_reach_the_node(self, desk: Desk) -> None:
		"""Where nothing is declared, links do and constants do not."""
		desk.good(
			{
				'one': ('TestingInt', {'value': 1}),
				'any': ('TestingLinkedOnly', {'x': ['one', 0], 'y': 5}),
				'show': ('TestingShow', {'value': ['any', 0]}),
			}
		)

		assert desk.text('show') == ['x=1']

	def test_inputs_of_any_name(self, desk: Desk) -> None:
		"""A class that says yes to every name gets constants too."""
		desk.good({'one': ('TestingInt', {'value': 1}), 'u': ('TestingUndeclared', {'x': ['one', 0], 'y': 5})})

		assert desk.text('u') == ['x=1', 'y=5']


class TestMixed:
	def test_native_and_foreign_nodes_in_one_graph(self, desk: Desk) -> None:
		"""A foreign picture through a wildcard node into a native sink."""
		size = {'height': 8, 'width': 8, 'batch_size': 2}
		desk.good(
			{
				'image': ('TestingImage', {'content': 'WHITE', **size}),
				'any': ('TestingAny', {'value': ['image', 0]}),
				'one': ('PreviewImage', {'images': ['any', 0]}),
				'two': ('PreviewImage', {'images': ['image', 0]}),
			}
		)
		shown = {
			one.node: len(one.ui.images) for one in desk.events if isinstance(one, NodeFinished) and one.ui is not None
		}

		assert shown == {'one': 2, 'two': 2}

	def test_a_failing_node_leaves_the_others_results(self, desk: Desk) -> None:
		"""They are not computed again."""
		nodes: Prompt = {
			'one': ('TestingInt', {'value': 1}),
			'bad': ('TestingError', {'value': ['one', 0]}),
			'show': ('TestingShow', {'value': ['bad', 0]}),
		}

		assert desk.run(nodes).state == 'failed'

		desk.run(nodes)

		assert desk.ran == ['bad']
