"""What the server costs from its clients' side, and what it stands: `python -m tests.benchmarks.server`.

A real server process with a real worker. Times are of this machine, and everything shares its cores; what counts are the
ratios within one run. Told are: the first answer after the start, jobs of many nodes with a WebSocket listening, many
small jobs, many listeners of which some never read, a long history, prompts that went wrong, and a thousand jobs in a row.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector

from tests.benchmarks.hosting import MEGABYTE, PATIENCE, Host, Prompt, call, chain, fan, hosting, starts
from tests.server.mutations import mutations

CHAIN = 300
FAN = 1000
ROUNDS = 5
SMALL = 6
"""Nodes of a small job, besides the sink."""
DRAINED = 200
LISTENERS, SILENT = 50, 10
HISTORY = 10_000
MALFORMED = 5000
SOAK, WARM_UP = 1000, 200
SOAK_CACHE = 2 * MEGABYTE
HELD_SECONDS = 2.0


@dataclass(frozen=True)
class Cost:
	"""What one job cost."""

	seconds: float
	frames: int
	nbytes: int


async def run(host: Host, listening: ClientWebSocketResponse, graph: Prompt) -> Cost:
	"""Post a graph and listen until its end."""
	frames, nbytes = 0, 0
	began = time.perf_counter()
	job = await host.post(graph)
	while True:
		frame = await listening.receive(PATIENCE)
		frames += 1
		nbytes += len(frame.data)
		if job in frame.data and '"executing"' in frame.data[:20] and json.loads(frame.data)['data']['node'] is None:
			return Cost(time.perf_counter() - began, frames, nbytes)


async def measure_large_jobs(host: Host) -> None:
	"""Chains and fans, from the request to the message that the job is over."""
	async with host.session.ws_connect('/ws?clientId=benchmark', max_msg_size=0) as listening:
		await listening.receive()
		await run(host, listening, chain(CHAIN))
		for name, made in (
			(f'chain of {CHAIN}', [chain(CHAIN) for _ in range(ROUNDS)]),
			(f'fan of {FAN}', [fan(FAN) for _ in range(ROUNDS)]),
		):
			for when in ('first', 'again'):
				costs = [await run(host, listening, graph) for graph in made]
				best = min(costs, key=lambda cost: cost.seconds)
				times = ' '.join(f'{cost.seconds * 1000:6.1f}' for cost in costs)
				print(f'{name:>13} {when}: {times} ms; {best.frames} frames, {best.nbytes / 1000:.1f} kB')


async def drain_rate(host: Host) -> float:
	"""Jobs a second, from the begin of the first of many that wait to the end of the last, as the server tells."""
	# While this one runs, the others come in.
	first = await host.post(held(HELD_SECONDS))
	jobs = [await host.post(chain(SMALL)) for _ in range(DRAINED)]
	async with host.session.get(f'/v1/jobs/{first}') as response:
		assert (await response.json())['state'] == 'running', 'the jobs did not come in while the worker was busy'
	await host.drained()
	times = []
	for job in (jobs[0], jobs[-1]):
		async with host.session.get(f'/v1/jobs/{job}') as response:
			times.append(await response.json())
	return DRAINED / float(times[1]['finished'] - times[0]['started'])


def held(seconds: float) -> Prompt:
	"""A graph that keeps the worker for so long."""
	number = call('Number', value=next(starts))
	return {'n': number, 'w': call('Wait', a=['n', 0], seconds=seconds), 's': call('Show', a=['w', 0])}


async def measure_drain(host: Host) -> None:
	"""Many small jobs that wait."""
	rates = [await drain_rate(host) for _ in range(ROUNDS)]
	told = ' '.join(f'{rate:.0f}' for rate in rates)
	print(f'\n{DRAINED} queued jobs of {SMALL + 1} nodes drain at {told} jobs a second, each of them durable')


async def measure_listeners(host: Host) -> None:
	"""The same with many sockets open, without and with some that never read."""
	async with AsyncExitStack() as stack:
		session = await stack.enter_async_context(ClientSession(host.url, connector=TCPConnector(limit=0)))

		async def listen(name: str) -> ClientWebSocketResponse:
			return await stack.enter_async_context(session.ws_connect(f'/ws?clientId={name}', max_msg_size=0))

		readers = [asyncio.create_task(_read(await listen(f'reader{index}'))) for index in range(LISTENERS - SILENT)]
		without = [await drain_rate(host) for _ in range(ROUNDS)]
		before = host.server_bytes()
		for index in range(SILENT):
			await listen(f'silent{index}')
		beside = [await drain_rate(host) for _ in range(ROUNDS)]
		grown = host.server_bytes() - before
		for reader in readers:
			reader.cancel()
	print(
		f'the same with {len(readers)} sockets that read everything: {statistics.median(without):.0f} jobs a second; with '
		f'{SILENT} more that never read: {statistics.median(beside):.0f}, × '
		f'{statistics.median(beside) / statistics.median(without):.2f}; the server grew by {grown / MEGABYTE:.1f} MB'
	)


async def _read(socket: ClientWebSocketResponse) -> None:
	async for _ in socket:
		pass


async def measure_history(host: Host) -> None:
	"""Pages of a long history."""
	graph = chain(SMALL)
	for start in range(0, HISTORY, DRAINED):
		await asyncio.gather(*(host.post(graph) for _ in range(min(DRAINED, HISTORY - start))))
		await host.drained()
	print(f'\nwith {HISTORY:,} jobs in the history, milliseconds for')
	for path in ('/v1/jobs?limit=100', '/api/jobs?limit=100&offset=5000', '/history?max_items=100'):
		times = []
		for _ in range(ROUNDS * 2):
			began = time.perf_counter()
			async with host.session.get(path) as response:
				body = await response.read()
				assert response.status == 200, body
			times.append(time.perf_counter() - began)
		print(f'  {path:34} {min(times) * 1000:6.1f} to {max(times) * 1000:6.1f}; {len(body) / 1000:.0f} kB')


async def measure_malformed(host: Host) -> None:
	"""Prompts that went wrong: whatever they are, the server says so, and its worker lives."""
	workers = [worker.pid for worker in host.workers]
	statuses: Counter[int] = Counter()
	began = time.perf_counter()
	for body in mutations(
		[chain(SMALL), fan(20), {**chain(3), 'w': call('Wait', a=['0', 0], seconds=0.001)}], MALFORMED
	):
		async with host.session.post('/prompt', data=body) as response:
			await response.read()
			statuses[response.status] += 1
	seconds = time.perf_counter() - began
	async with host.session.post('/queue', data=b'{"clear": true}') as response:
		await response.read()
	await host.drained()
	same = workers == [worker.pid for worker in host.workers]
	told = ', '.join(f'{count} × {status}' for status, count in sorted(statuses.items()))
	print(
		f'\n{MALFORMED:,} malformed prompts: {told}; {MALFORMED / seconds:.0f} a second; worker {"alive" if same else "LOST"}'
	)
	assert same
	assert max(statuses) < 500


async def measure_soak(host: Host) -> None:
	"""Many jobs in a row: memory stays flat, once the cache is as large as it may become."""

	async def some(count: int) -> None:
		for start in range(0, count, 50):
			await asyncio.gather(*(host.post(chain(SMALL)) for _ in range(min(50, count - start))))
			await host.drained()

	await some(WARM_UP)
	server, worker = host.server_bytes(), host.worker_bytes()
	await some(SOAK)
	print(
		f'\n{SOAK:,} jobs after {WARM_UP}: server {server / MEGABYTE:.1f} → {host.server_bytes() / MEGABYTE:.1f} MB '
		f'(× {host.server_bytes() / server:.3f}), worker {worker / MEGABYTE:.1f} → {host.worker_bytes() / MEGABYTE:.1f} MB '
		f'(× {host.worker_bytes() / worker:.3f})'
	)


async def measure_start() -> None:
	"""The program as people start it, with the built-in nodes."""
	answers, sizes = [], []
	for _ in range(3):
		with tempfile.TemporaryDirectory() as folder:
			async with hosting(Path(folder), 'nodes') as host:
				answers.append(host.first_answer)
				await host.ready()
				sizes.append(host.server_bytes())
	told = ' '.join(f'{seconds:.2f}' for seconds in answers)
	print(
		f'first answer {told} s after the start; the server process holds {max(sizes) / MEGABYTE:.0f} MB with its worker ready'
	)


async def main() -> None:
	"""Measure everything."""
	await measure_start()
	await measured_in(measure_large_jobs)
	await measured_in(measure_drain, measure_listeners)
	await measured_in(measure_soak, cache_bytes=SOAK_CACHE)
	await measured_in(measure_malformed)
	await measured_in(measure_history)


async def measured_in(*measures: Callable[[Host], Awaitable[None]], cache_bytes: int | None = None) -> None:
	"""Measure something in a server of its own."""
	with tempfile.TemporaryDirectory() as folder:
		async with hosting(Path(folder), cache_bytes=cache_bytes) as host:
			await host.ready()
			for measure in measures:
				await measure(host)


if __name__ == '__main__':
	asyncio.run(main())
