"""The server is killed and started again, in the middle of its work."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession
from PIL import Image

from engine.settings import PROJECT
from tests.server.client import PATIENCE, Graph, call, eventually
from tests.server.enduring import LOG

TICKS = 5
SECONDS = 0.03
ENDED = ('succeeded', 'failed', 'cancelled')


def graph(seed: int, ticks: int = TICKS) -> Graph:
	"""Nodes one after the other, then a picture; nothing of it is in another job's cache."""
	nodes = {'0': call('Tick', after=0, seed=seed, seconds=SECONDS)}
	for index in range(1, ticks):
		nodes[f'{index}'] = call('Tick', after=[f'{index - 1}', 0], seed=seed, seconds=SECONDS)
	return {**nodes, 'save': call('Picture', after=[f'{ticks - 1}', 0], seed=seed)}


@dataclass
class Night:
	"""A folder that servers come and go over, and what a client was promised."""

	base: Path
	random: random.Random
	promised: dict[str, float] = field(default_factory=dict)
	kills: int = 0
	seeds: Iterator[int] = field(default_factory=lambda: iter(range(1, 100_000)))

	@asynccontextmanager
	async def server(self) -> AsyncIterator[Server]:
		"""A server process, and a client of it. Whatever is left of it in the end is killed."""
		process = await asyncio.create_subprocess_exec(
			*(sys.executable, '-m', 'tests.server.enduring', str(self.base)),
			cwd=PROJECT,
			stdout=asyncio.subprocess.PIPE,
			env={**os.environ, LOG: str(self.base / 'ticks')},
		)
		assert process.stdout is not None
		try:
			line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
			assert line, 'The server did not start.'
			async with ClientSession(line.decode().split()[-1]) as session:
				yield Server(self, process, session)
		finally:
			with suppress(ProcessLookupError):
				process.kill()
			await process.wait()

	def rows(self, question: str) -> list[tuple[Any, ...]]:
		"""What the database has."""
		with closing(sqlite3.connect(self.base / 'data' / 'lumengraph.db')) as connection:
			return connection.execute(question).fetchall()

	def waiting(self) -> list[str]:
		"""Promised jobs that have not ended, as far as the file knows, in the order in which they are to run."""
		over = {id for (id,) in self.rows(f'SELECT id FROM jobs WHERE state IN {ENDED}')}
		live = [job for job in self.promised if job not in over]
		return sorted(live, key=lambda job: self.promised[job])

	def finished(self) -> set[tuple[str, str]]:
		"""Job and node, of the nodes that the file knows to have finished in jobs that have not ended."""
		found: set[tuple[str, str]] = set()
		live = "SELECT id FROM jobs WHERE state = 'running'"
		for (body,) in self.rows(f'SELECT body_json FROM events WHERE job IN ({live}) ORDER BY last'):
			found |= {
				(event['job'], event['node']) for _, event in json.loads(body) if event['type'] == 'node_finished'
			}
		return found

	def ticks(self) -> Counter[str]:
		"""How often each node of each job ran to its end."""
		path = self.base / 'ticks'
		return Counter(path.read_text().splitlines()) if path.exists() else Counter()

	def pictures(self) -> list[Path]:
		"""What a user sees in the output folder; every one is whole."""
		found = [path for path in (self.base / 'output').rglob('*') if path.is_file() and path.name[0] != '.']
		for path in found:
			with Image.open(path) as opened:
				opened.load()
		return found


@dataclass
class Server:
	"""One life of it."""

	night: Night
	process: asyncio.subprocess.Process
	session: ClientSession

	async def json(self, path: str) -> Any:
		"""The JSON that a GET gives."""
		async with self.session.get(path) as response:
			assert response.status == 200
			return await response.json()

	async def post(self, prompt: Graph, **fields: object) -> str:
		"""Queue a job; it counts as promised once it is answered for."""
		async with self.session.post('/prompt', json={'prompt': prompt, **fields}) as response:
			answer = await response.json()
			assert response.status == 200, answer
			assert answer['prompt_id'] not in self.night.promised
			self.night.promised[answer['prompt_id']] = answer['number']
			return str(answer['prompt_id'])

	async def submit(self) -> None:
		"""Queue one more job, sometimes before all others."""
		fields: dict[str, object] = {'front': True} if self.night.random.random() < 0.2 else {}
		await self.post(graph(next(self.night.seeds)), **fields)

	async def go_on_submitting(self, most: int) -> None:
		"""Queue jobs one after the other until the server is gone."""
		with suppress(ClientConnectionError):
			for _ in range(most):
				await self.submit()
				await asyncio.sleep(self.night.random.random() * 0.05)

	async def sequence(self) -> list[str]:
		"""What ran or will run, in that order."""
		queue = await self.json('/queue')
		history = await self.json('/history')
		return [*history, *(item[1] for name in ('queue_running', 'queue_pending') for item in queue[name])]

	async def until_ended(self, count: int) -> None:
		"""Wait until so many jobs have ended in all."""

		async def have_ended() -> bool:
			return len(await self.json('/history')) >= count

		await eventually(have_ended, f'{count} jobs to end')

	async def until_idle(self) -> None:
		"""Wait until nothing waits or runs."""

		async def is_idle() -> bool:
			return not (await self.json('/prompt'))['exec_info']['queue_remaining']

		await eventually(is_idle, 'all jobs to end')

	async def until_steps(self, job: str, count: int) -> None:
		"""Wait until so many nodes of a job are done."""

		async def are_done() -> bool:
			return len((await self.json(f'/v1/jobs/{job}/steps'))['steps']) >= count

		await eventually(are_done, f'{count} nodes of job {job}')

	async def kill(self) -> None:
		"""Without a warning."""
		self.process.send_signal(signal.SIGKILL)
		await self.process.wait()
		self.night.kills += 1


