"""What a job costs from the client's side: `python -m tests.benchmarks.server`.

A real server process with a real worker; a client posts graphs of trivial nodes and listens at a WebSocket as editors
do. Told are the seconds from the request to the message that the job is over, and the bytes that came over the socket.
Times are of this machine, and everything shares its cores.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from engine.settings import PROJECT, Settings
from server.serve import serve

CHAIN = 300
FAN = 1000
ROUNDS = 5
PATIENCE = 120.0
Prompt = Mapping[str, Mapping[str, Any]]
starts = itertools.count(1, 1_000_000)


@dataclass(frozen=True)
class Cost:
	"""What one job cost."""

	seconds: float
	frames: int
	nbytes: int


def call(kind: str, **inputs: object) -> dict[str, Any]:
	"""One node in API form."""
	return {'class_type': kind, 'inputs': inputs}


def chain(length: int) -> Prompt:
	"""A number that no other graph comes near, and additions one after the other."""
	nodes = {'0': call('Number', value=next(starts))}
	for index in range(1, length):
		nodes[str(index)] = call('Add', a=[str(index - 1), 0], b=1)
	return {**nodes, 'show': call('Show', a=[str(length - 1), 0])}


def fan(width: int) -> Prompt:
	"""A number, and as many sinks that show it, each with an addition of its own."""
	nodes = {'0': call('Number', value=next(starts))}
	for index in range(1, width // 2):
		nodes[str(index)] = call('Add', a=['0', 0], b=index)
		nodes[f'show {index}'] = call('Show', a=[str(index), 0])
	return nodes


async def run(session: ClientSession, listening: ClientWebSocketResponse, graph: Prompt) -> Cost:
	"""Post a graph and listen until its end."""
	body = json.dumps({'prompt': graph, 'client_id': 'benchmark'}).encode()
	frames, nbytes = 0, 0
	began = time.perf_counter()
	async with session.post('/prompt', data=body) as response:
		job = (await response.json())['prompt_id']
	while True:
		frame = await listening.receive(PATIENCE)
		frames += 1
		nbytes += len(frame.data)
		if job in frame.data and '"executing"' in frame.data[:20] and json.loads(frame.data)['data']['node'] is None:
			return Cost(time.perf_counter() - began, frames, nbytes)


async def measure(url: str) -> None:
	"""Measure and print."""
	async with ClientSession(url) as session:
		async with asyncio.timeout(PATIENCE):
			while (await (await session.get('/v1/health')).json())['worker'] != 'ready':  # noqa: ASYNC110
				await asyncio.sleep(0.1)
		# The worker warms up behind its first answer.
		await (await session.get('/system_stats')).read()
		async with session.ws_connect('/ws?clientId=benchmark', max_msg_size=0) as listening:
			await listening.receive()
			await run(session, listening, chain(CHAIN))
			for name, made in (
				(f'chain of {CHAIN}', [chain(CHAIN) for _ in range(ROUNDS)]),
				(f'fan of {FAN}', [fan(FAN) for _ in range(ROUNDS)]),
			):
				for when in ('first', 'again'):
					costs = [await run(session, listening, graph) for graph in made]
					best = min(costs, key=lambda cost: cost.seconds)
					times = ' '.join(f'{cost.seconds * 1000:6.1f}' for cost in costs)
					print(f'{name:>13} {when}: {times} ms; {best.frames} frames, {best.nbytes / 1000:.1f} kB')


async def main() -> None:
	"""Start a server, measure it, end it."""
	with tempfile.TemporaryDirectory() as folder:
		process = await asyncio.create_subprocess_exec(
			*(sys.executable, '-m', 'tests.benchmarks.server', folder), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
		)
		assert process.stdout is not None
		try:
			told = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
			await measure(told.decode().split()[-1])
		finally:
			process.terminate()
			await process.wait()


if __name__ == '__main__':
	if len(sys.argv) > 1:
		serve(Settings(base=Path(sys.argv[1])), host='127.0.0.1', port=0, pack='tests.benchmarks.pack')
	else:
		asyncio.run(main())
