"""Who may come in."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from engine.settings import Settings
from server.access import Access
from server.app import build_app
from tests.server.client import Api, Web


class TestOrigin:
	"""Pages of other sites."""

	@pytest.mark.parametrize(
		('headers', 'status'),
		[
			({}, 200),
			({'Origin': 'http://127.0.0.1:8188'}, 200),
			({'Origin': 'http://127.0.0.1'}, 200),
			({'Origin': 'http://127.0.0.1:9999'}, 403),
			({'Origin': 'http://evil.example'}, 403),
			({'Origin': 'http://evil.example:8188'}, 403),
			({'Origin': 'http://127.0.0.1.evil.example:8188'}, 403),
			({'Origin': 'http://localhost:8188'}, 403),
			({'Origin': 'null'}, 403),
			({'Origin': 'http://127.0.0.1:port'}, 403),
			({'Host': 'localhost:8188', 'Origin': 'http://localhost:8188'}, 200),
			({'Host': 'localhost', 'Origin': 'http://localhost:8188'}, 200),
			({'Host': '[::1]:8188', 'Origin': 'http://[::1]:8188'}, 200),
			({'Host': '192.168.1.5:8188', 'Origin': 'http://192.168.1.5:8188'}, 200),
			({'Host': '192.168.1.5:8188', 'Origin': 'http://elsewhere'}, 403),
			({'Host': '0.0.0.0:8188', 'Origin': 'http://0.0.0.0:8188'}, 200),
			({'Sec-Fetch-Site': 'same-origin'}, 200),
			({'Sec-Fetch-Site': 'none'}, 200),
			({'Sec-Fetch-Site': 'cross-site'}, 403),
			({'Sec-Fetch-Site': 'same-site'}, 403),
			({'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe'}, 403),
			({'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document'}, 200),
		],
	)
	async def test_get(self, api: Api, headers: dict[str, str], status: int) -> None:
		"""A request that another site's page made is 403 with nothing in it; links to here may be followed."""
		response = await api.web.get('/queue', headers={'Host': '127.0.0.1:8188', **headers})

		assert response.status == status
		if status == 403:
			assert await response.read() == b''

	async def test_post_of_another_site_does_nothing(self, api: Api) -> None:
		"""Not even as a form that navigates."""
		headers = {'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document'}

		assert (await api.web.post('/prompt', data=b'{}', headers=headers)).status == 403
		assert (await api.web.post('/interrupt', headers={'Origin': 'http://evil.example'})).status == 403

	@pytest.mark.parametrize('host', ['0.0.0.0', '[::]', '[::ffff:127.0.0.1]', '127.0.0.2', '10.0.0.7'])
	async def test_address_that_leads_here_is_no_way_in(self, api: Api, host: str) -> None:
		"""A page may call this machine by an address that is not quite loopback: its origin tells all the same."""
		foreign = {'Host': f'{host}:8188', 'Origin': 'http://evil.example'}

		assert (await api.web.post('/interrupt', headers=foreign)).status == 403
		with pytest.raises(WSServerHandshakeError) as refused:
			await api.web.ws_connect('/ws', headers=foreign)
		assert refused.value.status == 403

	async def test_own_page_at_an_address_may_come_in(self, api: Api) -> None:
		"""The editor opened at an address speaks from that address, over HTTP and over the WebSocket."""
		own = {'Host': '0.0.0.0:8188', 'Origin': 'http://0.0.0.0:8188'}

		assert (await api.web.post('/interrupt', headers=own)).status == 200
		async with api.web.ws_connect('/ws', headers=own) as socket:
			assert (await socket.receive_json())['type'] == 'status'

	@pytest.mark.parametrize(
		('headers', 'foreign'),
		[
			({'Host': 'studio:8188', 'Origin': 'http://studio:8188'}, False),
			({'Host': 'studio:8188', 'Origin': 'http://evil.example'}, True),
			({'Host': 'studio:8188', 'Origin': 'http://studio:9999'}, True),
			({'Host': 'backend:8188', 'Origin': 'https://studio.example'}, True),
			({'Host': 'backend:8188', 'Origin': 'https://proxy.example'}, False),
			({'Host': 'backend:8188', 'Origin': 'https://studio.example', 'Sec-Fetch-Site': 'same-origin'}, False),
			({'Origin': 'http://evil.example'}, True),
			({'Host': '', 'Origin': 'null'}, True),
		],
	)
	def test_names_are_compared_too(self, headers: dict[str, str], foreign: bool) -> None:
		"""A name in the network is no address, but its pages differ all the same.

		Where a proxy has put another name in `Host`, the browser's own word helps, or the proxy's name is told.
		"""
		access = Access('0.0.0.0', allowed_hosts=('proxy.example',))

		assert access.is_foreign(make_mocked_request('POST', '/interrupt', headers=headers)) is foreign

	async def test_websocket_of_another_site_is_refused(self, api: Api) -> None:
		"""Browsers let any page open a WebSocket to anywhere; the origin tells."""
		with pytest.raises(WSServerHandshakeError) as refused:
			await api.web.ws_connect('/ws', headers={'Origin': 'http://evil.example'})

		assert refused.value.status == 403


