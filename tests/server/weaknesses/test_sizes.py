"""Requests that are too much: for the memory, for the stack, for anybody's patience."""

from __future__ import annotations

import asyncio
import gzip
import io
from collections.abc import Iterable

import pytest

from tests.server.client import Api, Web
from tests.server.weaknesses.tools import addresses

MOST = 10_000_000  # values, by default
BOMBS = {
	'deep lists': b'[' * 100_000 + b']' * 100_000,
	'deep objects': b'{"a":' * 50_000 + b'1' + b'}' * 50_000,
	'deep in a prompt': b'{"prompt":' + b'[' * 5000 + b']' * 5000 + b'}',
	'a huge number': b'{"number":' + b'9' * 100_000 + b'}',
	'compressed': gzip.compress(b'[' + b'1,' * 5_000_000 + b'1]'),
	'compressed twice': gzip.compress(gzip.compress(b' ' * 10_000_000)),
}
NO_JSON = ('/interrupt', '/logout', '/cancel', '/retry', '/pause', '/resume', '/clear', '/userdata/none', '/move/none')
"""The ends of routes that read no body, or take any."""


class TestJsonBombs:
	"""Small bodies that become large, or endless, once they are read."""

	@pytest.mark.parametrize('bomb', BOMBS.values(), ids=BOMBS)
	async def test_every_route_refuses_it(self, api: Api, bomb: bytes) -> None:
		"""As the client's fault, and goes on."""
		headers = {'Content-Encoding': 'gzip'} if bomb.startswith(b'\x1f\x8b') else {}
		for method, path in addresses(api.web, safe=False):
			if path.endswith(NO_JSON):
				continue
			answer = await api.web.request(method, path, data=bomb, headers=headers)

			assert 400 <= answer.status < 500 or method == 'DELETE', path
		assert (await api.get('/v1/health')).status == 200

	async def test_millions_of_values_are_refused_before_they_are_made(self, open_network: Web) -> None:
		"""24 MB of empty lists would be gigabytes of objects."""
		bomb = b'{"prompt":[' + b'[],' * (MOST // 2) + b'[],' * 5 + b'[]]}'
		answer = await open_network.post('/prompt', data=io.BytesIO(bomb))
		body = await answer.json()

		assert answer.status == 413
		assert body['error']['type'] == 'invalid_request'
		assert 'values' in body['error']['message']

	async def test_a_graph_of_many_nodes_is_refused(self, open_network: Web) -> None:
		"""Before each is looked at."""
		bomb = b'{"prompt":{' + b','.join(b'"%d":{"class_type":"X"}' % index for index in range(200_001)) + b'}}'
		answer = await open_network.post('/prompt', data=io.BytesIO(bomb))

		assert answer.status == 413
		assert (await answer.json())['error']['type'] == 'prompt_too_large'


class TestSlowAndOversizedRequests:
	"""Requests that are nothing but headers, or that never end."""

	async def raw(self, web: Web, sent: Iterable[bytes]) -> bytes:
		"""The status line that comes for these bytes; nothing if the server hangs up."""
		reader, writer = await asyncio.open_connection('127.0.0.1', web.port)
		try:
			for piece in sent:
				writer.write(piece)
				await writer.drain()
			return await asyncio.wait_for(reader.readline(), 60)
		except ConnectionError:
			return b''
		finally:
			writer.close()

	@pytest.mark.parametrize(
		'sent',
		[
			b'GET /queue?' + b'x' * 20_000 + b' HTTP/1.1\r\nHost: localhost\r\n\r\n',
			b'GET /queue HTTP/1.1\r\nHost: localhost\r\nX: ' + b'x' * 20_000 + b'\r\n\r\n',
			b'GET /queue HTTP/1.1\r\nHost: localhost\r\n' + b''.join(b'X%d: y\r\n' % n for n in range(5000)) + b'\r\n',
			b'GET /queue HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
			b'GET /queue HTTP/9.9 nonsense\r\n\r\n',
			b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + bytes(500) + b'\r\n\r\n',
		],
		ids=['long address', 'long header', 'many headers', 'two lengths', 'no HTTP', 'TLS'],
	)
	async def test_what_is_too_much_or_nonsense_is_refused(self, api: Api, sent: bytes) -> None:
		"""And the server goes on."""
		line = await self.raw(api.web, [sent])

		assert line == b'' or line.split()[1] in (b'400', b'413', b'414', b'431')
		assert (await api.get('/queue')).status == 200

	async def test_a_connection_that_says_nothing_keeps_nobody_waiting(self, api: Api) -> None:
		"""Hundreds of them."""
		silent = [await asyncio.open_connection('127.0.0.1', api.web.port) for _ in range(200)]
		try:
			for _, writer in silent:
				writer.write(b'POST /prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{')
			answered = await api.get('/queue')
		finally:
			for _, writer in silent:
				writer.close()

		assert answered.status == 200
