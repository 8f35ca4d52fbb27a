"""/v1/logs: the last log lines, and those that come."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from aiohttp import ClientResponse

from server.keys import LOGS
from server.logring import LogRing
from tests.server.client import PATIENCE, Api


@pytest.fixture
def ring(api: Api) -> LogRing:
	"""The server's lines, four of them new."""
	ring = api.web.app[LOGS]
	ring.add(1.0, 'server.one', 'a quiet remark of this test', level='DEBUG')
	ring.add(2.0, 'server.one', 'something of note in this test', job='j')
	ring.add(3.0, 'worker', 'a warning of this test', level='WARNING', job='j', node='n')
	ring.add(4.0, 'worker', 'it failed in this test', level='ERROR')
	return ring


class TestPage:
	"""What was logged."""

	async def test_newest_first_and_numbered(self, api: Api, ring: LogRing) -> None:
		"""A page at a time, each line once."""
		first = await api.json('/v1/logs?text=this+test&limit=3')
		rest = await api.json(f'/v1/logs?text=this+test&limit=3&cursor={first["next"]}')
		numbers = [item['number'] for item in first['items']]

		assert [item['line']['text'][:9] for item in first['items']] == ['it failed', 'a warning', 'something']
		assert rest['items'][0]['line']['text'] == 'a quiet remark of this test'
		assert numbers == [ring.last, ring.last - 1, ring.last - 2]
		assert first['items'][1]['line'] == {
			'at': 3.0,
			'level': 'WARNING',
			'source': 'worker',
			'text': 'a warning of this test',
			'request': '',
			'job': 'j',
			'node': 'n',
		}

	@pytest.mark.parametrize(
		('query', 'count'),
		[('level=WARNING', 2), ('level=ERROR', 1), ('job=j', 2), ('level=WARNING&job=j', 1), ('', 4)],
	)
	@pytest.mark.usefixtures('ring')
	async def test_only_what_is_asked_for(self, api: Api, query: str, count: int) -> None:
		"""By level and by job."""
		page = await api.json(f'/v1/logs?text=THIS+test&limit={count}&{query}')

		assert len(page['items']) == count
		assert all('this test' in item['line']['text'] for item in page['items'])

	async def test_a_level_that_is_none(self, api: Api) -> None:
		"""Is refused, and the answer names those that there are."""
		answer = await api.get('/v1/logs?level=LOUD')

		assert answer.status == 400
		assert 'CRITICAL' in await answer.text()


class TestStream:
	"""What comes."""

	async def test_lines_as_they_come(self, api: Api, ring: LogRing) -> None:
		"""Also those that a thread logs; only what is asked for."""
		async with api.web.get('/v1/logs/events', params={'level': 'WARNING', 'text': 'new'}) as response:
			assert await response.content.readline() == b': here you are\n'
			thread = threading.Thread(target=ring.add, args=(5.0, 'worker', 'new, but quiet'))
			thread.start()
			thread.join()
			ring.add(6.0, 'worker', 'new and loud', level='ERROR')
			told = await following(response)

		assert (told['number'], told['line']['text']) == (ring.last, 'new and loud')

	async def test_what_was_missed_comes_first(self, api: Api, ring: LogRing) -> None:
		"""After a number, or the last one that a browser has; a number of an earlier process tells all there is."""
		async with api.web.get('/v1/logs/events', headers={'Last-Event-ID': str(ring.last - 1)}) as response:
			missed = await following(response)
		async with api.web.get('/v1/logs/events', params={'after': ring.last + 10**6}) as response:
			first = await following(response)

		assert missed['line']['text'] == 'it failed in this test'
		assert first['number'] == ring.since(0)[0][0]


async def following(response: ClientResponse) -> dict[str, Any]:
	"""The next message of a stream."""
	async with asyncio.timeout(PATIENCE):
		while line := await response.content.readline():
			if line.startswith(b'data: '):
				message: dict[str, Any] = json.loads(line.removeprefix(b'data: '))
				return message
	raise AssertionError('The stream ended.')
