import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.events import AnyEvent, NodeFinished, NodeStarted
from engine.lanes import Lanes
from engine.spec import Context, node
from tests.engine.tools import Bench, Nodes, graph

PATIENCE = 30.0


class Room:
	"""Steps that are in it at the same time, and a gate that opens when enough of them are."""

	def __init__(self) -> None:
		self.lock = threading.Lock()
		self.inside = 0
		self.most = 0
		self.threads: set[str] = set()
		self.gate = threading.Event()
		self.opens_at = 2

	def enter(self, *, wait: bool) -> None:
		"""Come in, stay until the gate is open if asked to, and leave."""
		with self.lock:
			self.inside += 1
			self.most = max(self.most, self.inside)
			self.threads.add(threading.current_thread().name)
			if self.inside >= self.opens_at:
				self.gate.set()
		if wait:
			assert self.gate.wait(PATIENCE)
		with self.lock:
			self.inside -= 1


room = Room()


@node(category='test', lane='cpu')
def work(value: int) -> int:
	"""Waits in the CPU lane for another."""
	room.enter(wait=True)
	return value


@node(category='test')
def compute(value: int) -> int:
	"""A step of the device lane."""
	room.enter(wait=False)
	return value


@node(category='test')
def compute_with(value: int) -> int:
	"""A step of the device lane that needs somebody beside it."""
	room.enter(wait=True)
	return value


@node(category='test', lane='cpu')
def break_down(value: int) -> int:
	"""Fails beside others."""
	raise RuntimeError('broken')


@node(category='test', lane='cpu')
def until_cancelled(context: Context, value: int) -> int:
	"""Looks at its token until it is cancelled."""
	assert context.cancel.wait(PATIENCE)
	context.check_cancelled()
	return value


@node(category='test', lane='cpu')
def deaf(context: Context, value: int) -> int:
	"""Hears of the stop and comes to its own end all the same."""
	began.set()
	assert context.cancel.wait(PATIENCE)
	left.set()
	return value


@node(category='test')
def break_beside(value: int) -> int:
	"""Fails in the device lane while another lane is at work."""
	assert began.wait(PATIENCE)
	raise RuntimeError('broken beside')


began, left = threading.Event(), threading.Event()


@node(category='test', lane='cpu')
def end_process(value: int) -> int:
	"""Tries to end the process."""
	raise SystemExit(3)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
	"""The nodes above, with two threads in the CPU lane."""
	global room
	room = Room()
	began.clear()
	left.clear()
	lanes = Lanes({'device': 1, 'cpu': 2, 'disk': 1, 'network': 1})
	nodes = (work, compute, compute_with, break_down, until_cancelled, end_process, deaf, break_beside)
	yield Bench(tmp_path, *nodes, lanes=lanes)
	lanes.close()


def side_by_side(*kinds: str) -> Nodes:
	"""Nodes of these kinds that do not need each other, each with a sink."""
	nodes: Nodes = {f'n{index}': (kind, {'value': index}) for index, kind in enumerate(kinds)}
	return {**nodes, **{f's{index}': ('See', {'value': (f'n{index}', 0)}) for index in range(len(kinds))}}


class TestLanes:
	def test_a_lane_has_several_threads(self, bench: Bench) -> None:
		"""Two steps of the CPU lane that wait for each other."""
		assert bench.run(graph(side_by_side('Work', 'Work'))).state == 'succeeded'
		assert room.most == 2
		assert len(room.threads) == 2

	def test_lanes_overlap(self, bench: Bench) -> None:
		"""A step of the device lane beside one of the CPU lane."""
		assert bench.run(graph(side_by_side('ComputeWith', 'Work'))).state == 'succeeded'
		assert room.most == 2

	def test_the_device_lane_is_serial(self, bench: Bench) -> None:
		"""One step at a time, all in the thread of the run."""
		bench.run(graph(side_by_side(*['Compute'] * 20)))

		assert room.most == 1
		assert room.threads == {threading.current_thread().name}

	def test_equal_nodes_run_once(self, bench: Bench) -> None:
		"""Though a second thread would be free for the twin."""
		room.opens_at = 1
		nodes: Nodes = {
			'a': ('Work', {'value': 1}),
			'b': ('Work', {'value': 1}),
			'sum': ('Add', {'a': ('a', 0), 'b': ('b', 0)}),
			'see': ('See', {'value': ('sum', 0)}),
		}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert room.most == 1
		assert {why.code for node in 'ab' if (why := bench.why(node)) is not None} == {'first_time', 'twin'}

	def test_a_failure_ends_the_others(self, bench: Bench) -> None:
		"""The run does not end before they have; what failed first is told."""
		outcome = bench.run(graph(side_by_side('UntilCancelled', 'BreakDown')))

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.message) == ('n1', 'broken')
		assert 'n0' not in [event.node for event in bench.events if isinstance(event, NodeFinished)]

	def test_nothing_is_left_running(self, bench: Bench) -> None:
		"""A step that does not listen is waited for, and what it made is kept."""
		nodes = side_by_side('Deaf', 'BreakBeside')
		outcome = bench.run(graph(nodes))

		assert (outcome.state, outcome.node) == ('failed', 'n1')
		assert left.is_set()
		assert bench.outputs(graph(nodes), 'n0') == ((0,),)

	def test_a_cancel_reaches_every_lane(self, bench: Bench) -> None:
		"""Steps look at one token."""
		cancel = CancelToken()

		def stop(event: AnyEvent) -> None:
			started = [one for one in bench.events if isinstance(one, NodeStarted)]
			if len(started) == 2:
				cancel.cancel()

		bench.on_event = stop
		outcome = bench.run(graph(side_by_side('UntilCancelled', 'UntilCancelled')), cancel=cancel)

		assert outcome.state == 'cancelled'

	def test_a_node_cannot_end_the_process(self, bench: Bench) -> None:
		"""`sys.exit` in a node is a failure of that node, in any lane."""
		outcome = bench.run(graph(side_by_side('EndProcess')))

		assert outcome.failure is not None
		assert (outcome.failure.node, outcome.failure.exception_type) == ('n0', 'SystemExit')

	def test_many_steps_that_cross_lanes(self, bench: Bench) -> None:
		"""Chains that go to and fro come to their end, whoever wakes whom."""
		room.opens_at = 1
		nodes: Nodes = {}
		for chain in range(8):
			for index in range(40):
				kind = ('Work', 'Compute')[(index + chain) % 2]
				source: object = (f'{chain}.{index - 1}', 0) if index else chain * 1000
				nodes = {**nodes, f'{chain}.{index}': (kind, {'value': source})}
			nodes = {**nodes, f'see{chain}': ('See', {'value': (f'{chain}.39', 0)})}

		assert bench.run(graph(nodes)).state == 'succeeded'
		assert sum(isinstance(event, NodeFinished) for event in bench.events) == 8 * 41
