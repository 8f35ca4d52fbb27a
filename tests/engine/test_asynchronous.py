import asyncio
import threading
from pathlib import Path

import pytest

from engine.context import current
from engine.events import NodeFinished
from engine.flow import Expand, Subgraph
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, cancelled_after, graph

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
async def for_ever(value: int) -> int:
	"""Ends only when it is cancelled."""
	asyncio.get_running_loop().call_soon(waits.set)
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


@node(category='test')
async def who_am_i(context: Context, value: int) -> int:
	"""Whose call it is, asked after a wait."""
	await asyncio.sleep(0)
	found = current.get()
	return value if found is context else -1


@node(kind='Tidy', category='test')
async def tidy(value: int) -> int:
	"""Has something to do after it is cancelled."""
	return await tidy_up(value)


@node(kind='TidyFar', category='test', lane='network')
async def tidy_far(value: int) -> int:
	"""The same in the loop that the other lanes share."""
	return await tidy_up(value)


async def tidy_up(value: int) -> int:
	try:
		asyncio.get_running_loop().call_soon(waits.set)
		await asyncio.sleep(3600)
	finally:
		# While it tidies up, the run must wait: without that it ends long before.
		await asyncio.to_thread(tidied.wait, 0.2)
		tidied.set()
	return value


@node(category='test', lane='network')
async def meet_far(value: int) -> int:
	"""Waits for others of its kind, in another lane."""
	await Meeting.meet(WIDTH)
	return value


@node(category='test')
async def break_one(context: Context, value: int) -> int:
	"""One item raises while the others wait."""
	if value == 1:
		await asyncio.sleep(0)
		raise RuntimeError('broken item')
	await asyncio.sleep(3600)
	return value


waits, tidied = threading.Event(), threading.Event()
computed = threading.Event()
NODES = (meet, spread, bring, break_down, for_ever, fetch, compute, who_am_i, tidy, tidy_far, meet_far, break_one)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above, and those of the test pack."""
	Meeting.reset()
	computed.clear()
	waits.clear()
	tidied.clear()
	return Bench(tmp_path, *NODES)


class TestSideBySide:
	@pytest.mark.parametrize('kind', ['Meet', 'MeetFar'])
	def test_independent_nodes_wait_together(self, bench: Bench, kind: str) -> None:
		"""None of them could go on alone, in whichever lane they are."""
		nodes: Nodes = {f'm{index}': (kind, {'value': index}) for index in range(WIDTH)}
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

	def test_each_knows_whose_call_it_is(self, bench: Bench) -> None:
		"""After a wait too, though others were called meanwhile."""
		nodes: Nodes = {f'm{index}': ('WhoAmI', {'value': index}) for index in range(WIDTH)}
		sees: Nodes = {f's{index}': ('See', {'value': (f'm{index}', 0)}) for index in range(WIDTH)}
		asked = graph({**nodes, **sees})
		bench.run(asked)

		assert [bench.outputs(asked, node) for node in nodes] == [((index,),) for index in range(WIDTH)]
		assert current.get() is None


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
		nodes: Nodes = {'ever': ('ForEver', {'value': 1}), 'see': ('See', {'value': ('ever', 0)})}
		outcome = bench.run(graph(nodes), cancel=cancelled_after(waits))

		assert (outcome.state, outcome.node) == ('cancelled', 'ever')
		assert not any(isinstance(event, NodeFinished) for event in bench.events)

	def test_an_item_that_fails_ends_the_others(self, bench: Bench) -> None:
		"""The calls of one node do not outlive it."""
		nodes: Nodes = {'list': ('Spread', {'count': 3}), 'one': ('BreakOne', {'value': ('list', 0)})}
		outcome = bench.run(graph({**nodes, 'see': ('See', {'value': ('one', 0)})}))

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.message) == ('one', 'broken item')

	@pytest.mark.parametrize('kind', ['Tidy', 'TidyFar'])
	def test_the_run_waits_for_those_that_tidy_up(self, bench: Bench, kind: str) -> None:
		"""A cancelled coroutine comes to its own end before the run does."""
		outcome = bench.run(
			graph({'tidy': (kind, {'value': 1}), 'see': ('See', {'value': ('tidy', 0)})}), cancel=cancelled_after(waits)
		)

		assert (outcome.state, outcome.node) == ('cancelled', 'tidy')
		assert tidied.is_set()
