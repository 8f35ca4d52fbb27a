"""Several workers at once, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.events import NodesCached
from engine.jobs import JobState
from tests.engine.shop import PATIENCE, WAITING, Shop, opened, poll, quick
from tests.engine.tools import Nodes

pytestmark = pytest.mark.asyncio(loop_scope='module')
DEADLY = 'tests.engine.deadly'


@pytest_asyncio.fixture(scope='module', loop_scope='module')
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
	"""Two workers for all."""
	async with opened(tmp_path_factory.mktemp('shop'), DEADLY, workers=2) as made:
		await made.idle()
		yield made


def using(model: str) -> Nodes:
	"""A job that loads a model and shows who did."""
	return {'load': ('Load', {'name': model}), 'who': ('Who', {'model': ('load', 0)})}


async def who(shop: Shop, nodes: Nodes) -> object:
	"""The process that does a job, while all others rest."""
	job = await shop.ended(shop.submit(nodes))
	assert job.state is JobState.SUCCEEDED, job.failure
	await shop.idle()
	return job.outputs['who'].root['pid'][0]


class TestTogether:
	async def test_they_come_up(self, shop: Shop) -> None:
		"""As many as the settings say, each known by its name."""
		workers = shop.supervisor.workers

		assert [worker.name for worker in workers] == ['worker-1', 'worker-2']
		assert [(worker.device, worker.state) for worker in workers] == [('cpu', 'idle')] * 2
		assert len({worker.pid for worker in workers}) == 2

	async def test_two_jobs_at_once(self, shop: Shop, tmp_path: Path) -> None:
		"""Both compute at the same time, in processes of their own; a third waits."""
		gate = tmp_path / 'gate'
		jobs = [shop.submit({'who': ('Who', {'value': value, 'until': str(gate)})}) for value in range(3)]
		await poll(lambda: all((tmp_path / f'gate.{job.id}').exists() for job in jobs[:2]))
		running = {item.job.id for item in shop.supervisor.running}
		waiting = shop.queue.queued()
		gate.touch()
		for job in jobs:
			await shop.ended(job)

		assert running == {job.id for job in jobs[:2]}
		assert waiting == [jobs[2]]
		assert len({str(job.outputs['who'].root['pid']) for job in jobs[:2]}) == 2

	async def test_one_is_interrupted(self, shop: Shop) -> None:
		"""The other goes on; without a name all are."""
		jobs = [shop.submit({**WAITING, 'wait': ('Wait', {'value': value})}) for value in range(71, 74)]
		for job in jobs[:2]:
			await shop.computing(job)
		assert shop.supervisor.interrupt(jobs[1].id)
		await shop.ended(jobs[1])
		await shop.computing(jobs[2])
		untouched = [item.job for item in shop.supervisor.running]
		assert shop.supervisor.interrupt()
		for job in jobs:
			await shop.ended(job)

		assert sorted(job.id for job in untouched) == sorted((jobs[0].id, jobs[2].id))
		assert {job.state for job in jobs} == {JobState.CANCELLED}

	async def test_one_dies(self, shop: Shop, tmp_path: Path) -> None:
		"""The other's job goes on; the lost one is begun anew by whoever is there first."""
		gate = tmp_path / 'gate'
		pids = {worker.pid for worker in shop.supervisor.workers}
		job = shop.submit({'who': ('Who', {'until': str(gate)})})
		await poll((tmp_path / f'gate.{job.id}').exists)
		crashing = await shop.ended(
			shop.submit({'bad': ('Crash', {'value': 1}), 'see': ('See', {'value': ('bad', 0)})})
		)
		gate.touch()
		await shop.ended(job)
		await shop.idle()

		assert crashing.state is JobState.FAILED
		assert (job.state, job.attempts) == (JobState.SUCCEEDED, 1)
		assert job.outputs['who'].root['pid'][0] in pids
		assert len({worker.pid for worker in shop.supervisor.workers}) == 2

	async def test_all_let_go(self, shop: Shop, tmp_path: Path) -> None:
		"""What is freed is freed at each worker."""
		await shop.idle()

		async def planned(gate: Path) -> list[tuple[str, ...]]:
			jobs = [
				shop.submit(
					{'load': ('Load', {'name': 'z'}), 'who': ('Who', {'model': ('load', 0), 'until': str(gate)})}
				)
				for _ in range(2)
			]
			await poll(lambda: all(gate.with_name(f'{gate.name}.{job.id}').exists() for job in jobs))
			gate.touch()
			for job in jobs:
				await shop.ended(job)
			await shop.idle()
			return [event.pending for job in jobs for event in shop.of(job) if isinstance(event, NodesCached)]

		before = [await planned(tmp_path / name) for name in ('one', 'two')]
		shop.supervisor.free(models=True, cache=True)
		after = await planned(tmp_path / 'three')

		assert before == [[('load', 'who')] * 2, [('who',)] * 2]
		assert after == [('load', 'who')] * 2