class TestHost:
	"""Names that point at this machine."""

	@pytest.mark.parametrize(
		'host', ['127.0.0.1:1', 'localhost', 'LOCALHOST:80', '[::1]:8188', '10.0.0.7:8188', 'a.localhost']
	)
	async def test_known_host(self, api: Api, host: str) -> None:
		"""This machine's names, and any address."""
		assert (await api.web.get('/queue', headers={'Host': host})).status == 200

	@pytest.mark.parametrize(
		'host', ['evil.example', 'evil.example:8188', '127.0.0.1.evil.example', '[::1', ':8188', 'a b']
	)
	async def test_unknown_host(self, api: Api, host: str) -> None:
		"""A page that has made its own name point here is refused, with a sentence for who did it on purpose."""
		response = await api.web.get('/queue', headers={'Host': host})

		assert response.status == 403
		assert (await response.json())['error']['code'] == 'unknown_host'

	def test_host_that_the_server_was_started_with(self) -> None:
		"""A name given on the command line is one of the server's own, and so is one that was allowed."""
		assert Access('studio.localhost').knows_host('studio.localhost:8188')
		assert Access('127.0.0.1', allowed_hosts=('studio.example',)).knows_host('studio.example')
		assert not Access('127.0.0.1').knows_host('studio:8188')
		assert Access().knows_host(None)

	@pytest.mark.parametrize(
		('host', 'known'),
		[
			('studio:8188', True),
			('studio.local', True),
			('studio.lan:8188', True),
			('10.0.0.7:8188', True),
			('evil.example:8188', False),
			('studio.example', False),
			('', False),
		],
	)
	def test_names_of_a_server_in_the_network(self, host: str, known: bool) -> None:
		"""Without tokens only those names do that no page can own; with tokens, any."""
		assert Access('0.0.0.0,::').knows_host(host) is known
		assert Access('0.0.0.0,::', guarded=True).knows_host(host) is bool(host)
		assert Access('127.0.0.1,studio.example').knows_host('studio.example')

	async def test_refused_page_is_logged_once(self, api: Api, caplog: pytest.LogCaptureFixture) -> None:
		"""Whoever has set up a proxy finds out why it does not work, and is not flooded."""
		foreign = {'Origin': 'http://only.here.example'}
		with caplog.at_level(logging.WARNING, 'server.access'):
			for _ in range(3):
				await api.web.post('/interrupt', headers=foreign)

		assert caplog.text.count('only.here.example') == 1


class TestCors:
	"""Pages of one other origin let in."""

	@pytest_asyncio.fixture(loop_scope='session')
	async def open_web(self, tmp_path: Path) -> AsyncIterator[Web]:
		"""A server for the pages of one origin."""
		app = build_app(Settings(base=tmp_path), pack='tests.server.pack', cors_origin='http://pages.example')
		async with TestClient(TestServer(app)) as client:
			yield client

	async def test_headers_are_on_every_answer(self, open_web: Web) -> None:
		"""Answers, refusals and the browser's own question before a request all have them."""
		headers = {'Origin': 'http://pages.example', 'Sec-Fetch-Site': 'cross-site'}
		for response in (
			await open_web.get('/queue', headers=headers),
			await open_web.get('/nowhere', headers=headers),
			await open_web.options('/prompt', headers=headers),
		):
			assert response.status in (200, 404)
			assert response.headers['Access-Control-Allow-Origin'] == 'http://pages.example'
			assert response.headers['Access-Control-Allow-Methods'] == 'POST, GET, DELETE, PUT, OPTIONS, PATCH'
			assert 'Comfy-User' in response.headers['Access-Control-Allow-Headers']
			assert response.headers['Access-Control-Allow-Credentials'] == 'true'

	async def test_other_origins_stay_out(self, open_web: Web) -> None:
		"""Only the named origin is let in; its pages may show pictures, which say no origin."""
		foreign = {'Origin': 'http://evil.example', 'Sec-Fetch-Site': 'cross-site'}
		invited = {'Origin': 'http://pages.example', 'Sec-Fetch-Site': 'cross-site'}

		assert (await open_web.post('/interrupt', headers=foreign)).status == 403
		assert (await open_web.post('/interrupt', headers=invited)).status == 200
		assert (await open_web.get('/queue', headers={'Sec-Fetch-Site': 'cross-site'})).status == 200
		assert Access(cors_origin='*').invites('http://evil.example')

	async def test_no_headers_without_it(self, api: Api) -> None:
		"""By default no other origin may read anything."""
		assert 'Access-Control-Allow-Origin' not in (await api.get('/queue')).headers
