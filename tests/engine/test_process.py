"""One worker process, from its spawning to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.process import WorkerProcess, threads_of
from engine.settings import PROJECT, Settings
from engine.wire import Heard, Ready
from tests.engine.shop import PATIENCE, poll

SERVER = """
import asyncio, sys
from pathlib import Path
from tests.engine.shop import Shop, poll
from tests.engine.tools import graph

async def main(base: Path) -> None:
	shop = Shop(base, 'tests.engine.deadly')
	await shop.supervisor.start()
	shop.submit({'hang': ('Seize', {'path': str(base / 'pid')}), 'see': ('See', {'value': ('hang', 0)})})
	await shop.until(lambda: False)

asyncio.run(main(Path(sys.argv[1])))
"""


def gone(pid: int) -> bool:
	"""Whether a process has ended; one that nobody has buried yet has."""
	try:
		return 'State:\tZ' in Path(f'/proc/{pid}/status').read_text()
	except (FileNotFoundError, ProcessLookupError):
		return True


class Watched:
	"""A process of the test pack and what came from it."""

	def __init__(self, base: Path, pack: str = 'tests.engine.deadly') -> None:
		self.heard: list[Heard] = []
		self.lines: list[str] = []
		self.process = WorkerProcess(Settings(base=base), pack, 'cpu', heard=self.heard.append, wrote=self.lines.extend)

	async def ready(self) -> asyncio.Task[None]:
		"""Run it until it is ready; gives the task that ends with it."""
		task = asyncio.create_task(self.process.run())
		await poll(lambda: any(isinstance(message, Ready) for message in self.heard) or task.done())
		return task


class TestLife:
	async def test_it_tells_of_itself_and_ends_when_asked(self, tmp_path: Path) -> None:
		"""First its nodes, then that it is ready on the device that it was told; its end is as asked."""
		watched = Watched(tmp_path)
		task = await watched.ready()
		pid = watched.process.pid
		await watched.process.end('recycled', 'enough')
		await asyncio.wait_for(task, PATIENCE)

		assert [message.device for message in watched.heard if isinstance(message, Ready)] == ['cpu']
		assert [message.type for message in watched.heard[:2]] == ['described', 'ready']
		assert pid is not None
		assert gone(pid)
		assert watched.process.pid is None
		assert (watched.process.cause, watched.process.reason) == ('recycled', 'enough')

	async def test_it_leaves_nothing_lying(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Not even while it runs, when both it and the server may be killed."""
		monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
		watched = Watched(tmp_path / 'base')
		task = await watched.ready()
		left = list(tmp_path.glob('lumengraph-*'))
		await watched.process.end('stopped', 'done')
		await asyncio.wait_for(task, PATIENCE)

		assert left == []

	@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
	async def test_signals_are_the_servers_affair(self, tmp_path: Path, number: signal.Signals) -> None:
		"""All processes of a service may be asked to end at once; the worker waits for its server's word."""
		watched = Watched(tmp_path)
		task = await watched.ready()
		assert watched.process.pid is not None
		os.kill(watched.process.pid, number)
		beats = len(watched.heard)
		await poll(lambda: len(watched.heard) > beats or task.done())
		alive = not task.done()
		await watched.process.end('stopped', 'done')
		await asyncio.wait_for(task, PATIENCE)

		assert alive

	async def test_a_crash(self, tmp_path: Path) -> None:
		"""Cause and reason tell the signal; the first cause counts."""
		watched = Watched(tmp_path)
		task = await watched.ready()
		watched.process.kill('heartbeat', 'silent')
		await watched.process.end('stopped', 'done')
		await asyncio.wait_for(task, PATIENCE)

		assert (watched.process.cause, watched.process.reason) == ('heartbeat', 'silent')

	async def test_one_that_never_comes_up(self, tmp_path: Path) -> None:
		"""What it wrote is kept, to the last line."""
		watched = Watched(tmp_path, 'no_such_pack')
		await asyncio.wait_for(watched.process.run(), PATIENCE)

		assert watched.process.cause == 'exited'
		assert watched.process.reason == 'The worker process ended with exit code 1.'
		assert "Pack 'no_such_pack': it cannot be imported" in watched.process.log[-1]
		assert list(watched.process.log) == watched.lines

	async def test_ended_before_it_is_spawned(self, tmp_path: Path) -> None:
		"""It is not waited for."""
		watched = Watched(tmp_path)
		task = asyncio.create_task(watched.process.run())
		await watched.process.end('stopped', 'done')
		await asyncio.wait_for(task, PATIENCE)

		assert watched.heard == []
		assert watched.process.cause == 'stopped'


class TestThreads:
	def test_several_workers_share_the_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A lone one has all of them, and none has less than one."""
		monkeypatch.setattr(os, 'cpu_count', lambda: 8)

		assert threads_of(1) == {}
		assert threads_of(3) == {'OMP_NUM_THREADS': '2'}
		assert threads_of(99) == {'OMP_NUM_THREADS': '1'}


class TestOrphans:
	def test_a_server_that_is_killed_leaves_none(self, tmp_path: Path) -> None:
		"""Not even a worker that hangs in native code and hears nothing any more."""
		with subprocess.Popen([sys.executable, '-c', SERVER, str(tmp_path)], cwd=PROJECT) as server:
			try:
				asyncio.run(poll(lambda: (tmp_path / 'pid').exists() and bool((tmp_path / 'pid').read_text())))
				pid = int((tmp_path / 'pid').read_text())
				before = gone(pid)
			finally:
				server.kill()
		asyncio.run(poll(lambda: gone(pid)))

		assert not before
