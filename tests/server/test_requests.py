"""Ids and log lines of requests."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engine.logcontext import JOB, REQUEST
from server.errors import errors
from server.requests import HEADER, add_request_id, requests
from tests.server.client import Api, saving


class TestRequestId:
	"""Every request has one."""

	async def test_it_is_made(self, api: Api) -> None:
		"""Another for each."""
		ids = {(await api.get('/queue')).headers[HEADER] for _ in range(3)}

		assert len(ids) == 3

	@pytest.mark.parametrize('given', ['abc', 'a-b_c.d:5', 'x' * 64])
	async def test_a_good_one_is_taken(self, api: Api, given: str) -> None:
		"""A proxy in front has its own; it comes back."""
		assert (await api.web.get('/queue', headers={HEADER: given})).headers[HEADER] == given

	@pytest.mark.parametrize('given', ['', 'x' * 65, 'a b', 'a"b', 'ä', '{}'])
	async def test_a_bad_one_is_not(self, api: Api, given: str) -> None:
		"""It would stand in every line of the log."""
		answered = (await api.web.get('/queue', headers={HEADER: given})).headers[HEADER]

		assert answered != given
		assert answered

	@pytest.mark.parametrize('path', ['/', '/nowhere', '/view', '/assets/main.js'])
	async def test_every_answer_has_it(self, api: Api, path: str) -> None:
		"""Pages, files and refusals."""
		assert HEADER in (await api.get(path)).headers

	async def test_refusals_and_sockets_have_it(self, api: Api) -> None:
		"""What never reaches a handler, and what is answered within one."""
		refused = await api.web.get('/queue', headers={'Host': 'evil.example'})
		upgrade = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13'}
		key = {'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA=='}
		async with api.web.get('/ws', headers={**upgrade, **key, HEADER: 'mine'}) as opened:
			assert opened.status == 101
			assert opened.headers[HEADER] == 'mine'
			opened.close()

		assert HEADER in refused.headers

	async def test_redirects_have_it(self) -> None:
		"""Answers that are raised."""

		async def handler(request: web.Request) -> web.Response:
			raise web.HTTPFound('/elsewhere')

		app = web.Application(middlewares=(requests,))
		app.on_response_prepare.append(add_request_id)
		app.router.add_get('/', handler)
		async with TestClient(TestServer(app)) as client:
			answer = await client.get('/', allow_redirects=False)

		assert answer.status == 302
		assert HEADER in answer.headers


class TestLines:
	"""What the log says."""

	async def lines(self, api: Api, caplog: pytest.LogCaptureFixture, level: int, path: str) -> list[str]:
		"""The lines of one request."""
		caplog.clear()
		with caplog.at_level(level, 'server.requests'):
			await api.web.get(path)
		return [record.getMessage() for record in caplog.records if record.name == 'server.requests']

	async def test_what_went_well_is_for_those_who_look_closely(
		self, api: Api, caplog: pytest.LogCaptureFixture
	) -> None:
		"""Clients poll all the time."""
		assert await self.lines(api, caplog, logging.INFO, '/queue') == []
		assert (await self.lines(api, caplog, logging.DEBUG, '/queue'))[0].startswith('GET /queue 200 ')

	async def test_what_was_refused_is_told(self, api: Api, caplog: pytest.LogCaptureFixture) -> None:
		"""With its status, and the path as it came."""
		assert (await self.lines(api, caplog, logging.INFO, '/no%0Awhere'))[0].startswith('GET /no%0Awhere 404 ')

	async def test_lines_of_a_request_say_which_and_what_job(self, api: Api) -> None:
		"""The job that it queued, too; the next request of the same connection is about nothing yet."""
		seen: list[tuple[str, str, str]] = []

		class Watch(logging.Handler):
			def emit(self, record: logging.LogRecord) -> None:
				seen.append((record.getMessage().split()[1], REQUEST.get(), JOB.get()))

		watch, log = Watch(), logging.getLogger('server.requests')
		log.addHandler(watch)
		log.setLevel(logging.DEBUG)
		try:
			body = {'prompt': saving()}
			job = (await (await api.web.post('/prompt', json=body, headers={HEADER: 'r1'})).json())['prompt_id']
			await api.web.get('/queue', headers={HEADER: 'r2'})
		finally:
			log.removeHandler(watch)
			log.setLevel(logging.NOTSET)

		assert ('/prompt', 'r1', job) in seen
		assert ('/queue', 'r2', '') in seen

	async def test_an_error_within_is_found_by_its_request(self, caplog: pytest.LogCaptureFixture) -> None:
		"""The answer to 500 names the request whose line has the stack."""

		async def handler(request: web.Request) -> web.Response:
			raise RuntimeError('boom')

		app = web.Application(middlewares=(requests, errors))
		app.router.add_get('/', handler)
		async with TestClient(TestServer(app)) as client:
			answer = await client.get('/', headers={HEADER: 'r500'})
			body = await answer.json()

		assert answer.headers[HEADER] == 'r500'
		assert 'r500' in body['error']['message']
		assert any('r500' in record.getMessage() and record.exc_info for record in caplog.records)
