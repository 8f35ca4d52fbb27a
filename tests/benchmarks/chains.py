"""What the engine costs per node, and whether that stays flat: `python -m tests.benchmarks.chains`.

A chain of n trivial nodes is checked, planned and run, then run again with everything cached. Times are of this machine;
what counts is the ratio of the cost per node to that of the shortest chain.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from engine.runner import Runner
from engine.settings import Settings

LENGTHS = (100, 1000, 10000)
ROUNDS = 3


def chain(length: int, start: int) -> Graph:
	"""A number, and `length` additions one after the other."""
	calls = {NodeId('0'): Call('Number', {'value': Constant(start)})}
	for index in range(1, length + 1):
		inputs: dict[str, Argument] = {'a': Link(NodeId(str(index - 1)), 0), 'b': Constant(1)}
		calls[NodeId(str(index))] = Call('Add', inputs)
	calls[NodeId('show')] = Call('Show', {'a': Link(NodeId(str(length)), 0)})
	return Graph(calls)


def measure(runner: Runner, graph: Graph) -> tuple[float, float, float]:
	"""Seconds to check, to run, and to find that nothing changed."""
	began = time.perf_counter()
	checked = runner.check(graph)
	ready = time.perf_counter()
	runner.run(checked.graph, checked.sinks, JobInfo('first'), CancelToken())
	ran = time.perf_counter()
	runner.run(checked.graph, checked.sinks, JobInfo('second'), CancelToken())
	return ready - began, ran - ready, time.perf_counter() - ran


def main() -> None:
	"""Measure every length, shortest first."""
	with tempfile.TemporaryDirectory() as folder:
		first: tuple[float, ...] = ()
		print(f'{"nodes":>7} {"check":>16} {"run":>16} {"run again":>16}   µs per node (ratio to the shortest)')
		for length in LENGTHS:
			runner = Runner(Settings(base=Path(folder)), lambda event: None, pack='tests.benchmarks.pack')
			rounds = [measure(runner, chain(length, start)) for start in range(ROUNDS)]
			each = tuple(min(seconds) / length * 1e6 for seconds in zip(*rounds, strict=True))
			first = first or each
			cells = ' '.join(f'{cost:9.1f} ({cost / base:4.1f})' for cost, base in zip(each, first, strict=True))
			print(f'{length:>7} {cells}')


if __name__ == '__main__':
	main()
