"""Loops, run by the engine."""

from __future__ import annotations

import pytest

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.errors import BadInput
from engine.events import NodeFinished
from engine.graph import Graph
from engine.live import LiveGraph
from nodes.loop import Loop, end
from tests.nodes.conftest import Bench, link, make_graph


def counting(rounds: int, formula: str, *, first: int = 1, until: str = 'a > -1') -> Graph:
	"""A loop over one number: `a` is the value, `b` the number of the round; it goes on while `until` holds of it."""
	return make_graph(
		start=('LoopStart', {'value': first}),
		step=(
			'ComfyMathExpression',
			{'expression': formula, 'values.a': link('start', 2), 'values.b': link('start', 1)},
		),
		test=('ComfyMathExpression', {'expression': until, 'values.a': link('step', 1)}),
		end=(
			'LoopEnd',
			{'loop': link('start'), 'rounds': rounds, 'again': link('test', 2), 'value': link('step', 1)},
		),
		show=('PreviewAny', {'source': link('end')}),
	)


def shown(bench: Bench, graph: Graph) -> str:
	"""What the loop's value is in the end."""
	outcome = bench.run(graph)
	assert outcome.state == 'succeeded', outcome
	(text,) = [event.ui.root['text'] for event in bench.events if isinstance(event, NodeFinished) and event.ui]
	return str(text[0])


class TestRounds:
	def test_so_many(self, bench: Bench) -> None:
		"""Each begins with what the one before gave."""
		assert shown(bench, counting(1, 'a * 2')) == '2'
		assert shown(bench, counting(5, 'a * 2')) == '32'

	def test_their_number(self, bench: Bench) -> None:
		"""It counts from 0."""
		assert shown(bench, counting(4, 'a * 10 + b', first=9)) == '90123'

	def test_while(self, bench: Bench) -> None:
		"""It ends as soon as the condition does not hold of what a round gave."""
		assert shown(bench, counting(100, 'a * 2', until='a < 50')) == '64'
		assert shown(bench, counting(100, 'a * 2', until='a < 0')) == '2'

	def test_many(self, bench: Bench) -> None:
		"""Nothing is recursive."""
		assert shown(bench, counting(300, 'a + 1', first=0)) == '300'

	def test_rounds_are_cached(self, bench: Bench) -> None:
		"""A second run of it calls nothing; a longer loop calls only the rounds that are new."""
		shown(bench, counting(3, 'a * 2'))
		shown(bench, counting(3, 'a * 2'))

		assert bench.called == []

	def test_it_is_stable(self, bench: Bench) -> None:
		"""Two loops in one graph do not get in each other's way."""
		one, other = counting(3, 'a + 1', first=0), counting(4, 'a + 2', first=0)
		renamed = make_graph(
			start2=('LoopStart', {'value': 0}),
			step2=('ComfyMathExpression', {'expression': 'a + 2', 'values.a': link('start2', 2)}),
			end2=('LoopEnd', {'loop': link('start2'), 'rounds': 4, 'value': link('step2', 1)}),
			show2=('PreviewAny', {'source': link('end2')}),
		)
		bench.run(Graph({**one.calls, **renamed.calls}))
		texts = {
			event.node: event.ui.root['text'][0]
			for event in bench.events
			if isinstance(event, NodeFinished) and event.ui is not None
		}

		assert texts == {'show': '3', 'show2': '8'}
		assert shown(bench, other) == '8'


class TestBody:
	def test_what_is_outside_is_run_once(self, bench: Bench) -> None:
		"""Only what lies between start and end is copied."""
		graph = make_graph(
			outside=('PrimitiveInt', {'value': 5}),
			start=('LoopStart', {'value': 1}),
			step=(
				'ComfyMathExpression',
				{'expression': 'a + b', 'values.a': link('start', 2), 'values.b': link('outside')},
			),
			end=('LoopEnd', {'loop': link('start'), 'rounds': 3, 'value': link('step', 1)}),
			show=('PreviewAny', {'source': link('end')}),
		)

		assert shown(bench, graph) == '16'
		assert bench.called.count('outside') == 1

	def test_loops_in_loops(self, bench: Bench) -> None:
		"""The inner one begins anew in each round of the outer one."""
		graph = make_graph(
			outer=('LoopStart', {'value': 1}),
			inner=('LoopStart', {'value': link('outer', 2)}),
			step=('ComfyMathExpression', {'expression': 'a * 2', 'values.a': link('inner', 2)}),
			inner_end=('LoopEnd', {'loop': link('inner'), 'rounds': 2, 'value': link('step', 1)}),
			more=('ComfyMathExpression', {'expression': 'a + 1', 'values.a': link('inner_end')}),
			outer_end=('LoopEnd', {'loop': link('outer'), 'rounds': 3, 'value': link('more', 1)}),
			show=('PreviewAny', {'source': link('outer_end')}),
		)

		# 1 → 5 → 21 → 85: times four, and one more.
		assert shown(bench, graph) == '85'

	def test_several_values(self, bench: Bench) -> None:
		"""Fibonacci's numbers."""
		graph = make_graph(
			start=('LoopStart', {'value': 0, 'value2': 1}),
			step=(
				'ComfyMathExpression',
				{'expression': 'a + b', 'values.a': link('start', 2), 'values.b': link('start', 3)},
			),
			end=(
				'LoopEnd',
				{'loop': link('start'), 'rounds': 10, 'value': link('start', 3), 'value2': link('step', 1)},
			),
			show=('PreviewAny', {'source': link('end')}),
		)

		assert shown(bench, graph) == '55'

	def test_pictures(self, bench: Bench) -> None:
		"""Values of any kind go round."""
		graph = make_graph(
			empty=('EmptyImage', {'width': 2, 'height': 3, 'batch_size': 1, 'color': 0}),
			start=('LoopStart', {'value': link('empty')}),
			step=('ImageRotate', {'image': link('start', 2), 'rotation': '90 degrees'}),
			end=('LoopEnd', {'loop': link('start'), 'rounds': 3, 'value': link('step')}),
			show=('PreviewAny', {'source': link('end')}),
		)

		assert shown(bench, graph) == 'Images [1, 2, 3, 3]'

	def test_a_start_by_a_detour(self, bench: Bench) -> None:
		"""The loop may come through other nodes: they are part of it."""
		graph = make_graph(
			start=('LoopStart', {'value': 1}),
			detour=('Reroute', {'value': link('start')}),
			step=('ComfyMathExpression', {'expression': 'a + 1', 'values.a': link('start', 2)}),
			end=('LoopEnd', {'loop': link('detour'), 'rounds': 2, 'value': link('step', 1)}),
			show=('PreviewAny', {'source': link('end')}),
		)

		assert shown(bench, graph) == '3'

	def test_a_start_that_does_not_lead_here(self, bench: Bench) -> None:
		"""A round of a loop that is no part of the graph is refused, with the start's name."""
		graph = make_graph(end=('LoopEnd', {'rounds': 2}))
		context = Context(
			JobInfo('job'),
			'end',
			models=bench.runner.models,
			storage=bench.runner.storage,
			cancel=CancelToken(),
			publish=lambda event: None,
			graph=LiveGraph(graph),
		)

		with pytest.raises(BadInput, match='elsewhere'):
			end(context, Loop('elsewhere', 0), 2)
