import asyncio
import random
import threading
import time
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import JobCancelled
from engine.events import AnyEvent, JobFinished, NodeFinished, NodeProgress, NodeStarted
from engine.flow import Expand, Subgraph
from engine.spec import Context, node
from tests.engine.tools import SUM, Bench, Nodes, cancelled_after, chain, graph

WAITING: Nodes = {
	'one': ('Number', {'value': 1}),
	'wait': ('Wait', {'value': ('one', 0)}),
	'see': ('See', {'value': ('wait', 0)}),
}


@node(category='test', lane='cpu')
def grow(context: Context, value: int, times: int) -> int | Expand:
	"""A loop by expansion."""
	if times == 0:
		return value
	subgraph = Subgraph(context.node)
	return subgraph.expand(
		subgraph.add('Add', a=subgraph.add('Grow', value=value, times=times - 1).output(), b=1).output()
	)


@node(category='test', lane='network')
async def breathe(value: int) -> int:
	"""A coroutine with a few waits."""
	for _ in range(5):
		await asyncio.sleep(0)
	return value + 1


class TestCancel:
	def test_before_the_first_node(self, bench: Bench, calls: list[str]) -> None:
		"""Nothing runs."""
		cancel = CancelToken()
		cancel.cancel()
		outcome = bench.run(graph(SUM), cancel=cancel)

		assert outcome.state == 'cancelled'
		assert (outcome.node, outcome.executed) == (None, ())
		assert calls == []

	def test_while_a_node_runs(self, bench: Bench, calls: list[str]) -> None:
		"""The node that was stopped is named; what was finished stays cached."""
		cancel, began = CancelToken(), threading.Event()
		bench.on_event = lambda event: began.set() if isinstance(event, NodeProgress) else None
		outcomes: list[JobFinished] = []
		thread = threading.Thread(target=lambda: outcomes.append(bench.run(graph(WAITING), cancel=cancel)))
		thread.start()
		assert began.wait(30)
		cancel.cancel()
		thread.join(30)
		[outcome] = outcomes

		assert outcome.state == 'cancelled'
		assert (outcome.node, outcome.kind) == ('wait', 'Wait')
		assert outcome.executed == ('one',)
		assert outcome.failure is None
		assert calls == ['one', 'wait']
		assert len(bench.memory) == 1

	def test_between_two_nodes(self, tmp_path: Path, calls: list[str]) -> None:
		"""A node that does not look keeps its result; the next does not begin."""
		cancel = CancelToken()

		@node(category='test')
		def deaf() -> int:
			cancel.cancel()
			return 1

		bench = Bench(tmp_path, deaf)
		outcome = bench.run(graph({'d': ('Deaf', {}), 'see': ('See', {'value': ('d', 0)})}), cancel=cancel)

		assert outcome.state == 'cancelled'
		assert outcome.node is None
		assert outcome.executed == ('d',)
		assert len(bench.memory) == 1
		assert calls == []

	def test_a_node_that_stops_itself(self, tmp_path: Path) -> None:
		"""`JobCancelled` from a node is a stop, not a failure."""

		@node(category='test', sink=True)
		def stop() -> None:
			raise JobCancelled

		assert Bench(tmp_path, stop).run(graph({'s': ('Stop', {})})).state == 'cancelled'

	def test_while_a_coroutine_comes_to_its_end(self, tmp_path: Path) -> None:
		"""One that does not see the stop any more has its results, and the run ends all the same."""
		bench, cancel = Bench(tmp_path, breathe), CancelToken()

		def stop_late(event: AnyEvent) -> None:
			if isinstance(event, NodeFinished) and event.node == 'breathe':
				cancel.cancel()
				time.sleep(0.2)  # the job's thread waits for this one by now; no event tells

		bench.on_event = stop_late
		nodes: Nodes = {
			'breathe': ('Breathe', {'value': 2}),
			'wait': ('Wait', {'value': 1}),
			'sum': ('Add', {'a': ('breathe', 0), 'b': ('wait', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}
		outcomes: list[JobFinished] = []
		thread = threading.Thread(target=lambda: outcomes.append(bench.run(graph(nodes), cancel=cancel)), daemon=True)
		thread.start()
		thread.join(30)

		assert [(outcome.state, outcome.executed) for outcome in outcomes] == [('cancelled', ('breathe',))]


class TestNextRun:
	@pytest.mark.parametrize('moment', range(7))
	def test_it_does_the_rest(self, bench: Bench, calls: list[str], moment: int) -> None:
		"""Stopped at any step, what was done is not done again, and nothing else is left out."""
		asked, cancel = chain(6), CancelToken()

		def count(event: AnyEvent) -> None:
			if isinstance(event, NodeStarted) and int(event.node) == moment:
				cancel.cancel()

		bench.on_event = count
		first = bench.run(asked, cancel=cancel)
		done = list(calls)
		bench.on_event = lambda event: None
		second = bench.run(asked)

		assert first.state == ('cancelled' if moment < 6 else 'succeeded')
		assert second.state == 'succeeded'
		assert done == list(first.executed)
		assert calls[len(done) :] == [str(index) for index in range(len(done), 6)]

	@pytest.mark.parametrize('seed', range(12))
	def test_from_another_thread_at_any_moment(self, tmp_path: Path, seed: int) -> None:
		"""A loop by expansion beside coroutines and two lanes, stopped by somebody else, ends as if nothing had been."""
		bench = Bench(tmp_path, grow, breathe)
		nodes: Nodes = {
			'grow': ('Grow', {'value': 1, 'times': 5}),
			'breathe': ('Breathe', {'value': 2}),
			'sum': ('Add', {'a': ('grow', 0), 'b': ('breathe', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}
		moment, reached = random.Random(seed).randrange(1, 24), threading.Event()
		bench.on_event = lambda event: reached.set() if len(bench.events) >= moment else None
		first = bench.run(graph(nodes), cancel=cancelled_after(reached))
		reached.set()  # should the run have ended before
		done = set(first.executed)
		bench.events.clear()
		second = bench.run(graph(nodes))
		again = {event.node for event in bench.events if isinstance(event, NodeStarted)}

		assert first.state in ('cancelled', 'succeeded')
		assert second.state == 'succeeded'
		assert not done & again
		assert bench.outputs(graph(nodes), 'sum') == ((9,),)
