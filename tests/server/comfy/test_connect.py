"""/ws: connecting, saying what one supports, leaving, coming back."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from engine.settings import Settings
from server.app import build_app
from tests.server.client import Api, Socket, saving, slow


class TestGreeting:
	"""The first frame."""

	@pytest.mark.parametrize('path', ['/ws', '/api/ws'])
	async def test_given_id_is_echoed(self, api: Api, path: str) -> None:
		"""Status comes first, with the id under which the socket is known."""
		async with api.web.ws_connect(f'{path}?clientId=it%20is%20me') as socket:
			first = await socket.receive_json()

		assert first == {
			'type': 'status',
			'data': {'status': {'exec_info': {'queue_remaining': 0}}, 'sid': 'it is me'},
		}

	@pytest.mark.parametrize('query', ['', '?clientId=', '?other=1'])
	async def test_absent_id_is_made(self, api: Api, query: str) -> None:
		"""32 hexadecimal digits, other ones each time."""
		sids = []
		for _ in range(2):
			async with api.web.ws_connect(f'/ws{query}') as socket:
				sids.append((await socket.receive_json())['data']['sid'])

		assert sids[0] != sids[1]
		assert all(len(bytes.fromhex(sid)) == 16 for sid in sids)

	async def test_plain_request_is_refused(self, api: Api) -> None:
		"""A GET that asks for no WebSocket gets 400, not a failure inside."""
		assert (await api.get('/ws')).status == 400


class TestFeatureFlags:
	"""What a client says it supports."""

	async def test_first_frame_is_answered(self, api: Api) -> None:
		"""The server's own flags come back: those of /features."""
		async with api.web.ws_connect('/ws') as socket:
			await socket.receive()
			await socket.send_json({'type': 'feature_flags', 'data': {'supports_preview_metadata': True}})
			answer = await socket.receive_json()

		assert answer == {'type': 'feature_flags', 'data': await api.json('/features')}

	async def test_only_the_first_message_counts(self, api: Api) -> None:
		"""After another message, and after the first flags, there is no answer."""
		async with api.web.ws_connect('/ws') as opened:
			socket = Socket(opened)
			await socket.until('status')
			await opened.send_json({'type': 'hello'})
			await opened.send_json({'type': 'feature_flags', 'data': {}})

			assert await socket.silent()

	@pytest.mark.parametrize('frame', ['not JSON', '{"type": "feature_flags"', '"\\ud800"', '[' * 10_000])
	async def test_bad_json_is_ignored(self, api: Api, frame: str) -> None:
		"""What is no JSON does not count as a message."""
		async with api.web.ws_connect('/ws') as socket:
			await socket.receive()
			await socket.send_str(frame)
			await socket.send_bytes(b'\0\1\2')
			await socket.send_json({'type': 'feature_flags', 'data': 'all'})

			assert (await socket.receive_json())['type'] == 'feature_flags'

	@pytest.mark.parametrize('frame', ['[]', '5', 'null', '{}', '{"type": 5}'])
	async def test_any_json_is_survived(self, api: Api, frame: str) -> None:
		"""A message that means nothing is ignored; the socket stays."""
		async with api.listening('me') as socket:
			await socket.socket.send_str(frame)
			job = await api.submit(saving(), client_id='me')

			assert await socket.until_over(job)


class TestSameId:
	"""Sockets that come one after the other with one id."""

	async def test_closing_the_probe_does_not_deafen_the_second(self, api: Api) -> None:
		"""A client that opens a probe, then its real socket, then closes the probe, hears of its jobs."""
		async with api.listening('same') as probe, api.listening('same') as real:
			await probe.close()
			await asyncio.sleep(0.05)
			job = await api.submit(saving(), client_id='same')

			assert await real.until_over(job)

	async def test_newer_socket_replaces_the_older(self, api: Api) -> None:
		"""The older one is left open and gets nothing more."""
		async with api.listening('same') as old, api.listening('same') as new:
			job = await api.submit(saving(), client_id='same')
			await new.until_over(job)

			assert await old.silent()
			assert not old.socket.closed

	async def test_reconnect_during_a_run(self, api: Api) -> None:
		"""The owner that comes back is told where its job is; others are not."""
		async with api.listening('back') as first:
			job = await api.submit(slow(), client_id='back')
			await first.until('executing')
		async with api.web.ws_connect('/ws?clientId=back') as socket:
			frames = [await socket.receive_json() for _ in range(2)]
			await api.web.post('/interrupt')
			async with asyncio.timeout(10):
				while (await socket.receive_json())['type'] != 'execution_interrupted':
					pass

		assert frames[0]['data']['status']['exec_info']['queue_remaining'] == 1
		assert frames[1] == {'type': 'executing', 'data': {'node': '1', 'display_node': '1', 'prompt_id': job}}

	async def test_others_are_not_told_of_the_running_job(self, api: Api) -> None:
		"""A stranger that connects during a run gets the status alone."""
		job = await api.submit(slow(), client_id='owner')
		await api.running(job)
		async with api.listening('stranger') as socket:
			assert await socket.silent()


class TestEnd:
	"""The server stops."""

	async def test_sockets_are_closed(self, settings: Settings) -> None:
		"""Open sockets are closed with a word, and do not hold the stop up."""
		app = build_app(settings, pack='tests.server.pack')
		async with TestClient(TestServer(app)) as client:
			socket = await client.ws_connect('/ws')
			json.loads((await socket.receive()).data)
			stopping = asyncio.create_task(client.server.close())
			last = await asyncio.wait_for(socket.receive(), 10)
			await stopping

		assert last.type is WSMsgType.CLOSE
		assert last.data == 1001