def new_night(base: Path, seed: int) -> Night:
	"""A night that can be repeated, as far as the machine lets it."""
	return Night(base, random.Random(seed))


class TestKilled:
	"""kill -9 at any moment."""

	@pytest.mark.parametrize('seed', [1, 2])
	async def test_nothing_is_lost(self, tmp_path: Path, seed: int) -> None:
		"""Waiting jobs keep their order, the running one goes on from its finished nodes, and each job that was promised
		ends once, with its picture; no picture is ever half-written."""
		night = new_night(tmp_path, seed)
		done: set[tuple[str, str]] = set()
		for _ in range(4):
			before = night.waiting() if night.promised else []
			async with night.server() as server:
				sequence = await server.sequence()
				left = [job for job in sequence if job in before]
				submitting = asyncio.create_task(server.go_on_submitting(most=6))
				if night.random.random() < 0.75:
					# In the middle of its work; else while it starts.
					await server.until_ended(len(await server.json('/history')) + night.random.randint(1, 3))
				await asyncio.sleep(night.random.random() * 0.3)
				await server.kill()
				await submitting
			done |= night.finished()
			night.pictures()

			assert left == before
		async with night.server() as server:
			await server.until_ended(len(night.promised))
			await server.until_idle()
			history = await server.json('/history')
			steps = {job: (await server.json(f'/v1/jobs/{job}/steps'))['steps'] for job in history}
		ran = {(job, step['node']) for job in history for step in steps[job] if step['ran']}
		ends = night.rows('SELECT job, count(*) FROM events WHERE body_json LIKE \'%"job_finished"%\' GROUP BY job')
		names = {path.name for path in night.pictures()}

		assert night.kills == 4
		assert set(night.promised) <= set(history)
		# A job may have been taken whose answer the kill cut off.
		assert len(history) <= len(night.promised) + night.kills
		for entry in history.values():
			assert entry['status']['status_str'] == 'success'
			assert [name for name, _ in entry['status']['messages']] == [
				'execution_start',
				'execution_cached',
				'execution_success',
			]
			assert {image['filename'] for image in entry['outputs']['save']['images']} <= names
		assert all(len(steps[job]) == TICKS + 1 for job in history)
		assert dict(ends) == dict.fromkeys(history, 1)
		# What was told to have finished is not run again; what was in the middle of it, once per kill.
		assert {(job, node) for job, node in done if job in history} & ran == set()
		assert night.ticks().total() <= len(history) * TICKS + night.kills
		assert len(names) <= len(history) + night.kills

	async def test_while_it_starts(self, tmp_path: Path) -> None:
		"""Again and again, before a worker is up: the queue is as it was, and nothing counts as an attempt."""
		night = new_night(tmp_path, 3)
		async with night.server() as server:
			for _ in range(8):
				await server.submit()
			await server.kill()
		before = night.waiting()
		for _ in range(3):
			async with night.server() as server:
				sequence = await server.sequence()
				await server.kill()

			assert sequence == before
		assert {attempts for (attempts,) in night.rows('SELECT attempts FROM jobs')} <= {0, 1}


class TestRunningJob:
	"""What becomes of a job that runs when the server ends."""

	@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL])
	async def test_it_goes_on(self, tmp_path: Path, number: signal.Signals) -> None:
		"""The next server begins it first, and calls none of its nodes that had finished; a stop in peace does not count
		as an attempt, and leaves one file."""
		night = new_night(tmp_path, 4)
		async with night.server() as server:
			first = await server.post(graph(1, ticks=60))
			second = await server.post(graph(2))
			await server.until_steps(first, 3)
			server.process.send_signal(number)
			code = await asyncio.wait_for(server.process.wait(), PATIENCE)
		states = night.rows('SELECT id, state, attempts FROM jobs ORDER BY number')
		done = night.finished()
		files = [path.name for path in (tmp_path / 'data').iterdir()]
		async with night.server() as server:
			sequence = await server.sequence()
			await server.until_ended(2)
			steps = (await server.json(f'/v1/jobs/{first}/steps'))['steps']
		again = {(first, step['node']) for step in steps if step['ran']}

		assert sequence == [first, second]
		assert len(again) <= 58
		assert [step['ran'] for step in steps[:3]] == [False, False, False]
		assert night.ticks().total() <= 60 + TICKS + 1
		if number == signal.SIGTERM:
			assert code == 0
			assert states == [(first, 'queued', 0), (second, 'queued', 0)]
			assert 'lumengraph.db-wal' not in files
		else:
			assert states == [(first, 'running', 1), (second, 'queued', 0)]
			# What finished in the last moment need not be written yet; its result is.
			assert done
			assert not done & again
