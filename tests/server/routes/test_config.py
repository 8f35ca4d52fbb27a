"""/v1/config: the settings as this run has them."""

from __future__ import annotations

from pathlib import Path

from tests.server.client import Api


class TestConfig:
	"""What the server was started with."""

	async def test_tells_what_was_set(self, api: Api, base: Path) -> None:
		"""Folders, limits, versions, what is switched on."""
		found = await api.json('/v1/config')

		assert found['folders']['output'] == str(base / 'output')
		assert found['folders']['workflows'] == str(base / 'user' / 'workflows')
		assert found['folders']['custom_nodes'] == [str(base / 'custom_nodes')]
		assert found['limits']['body'] == 2**19
		assert found['versions']['python'].startswith('3.')
		assert found['versions']['aiohttp']
		assert found['features'] == {'metadata': True, 'packs': True, 'cache_mode': 'bytes', 'cors_origin': ''}
