"""Addresses that are told of the ends of jobs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engine.events import EventBus
from engine.queue import JobQueue
from engine.settings import Settings
from server import webhooks
from server.app import build_app
from server.store.deliveries import Deliveries, Delivery
from server.store.store import Store
from server.store.writer import NotStored
from server.webhooks import SIGNATURE, signature
from tests.server.client import PATIENCE, Api, call, eventually, saving, shade


class Receiver:
	"""An address on this machine. `answers` are the statuses that it gives, then 200."""

	def __init__(self) -> None:
		self.answers: list[int] = []
		self.heard: asyncio.Queue[tuple[dict[str, Any], bytes, str]] = asyncio.Queue()
		self.url = ''

	async def answer(self, request: web.Request) -> web.Response:
		"""Take what is told."""
		body = await request.read()
		self.heard.put_nowait((json.loads(body), body, request.headers[SIGNATURE]))
		status = self.answers.pop(0) if self.answers else 200
		headers = {'Location': 'http://127.0.0.1:1/elsewhere'} if status == 302 else {}
		return web.Response(status=status, headers=headers)

	async def next(self) -> tuple[dict[str, Any], bytes, str]:
		"""What it is told next."""
		return await asyncio.wait_for(self.heard.get(), PATIENCE)


@pytest_asyncio.fixture(loop_scope='session')
async def receiver() -> AsyncIterator[Receiver]:
	"""A receiver that listens."""
	found = Receiver()
	app = web.Application()
	app.add_routes([web.post('/told', found.answer)])
	async with TestServer(app) as server:
		found.url = str(server.make_url('/told'))
		yield found


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
	"""Try again at once."""
	monkeypatch.setattr(webhooks, 'WAITS', (0.01, 0.01, 0.01))


class TestDelivery:
	async def test_the_end_is_told_and_signed(self, api: Api, base: Path, receiver: Receiver) -> None:
		"""With the job as lists show it; the signature holds time and body, under the secret of the data folder."""
		job = await (await api.post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})).json()
		told, body, header = await receiver.next()
		secret = (base / 'data' / 'webhook_secret').read_text().encode()
		found = re.fullmatch(r't=(\d+),v1=([0-9a-f]{64})', header)

		assert (told['id'], told['state']) == (job['id'], 'succeeded')
		assert told['outputs']['2']['images']
		assert found is not None
		assert hmac.compare_digest(
			found[2], hmac.new(secret, f'{found[1]}.'.encode() + body, hashlib.sha256).hexdigest()
		)
		assert header == signature(secret, body, float(found[1]))
		assert (base / 'data' / 'webhook_secret').stat().st_mode & 0o077 == 0

	async def test_failed_and_dropped_jobs_too(self, api: Api, receiver: Receiver) -> None:
		"""Whatever the end is."""
		failing = {'1': shade(), '2': call('Fail', paper=['1', 0], text='no'), '3': call('Show', paper=['2', 0])}
		await api.post('/v1/jobs', {'workflow': failing, 'webhook': receiver.url})
		failed = (await receiver.next())[0]
		await api.post('/v1/queue/pause', {})
		job = await (await api.post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})).json()
		await api.post(f'/v1/jobs/{job["id"]}/cancel', {})
		dropped = (await receiver.next())[0]
		await api.post('/v1/queue/resume', {})

		assert (failed['state'], failed['failure']['message']) == ('failed', 'no')
		assert (dropped['id'], dropped['state']) == (job['id'], 'cancelled')

	@pytest.mark.parametrize('answers', [[500], [404, 503], [302]])
	async def test_it_is_told_again(self, api: Api, receiver: Receiver, answers: list[int]) -> None:
		"""Until the answer is good; redirects lead nowhere."""
		receiver.answers = list(answers)
		await api.post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})
		told = [(await receiver.next())[0]['id'] for _ in range(len(answers) + 1)]

		assert len(set(told)) == 1
		assert receiver.heard.empty()

	async def test_it_is_given_up(self, api: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
		"""At last, and that is logged; others are told all the same."""
		receiver.answers = [500] * 4
		await api.post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})
		for _ in range(4):
			await receiver.next()
		await api.post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})
		await receiver.next()

		assert 'is given up: it answers with 500' in caplog.text

	async def test_nobody_is_there(self, api: Api, receiver: Receiver) -> None:
		"""A dead address holds up nobody."""
		await api.post('/v1/jobs', {'workflow': saving(), 'webhook': 'http://127.0.0.1:1/'})
		await api.post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})

		assert (await receiver.next())[0]['state'] == 'succeeded'


class TestTrouble:
	async def test_a_bad_round_is_not_the_last(
		self, api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
	) -> None:
		"""The database refuses once, say: what is due is told when it does no longer."""
		due = Deliveries.due
		refusals = [NotStored('The disk is full.')]

		async def refuse_once(deliveries: Deliveries, now: float) -> tuple[list[Delivery], float]:
			if refusals:
				raise refusals.pop()
			return await due(deliveries, now)

		monkeypatch.setattr(Deliveries, 'due', refuse_once)
		for _ in range(2):
			await api.post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})
		for _ in range(2):
			assert (await receiver.next())[0]['state'] == 'succeeded'

		assert 'The disk is full.' in caplog.text

	@pytest.mark.parametrize('address', ['http://me:hush@127.0.0.1:1/told?key=hush', 'http://me:hush@[bad/?key=hush'])
	async def test_logs_hold_no_password(
		self, api: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture, address: str
	) -> None:
		"""Nor what the query holds."""
		await api.post('/v1/jobs', {'workflow': saving(), 'webhook': address})

		async def is_given_up() -> bool:
			return 'is given up' in caplog.text

		await eventually(is_given_up, 'the webhook to be given up')

		assert 'hush' not in caplog.text

	def test_an_empty_secret_signs_nothing(self, tmp_path: Path) -> None:
		"""A crash may leave one. Another is made, and kept."""
		(tmp_path / webhooks.SECRET).touch()
		store = Store.of(Settings(base=tmp_path))
		hooks = webhooks.Webhooks(JobQueue(store.jobs, EventBus()), store.deliveries, tmp_path)
		secret = hooks.secret()

		assert len(secret) == 64
		assert hooks.secret() == secret
		assert (tmp_path / webhooks.SECRET).stat().st_mode & 0o077 == 0


class TestRestart:
	async def test_what_was_not_told_is_told_by_the_next_process(
		self, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""A delivery outlives the server that could not make it."""
		settings = Settings(base=tmp_path)
		receiver.answers = [500]
		monkeypatch.setattr(webhooks, 'WAITS', (1.0, 1.0))
		async with TestClient(TestServer(build_app(settings, pack='tests.server.pack'))) as client:
			await Api(client).post('/v1/jobs', {'workflow': saving(), 'webhook': receiver.url})
			first = (await receiver.next())[0]
		async with TestClient(TestServer(build_app(settings, pack='tests.server.pack'))):
			again = (await receiver.next())[0]

		assert again == first
