"""A real server process with a real worker, and a client, for the benchmarks."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from aiohttp import ClientSession

from engine.settings import PROJECT, Settings
from server.serve import serve
from server.serving import Serving

PATIENCE = 120.0
PACK = 'tests.benchmarks.pack'
MEGABYTE = 2**20
Prompt = Mapping[str, Mapping[str, Any]]
starts = itertools.count(1, 1_000_000)


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


@dataclass(frozen=True)
class Host:
	"""A running server. `first_answer` are the seconds from its start to its first answer."""

	url: str
	session: ClientSession
	process: psutil.Process
	first_answer: float

	async def post(self, prompt: Prompt, client: str = 'benchmark') -> str:
		"""Queue a graph; gives the job."""
		body = json.dumps({'prompt': prompt, 'client_id': client}).encode()
		async with self.session.post('/prompt', data=body) as response:
			assert response.status == 200, await response.text()
			return str((await response.json())['prompt_id'])

	async def drained(self) -> None:
		"""Wait until nothing waits or runs."""
		async with asyncio.timeout(PATIENCE):
			while True:
				async with self.session.get('/prompt') as response:
					if not (await response.json())['exec_info']['queue_remaining']:
						return
				await asyncio.sleep(0.05)

	async def ready(self) -> None:
		"""Wait until a worker has warmed up."""
		async with asyncio.timeout(PATIENCE):
			while True:
				async with self.session.get('/v1/health') as response:
					if (await response.json())['worker'] == 'ready':
						break
				await asyncio.sleep(0.05)
		async with self.session.get('/system_stats') as response:
			await response.read()

	@property
	def workers(self) -> list[psutil.Process]:
		"""The worker processes."""
		return [child for child in self.process.children() if 'engine.worker' in child.cmdline()]

	def server_bytes(self) -> int:
		"""Resident memory of the server process."""
		return int(self.process.memory_info().rss)

	def worker_bytes(self) -> int:
		"""Resident memory of the worker processes together."""
		return sum(int(worker.memory_info().rss) for worker in self.workers)


@asynccontextmanager
async def hosting(folder: Path, pack: str = PACK, *, cache_bytes: int | None = None) -> AsyncIterator[Host]:
	"""Start a server in a process of its own, and end it. `cache_bytes` bound the cache in memory and on disk."""
	began = time.perf_counter()
	settings = Settings(base=folder)
	if cache_bytes is not None:
		settings = settings.model_copy(update={'cache_bytes': cache_bytes, 'disk_bytes': cache_bytes})
	process = await asyncio.create_subprocess_exec(
		*(sys.executable, '-m', 'tests.benchmarks.hosting', settings.model_dump_json(), pack),
		cwd=PROJECT,
		stdout=asyncio.subprocess.PIPE,
	)
	assert process.stdout is not None
	try:
		url = None
		while url is None:
			line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
			assert line, 'The server ended at its start.'
			url = re.search(r'http://[\w.:\[\]]+', line.decode())
		async with ClientSession(url[0]) as session:
			async with session.get('/v1/health') as response:
				await response.read()
			yield Host(url[0], session, psutil.Process(process.pid), time.perf_counter() - began)
	finally:
		process.terminate()
		await process.wait()


if __name__ == '__main__':
	serve(Settings.model_validate_json(sys.argv[1]), Serving(port=0), pack=sys.argv[2])
