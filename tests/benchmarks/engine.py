"""What the engine costs, and whether that stays flat: `python -m tests.benchmarks.engine`.

Times are of this machine, the best of several rounds; what counts are the ratios within one run. Planning is compared
with networkx's topological sort of the same graph.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import networkx as nx

from engine.context import JobInfo
from engine.events import AnyEvent, NodeFinished
from engine.graph import Call, Constant, Graph, NodeId
from engine.runner import Runner, tune_collector
from engine.settings import Settings
from tests.benchmarks import server
from tests.benchmarks.shapes import SHAPES, chain, link
from tests.benchmarks.shapes import build as graph_of

ROUNDS = 5
PLANNING_ROUNDS = 20
KILLED_STEPS = 40
KILLED_AFTER = 15
STEP_SECONDS = 0.02


def best(call: Callable[[], object], rounds: int = ROUNDS) -> float:
	"""The shortest of several calls, in seconds."""
	found = []
	for _ in range(rounds):
		began = time.perf_counter()
		call()
		found.append(time.perf_counter() - began)
	return min(found)


def runner_in(folder: str, listen: Callable[[AnyEvent], None] = lambda event: None) -> Runner:
	"""An engine with the benchmark's nodes and a cache on disk."""
	return Runner(Settings(base=Path(folder)), listen, pack='tests.benchmarks.pack')


def run(runner: Runner, graph: Graph) -> None:
	"""Check and run a graph."""
	outcome = runner.run_all(graph, JobInfo('benchmark'))
	assert outcome.state == 'succeeded', outcome.failure


def time_of(runner: Runner, graph: Graph, rounds: int = 1) -> float:
	"""The seconds of the shortest of several runs of one graph."""
	return best(partial(run, runner, graph), rounds)


def topological_sort(graph: Graph) -> list[NodeId]:
	"""The same order by networkx, from the links on."""
	network: nx.DiGraph[NodeId] = nx.DiGraph()
	network.add_nodes_from(graph.calls)
	network.add_edges_from((source.node, node) for node, _, source in graph.links())
	return list(nx.topological_sort(network))


def planning(runner: Runner, graph: Graph) -> float:
	"""Seconds for keys, order and what is pending."""
	sinks = runner.check(graph).sinks
	return best(lambda: runner.plan(graph, sinks).pending(runner.cache.__contains__), PLANNING_ROUNDS)


def measure_planning(runner: Runner) -> None:
	"""Planning in four shapes and two sizes, against networkx."""
	print(f'\nplanning: {"":12} {"1,000":>9} {"10,000":>10} {"ratio":>6}   networkx sorts the same in')
	for name, shape in SHAPES.items():
		small, large = (planning(runner, shape(size, 0)) for size in (1_000, 10_000))
		few, many = (best(partial(topological_sort, shape(size, 0))) for size in (1_000, 10_000))
		print(
			f'  {name:20} {small * 1e3:6.1f} ms {large * 1e3:7.1f} ms {large / small:6.1f}   '
			f'{few * 1e3:5.1f} ms {many * 1e3:6.1f} ms {many / few:5.1f}   (planning takes × {small / few:.1f})'
		)


def measure_running(folder: str) -> None:
	"""First run, the same again, and one changed leaf, of chains and of other shapes."""
	print(f'\nrunning: {"":12} {"first":>16} {"again":>16} {"one leaf changed":>18}   of 1,000 nodes')
	for name, shape in SHAPES.items():
		firsts, agains, leaves = [], [], []
		with tempfile.TemporaryDirectory(dir=folder) as place:
			runner = runner_in(place)
			for start in range(ROUNDS):
				graph = shape(1_000, 1_000_000 * start)
				firsts.append(time_of(runner, graph) / len(graph.calls))
				agains.append(time_of(runner, graph, 2))
				leaves.append(time_of(runner, with_changed_leaf(graph)))
			runner.close()
		print(
			f'  {name:16} {min(firsts) * 1e6:6.1f} µs a node {min(agains) * 1e3:12.1f} ms {min(leaves) * 1e3:15.1f} ms'
		)
	for size in (10_000, 50_000):
		with tempfile.TemporaryDirectory(dir=folder) as place:
			runner = runner_in(place)
			graph = chain(size)
			first, again = (
				time_of(runner, graph),
				time_of(runner, graph, 2),
			)
			runner.close()
		print(f'  chain of {size:6,}  {first / size * 1e6:6.1f} µs a node {again / size * 1e6:9.1f} µs a node')


def with_changed_leaf(graph: Graph) -> Graph:
	"""The graph with another constant at one of its last additions, as when somebody turns a knob near the end."""
	node = [node for node, call in graph.calls.items() if call.kind in ('Add', 'Add3')][-1]
	return graph.with_inputs({node: {'b': Constant(-1)}})


def measure_lanes(folder: str) -> None:
	"""Two branches of work for one core each: side by side, and one after the other."""
	runner = runner_in(folder)
	ratios: list[float] = []
	seconds: dict[str, float] = {}
	for start in range(ROUNDS):
		for kind in ('GrindInTurn', 'Grind'):
			branches = {f'{kind}{index}': (kind, {'seed': Constant(start * 2 + index)}) for index in range(2)}
			shows = {f'show{node}': ('Show', {'a': link(node)}) for node in branches}
			graph = graph_of({**branches, **shows})
			seconds[kind] = time_of(runner, graph)
		ratios.append(seconds['GrindInTurn'] / seconds['Grind'])
	runner.close()
	print(
		'\nlanes: two branches of work for one core each, side by side against one after the other: '
		f'× {statistics.median(ratios):.2f} (rounds: {", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))})'
	)


def slow_chain(size: int) -> Graph:
	"""A chain of nodes that take a while."""
	calls = dict(chain(size).calls)
	for node, call in calls.items():
		if call.kind == 'Add':
			calls[node] = Call('Wait', {'a': call.inputs['a'], 'seconds': Constant(STEP_SECONDS)})
	return Graph(calls)


def count_and_run(folder: str) -> None:
	"""In a process of its own: run the slow chain, and print a line for each node that was called."""

	def tell(event: AnyEvent) -> None:
		if isinstance(event, NodeFinished) and not event.cached:
			print(event.node, flush=True)

	runner = runner_in(folder, tell)
	run(runner, slow_chain(KILLED_STEPS))


def measure_kill(folder: str) -> None:
	"""Kill a run after some nodes, and count what the next one calls."""
	command = [sys.executable, '-m', 'tests.benchmarks.engine', folder]
	with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
		assert process.stdout is not None
		for _ in range(KILLED_AFTER):
			process.stdout.readline()
		process.kill()
		done = KILLED_AFTER + len(process.stdout.read().split())
	rest = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
	print(f'\nkill -9 after {done} of {KILLED_STEPS} nodes: the next run called {len(rest.stdout.split())}')


def main() -> None:
	"""Measure everything."""
	if len(sys.argv) > 1:
		count_and_run(sys.argv[1])
		return
	tune_collector()
	with tempfile.TemporaryDirectory() as folder:
		runner = runner_in(f'{folder}/planning')
		measure_planning(runner)
		runner.close()
		gc.collect()
		measure_running(folder)
		measure_lanes(f'{folder}/lanes')
		measure_kill(f'{folder}/kill')
	print('\nthrough the server, with a WebSocket client, milliseconds until the end is told:')
	asyncio.run(server.measured_in(server.measure_large_jobs))


if __name__ == '__main__':
	main()