class TestFit:
	async def test_jobs_go_where_their_models_are(self, shop: Shop) -> None:
		"""A worker that has loaded them is better than one that has rested longer; a job without models goes to that one."""
		await shop.idle()
		first = await who(shop, using('a'))
		second = await who(shop, using('b'))
		again = [await who(shop, using(name)) for name in ('b', 'a', 'a', 'b')]
		without = await who(shop, {'who': ('Who', {})})
		still = [await who(shop, using(name)) for name in ('a', 'b')]

		assert first != second
		assert again == [second, first, first, second]
		assert without == first
		assert still == [first, second]

	async def test_nobody_waits_for_the_best(self, shop: Shop, tmp_path: Path) -> None:
		"""If who has the models is busy, another takes the job."""
		await shop.idle()
		first = await who(shop, using('c'))
		gate = tmp_path / 'gate'
		busy = shop.submit(
			{'load': ('Load', {'name': 'c'}), 'who': ('Who', {'model': ('load', 0), 'until': str(gate)})}
		)
		await poll((tmp_path / f'gate.{busy.id}').exists)
		other = await shop.ended(shop.submit(using('c')))
		gate.touch()
		await shop.ended(busy)

		assert busy.outputs['who'].root['pid'] == [first]
		assert other.outputs['who'].root['pid'] != [first]


class TestDevices:
	async def test_each_has_workers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""The first worker tells which there are; a worker that is replaced stays with its device."""
		monkeypatch.setenv('TEST_DEVICES', 'one,two')
		async with opened(tmp_path, DEADLY, workers=2) as shop:
			await poll(lambda: len(shop.supervisor.workers) == 4)
			await shop.idle()
			before = shop.supervisor.workers
			pid = before[0].pid
			assert pid is not None
			os.kill(pid, signal.SIGKILL)
			await poll(lambda: shop.supervisor.workers[0].pid not in (None, pid))
			await shop.idle()
			after = shop.supervisor.workers
			ready = await shop.supervisor.ready()

		assert [worker.device for worker in before] == ['one', 'one', 'two', 'two']
		assert [worker.device for worker in after] == ['one', 'one', 'two', 'two']
		assert [worker.restarts for worker in after] == [1, 0, 0, 0]
		assert [device.name for device in ready.devices] == ['one', 'two']


class TestDeclarations:
	async def test_a_new_server_knows_them_at_once(self, tmp_path: Path) -> None:
		"""Before its worker is up, from what an earlier one was told; jobs that come then are run."""
		async with opened(tmp_path, DEADLY) as shop:
			told = await shop.supervisor.nodes()
		new = Shop(tmp_path, DEADLY)
		await new.supervisor.start()
		known = await asyncio.wait_for(new.supervisor.nodes(), PATIENCE)
		state = new.worker.state
		job = await new.ended(new.submit(quick(1)))
		again = await new.supervisor.nodes()
		await new.supervisor.stop()

		assert state == 'starting'
		assert known == told == again
		assert again is not known
		assert job.state is JobState.SUCCEEDED
