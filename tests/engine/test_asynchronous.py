import asyncio
import threading
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.events import AnyEvent, NodeFinished, NodeStarted
from engine.flow import Expand, Subgraph
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, graph

PATIENCE = 30.0
WIDTH = 3


class Meeting:
	"""Coroutines that go on only when so many of them wait at once."""

	waiting = 0
	most = 0
	arrived: asyncio.Event | None = None

	@classmethod
	def reset(cls) -> None:
		cls.waiting, cls.most, cls.arrived = 0, 0, None

	@classmethod
	async def meet(cls, count: int) -> None:
		cls.arrived = cls.arrived or asyncio.Event()
		cls.waiting += 1
		cls.most = max(cls.most, cls.waiting)
		if cls.waiting >= count:
			cls.arrived.set()
		await asyncio.wait_for(cls.arrived.wait(), PATIENCE)


@node(category='test')
async def meet(value: int) -> int:
	"""Waits for others of its kind."""
	await Meeting.meet(WIDTH)
	return value


@node(category='test')
def spread(count: int) -> list[int]:
	"""Several items."""
	return list(range(count))


@node(category='test')
def bring(context: Context, value: int) -> int | Expand:
	"""Becomes nodes that wait for each other."""
	subgraph = Subgraph(context.node)
	first, second, third = (subgraph.add('Meet', value=value + index) for index in range(WIDTH))
	both = subgraph.add('Add', a=first.output(), b=second.output())
	return subgraph.expand(subgraph.add('Add', a=both.output(), b=third.output()).output())


@node(category='test')
async def break_down(value: int) -> int:
	"""Raises after a wait."""
	await asyncio.sleep(0)
	raise RuntimeError(f'broken {value}')


@node(category='test')
async def for_ever(context: Context, value: int) -> int:
	"""Ends only when it is cancelled."""
	context.progress(1, 2)
	await asyncio.sleep(3600)
	return value


@node(category='test', lane='network')
async def fetch(value: int) -> int:
	"""Waits for what the device lane does meanwhile."""
	await asyncio.to_thread(computed.wait, PATIENCE)
	return value


@node(category='test')
def compute(value: int) -> int:
	"""A step of the device lane."""
	computed.set()
	return value


computed = threading.Event()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above, and those of the test pack."""
	Meeting.reset()
	computed.clear()
	return Bench(tmp_path, meet, spread, bring, break_down, for_ever, fetch, compute)


class TestSideBySide:
	def test_independent_nodes_wait_together(self, bench: Bench) -> None:
		"""None of them could go on alone."""
		nodes: Nodes = {f'm{index}': ('Meet', {'value': index}) for index in range(WIDTH)}
		sees: Nodes = {f's{index}': ('See', {'value': (f'm{index}', 0)}) for index in range(WIDTH)}
		outcome = bench.run(graph({**nodes, **sees}))

		assert outcome.state == 'succeeded', outcome.failure
		assert Meeting.most == WIDTH

	def test_nodes_of_an_expansion_too(self, bench: Bench) -> None:
		"""As if they had been submitted."""
		outcome = bench.run(graph({'bring': ('Bring', {'value': 1}), 'see': ('See', {'value': ('bring', 0)})}))

		assert outcome.state == 'succeeded', outcome.failure
		assert Meeting.most == WIDTH

	def test_the_calls_of_one_mapped_node_too(self, bench: Bench) -> None:
		"""One call per item, all at once."""
		nodes: Nodes = {
			'list': ('Spread', {'count': WIDTH}),
			'meet': ('Meet', {'value': ('list', 0)}),
			'see': ('See', {'value': ('meet', 0)}),
		}
		outcome = bench.run(graph(nodes))

		assert outcome.state == 'succeeded', outcome.failure
		assert Meeting.most == WIDTH

	def test_a_coroutine_of_another_lane_beside_a_step(self, bench: Bench) -> None:
		"""It is started, and ends only because the device lane goes on meanwhile."""
		nodes: Nodes = {
			'fetch': ('Fetch', {'value': 1}),
			'compute': ('Compute', {'value': 2}),
			'sum': ('Add', {'a': ('fetch', 0), 'b': ('compute', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'

	def test_what_needs_a_coroutine_comes_after_it(self, bench: Bench, calls: list[str]) -> None:
		"""Plain nodes before and behind keep their order."""
		nodes: Nodes = {
			'one': ('Number', {'value': 1}),
			**{f'm{index}': ('Meet', {'value': ('one', 0)}) for index in range(1)},
			'two': ('Meet', {'value': 2}),
			'three': ('Meet', {'value': 3}),
			'sum': ('Add', {'a': ('m0', 0), 'b': ('two', 0)}),
			'all': ('Add', {'a': ('sum', 0), 'b': ('three', 0)}),
			'see': ('See', {'value': ('all', 0)}),
		}
		bench.run(graph(nodes))

		assert calls == ['one', 'sum', 'all', 'see']


class TestEnd:
	def test_an_error_fails_the_job(self, bench: Bench) -> None:
		"""And the next one works."""
		bad: Nodes = {'bad': ('BreakDown', {'value': 7}), 'see': ('See', {'value': ('bad', 0)})}
		outcome = bench.run(graph(bad))

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.message) == ('bad', 'broken 7')
		assert (
			bench.run(graph({'one': ('Number', {'value': 1}), 'see': ('See', {'value': ('one', 0)})})).state
			== 'succeeded'
		)

	def test_others_are_cancelled_with_it(self, bench: Bench) -> None:
		"""The run ends though one of its coroutines would never end."""
		nodes: Nodes = {
			'ever': ('ForEver', {'value': 1}),
			'bad': ('BreakDown', {'value': 7}),
			'sum': ('Add', {'a': ('ever', 0), 'b': ('bad', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}
		outcome = bench.run(graph(nodes))

		assert outcome.state == 'failed'
		assert outcome.node == 'bad'

	def test_a_cancel_ends_a_wait(self, bench: Bench) -> None:
		"""From another thread, at once; the node is told."""
		cancel = CancelToken()

		def stop(event: AnyEvent) -> None:
			if isinstance(event, NodeStarted) and event.node == 'ever':
				threading.Timer(0.05, cancel.cancel).start()

		bench.on_event = stop
		nodes: Nodes = {'ever': ('ForEver', {'value': 1}), 'see': ('See', {'value': ('ever', 0)})}
		outcome = bench.run(graph(nodes), cancel=cancel)

		assert (outcome.state, outcome.node) == ('cancelled', 'ever')
		assert not any(isinstance(event, NodeFinished) for event in bench.events)
