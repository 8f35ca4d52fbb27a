"""/v1/packs: how custom nodes were loaded."""

from __future__ import annotations

from pathlib import Path

from tests.server.client import Api


class TestPacks:
	"""Packs in folders of custom nodes."""

	async def test_broken_pack_says_why(self, api: Api, base: Path) -> None:
		"""Its name, where it lies, and its traceback; it brought nothing, and the server runs all the same."""
		assert await api.json('/v1/packs') == {
			'packs': [
				{
					'name': 'broken',
					'path': str(base / 'custom_nodes' / 'broken.py'),
					'kinds': [],
					'seconds': 0.0,
					'error': 'Traceback: it is broken',
				}
			]
		}
