"""/v1/drafts: workflows that are not saved yet, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.client import Api

DOCUMENT = {'lumengraph': 2, 'title': 'Mine', 'nodes': {'a': {'kind': 'Not here', 'inputs': {}, 'more': 1}}, 'own': [2]}


class TestDrafts:
	"""Their whole life."""

	async def test_life(self, api: Api) -> None:
		"""Kept, listed, read, replaced, deleted."""
		sent = {'document': DOCUMENT, 'workflow': 'mine', 'etag': '"e"', 'client': 'nobody'}
		first = await api.web.put('/v1/drafts/one', json=sent)
		again = await api.web.put('/v1/drafts/one', json=sent)
		(listed,) = (await api.json('/v1/drafts'))['drafts']
		read: Any = await api.json('/v1/drafts/one')
		deleted = await api.web.delete('/v1/drafts/one')

		assert (first.status, again.status, deleted.status) == (201, 200, 204)
		assert listed.items() >= {
			'id': 'one', 'title': 'Mine', 'nodes': 1, 'workflow': 'mine', 'etag': '"e"', 'client': 'nobody', 'open': False,
		}.items()  # fmt: skip
		assert read == {**listed, 'document': DOCUMENT}
		assert (await api.json('/v1/drafts'))['drafts'] == []
		assert (await api.web.delete('/v1/drafts/one')).status == 404
		assert (await api.get('/v1/drafts/one')).status == 404

	async def test_open_while_its_editor_is_connected(self, api: Api) -> None:
		"""So that nobody is offered what somebody is at."""
		async with api.web.ws_connect('/ws?clientId=painter') as socket:
			await socket.receive()
			await api.web.put('/v1/drafts/one', json={'document': DOCUMENT, 'client': 'painter'})
			(listed,) = (await api.json('/v1/drafts'))['drafts']
		await api.web.delete('/v1/drafts/one')

		assert listed['open'] is True

	@pytest.mark.parametrize('id', ['..%2foutside', '.hidden', 'a.b', 'x' * 65, 'a%00'])
	async def test_ids_that_are_none(self, api: Api, id: str) -> None:
		"""400, naming the path."""
		response = await api.web.put(f'/v1/drafts/{id}', json={'document': DOCUMENT})

		assert response.status == 400
		assert [item['place'] for item in (await response.json())['error']['details']] == ['path.id']

	@pytest.mark.parametrize('body', [{}, {'document': {}}, {'document': {'nodes': []}}])
	async def test_what_is_no_workflow_is_refused(self, api: Api, body: object) -> None:
		"""Nothing is kept."""
		response = await api.web.put('/v1/drafts/one', json=body)

		assert response.status == 400
		assert (await api.json('/v1/drafts'))['drafts'] == []
