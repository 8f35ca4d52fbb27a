"""/v1/nodes: the kinds of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.declaration import NodeInfo
from tests.server.client import Api


async def kinds(api: Api, **query: str | int) -> list[str]:
	"""The kinds on a page."""
	return [item['kind'] for item in (await api.json('/v1/nodes', **query))['items']]


class TestListing:
	"""Pages of declarations."""

	async def test_pages(self, api: Api) -> None:
		"""All kinds in the order of the alphabet, each once; the count and the hash are those of all of them."""
		found: list[str] = []
		hashes: set[str] = set()
		query: dict[str, str | int] = {'limit': 4}
		while True:
			page: Any = await api.json('/v1/nodes', **query)
			found += [item['kind'] for item in page['items']]
			hashes.add(page['hash'])
			if page['next'] is None:
				break
			query['cursor'] = page['next']

		assert found == sorted(await api.json('/object_info'))
		assert page['total'] == len(found)
		assert len(hashes) == 1

	async def test_items_are_declarations(self, api: Api) -> None:
		"""As the engine has them."""
		(item,) = (await api.json('/v1/nodes', text='a shade of grey', category='test'))['items']
		info = NodeInfo.model_validate(item)

		assert (info.kind, info.title, info.origin) == ('Shade', 'A Shade', 'tests')
		assert [given.name for given in info.inputs] == ['value', 'seed']

	@pytest.mark.parametrize(
		('query', 'found'),
		[
			({'text': 'SHADE grey'}, ['Shade']),
			({'text': 'nowhere'}, []),
			({'text': 'mix two', 'category': 'test'}, ['Mix']),
			({'origin': 'elsewhere'}, ['Listing']),
			({'category': 'tes'}, []),
			({'category': 'test/', 'origin': 'elsewhere'}, ['Listing']),
		],
	)
	async def test_filters(self, api: Api, query: dict[str, str], found: list[str]) -> None:
		"""Every word, whatever its case; a category with those below it; a pack."""
		assert await kinds(api, **query) == found

	async def test_etag(self, api: Api, base: Path) -> None:
		"""304 while nothing has changed; a new file that can be chosen is a change."""
		first = await api.get('/v1/nodes', text='Pick')
		tag, body = first.headers['ETag'], await first.json()
		again = await api.web.get('/v1/nodes?text=Pick', headers={'If-None-Match': tag})
		(base / 'models' / 'checkpoints' / 'new.safetensors').write_bytes(b'')
		changed = await api.web.get('/v1/nodes?text=Pick', headers={'If-None-Match': tag})
		(base / 'models' / 'checkpoints' / 'new.safetensors').unlink()

		assert again.status == 304
		assert changed.status == 200
		assert (await changed.json())['hash'] != body['hash']

	async def test_slip_of_the_pen(self, api: Api) -> None:
		"""A parameter that is not known is refused, not passed over."""
		response = await api.get('/v1/nodes', txt='x')

		assert response.status == 400
		assert (await response.json())['error']['details'][0]['place'] == 'query.txt'


class TestOne:
	"""One kind."""

	async def test_is_what_the_list_has(self, api: Api) -> None:
		"""The same declaration, with an ETag."""
		(listed,) = (await api.json('/v1/nodes', text='Mix two'))['items']
		response = await api.get('/v1/nodes/Mix')
		again = await api.web.get('/v1/nodes/Mix', headers={'If-None-Match': response.headers['ETag']})

		assert await response.json() == listed
		assert again.status == 304

	async def test_unknown(self, api: Api) -> None:
		"""404 with a sentence."""
		response = await api.get('/v1/nodes/Nothing')

		assert response.status == 404
		assert (await response.json())['error']['code'] == 'node_not_found'
