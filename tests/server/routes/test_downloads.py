"""/v1/models/downloads, over HTTP, where nothing may be fetched."""

from __future__ import annotations

import pytest

from tests.server.client import Api


class TestDownloads:
	"""Off, unless the server was told from where."""

	async def test_off(self, api: Api) -> None:
		"""403 with the flag's name; the listing says that there are no hosts."""
		body = {'url': 'http://127.0.0.1/a', 'folder': 'checkpoints', 'name': 'a.safetensors'}
		refused = await api.post('/v1/models/downloads', body)

		assert refused.status == 403
		assert '--model-hosts' in (await refused.json())['error']['message']
		assert await api.json('/v1/models/downloads') == {'downloads': [], 'hosts': []}

	@pytest.mark.parametrize(
		'body', [{}, {'url': 'x', 'folder': 'y', 'name': ''}, {'url': 'x', 'folder': 'y', 'name': 'z', 'digest': '1'}]
	)
	async def test_what_is_no_request(self, api: Api, body: object) -> None:
		"""400, naming what does not fit."""
		assert (await api.post('/v1/models/downloads', body)).status == 400

	async def test_unknown_one(self, api: Api) -> None:
		"""404, also to be cancelled."""
		shown, cancelled = await api.get('/v1/models/downloads/9'), await api.post('/v1/models/downloads/9/cancel', {})

		assert (shown.status, cancelled.status) == (404, 404)
