"""/v1/extensions: what packs bring for the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from engine.plugins import PackReport
from server.routes.extensions import read_all, read_extension
from tests.server.client import Api

GOOD: dict[str, JsonValue] = {'api': 1, 'module': 'src/main.js', 'title': 'Ruler', 'version': '1.2'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
	"""A web folder with a script."""
	(tmp_path / 'src').mkdir()
	(tmp_path / 'src' / 'main.js').write_text('export function activate() {}')
	return tmp_path


class TestListing:
	"""All packs with a web folder."""

	async def test_no_pack_has_one(self, api: Api) -> None:
		"""Then there is nothing to tell."""
		assert await api.json('/v1/extensions') == {'extensions': []}

	def test_scripts_for_other_front_ends(self, folder: Path) -> None:
		"""Without a manifest they are listed, and nothing is to be loaded. Addresses are encoded."""
		(found,) = read_all([PackReport(name='a pack', path=folder, web={'a/b c': folder})])

		assert found.model_dump() == {
			'name': 'a/b c',
			'pack': 'a pack',
			'title': '',
			'description': '',
			'version': '',
			'api': None,
			'module': None,
			'scripts': ['extensions/a%2Fb%20c/src/main.js'],
			'error': None,
		}


class TestManifest:
	"""`lumengraph.json`."""

	def test_names_the_module(self, folder: Path) -> None:
		"""And what people are told."""
		(folder / 'lumengraph.json').write_text(json.dumps({**GOOD, 'of_a_later_version': 1}))
		found = read_extension('p', 'p', folder)

		assert (found.api, found.module, found.error) == (1, 'extensions/p/src/main.js', None)
		assert (found.title, found.version) == ('Ruler', '1.2')

	@pytest.mark.parametrize(
		('content', 'reason'),
		[
			('{', 'Invalid JSON'),
			('[]', 'object'),
			('{"api": 1}', 'module: Field required'),
			(json.dumps({**GOOD, 'api': 'one'}), 'api: Input should be a valid integer'),
			(json.dumps({**GOOD, 'module': 'gone.js'}), "there is no file 'gone.js'"),
			(json.dumps({**GOOD, 'module': '../main.js'}), "there is no file '../main.js'"),
			(json.dumps({**GOOD, 'module': '/etc/x.js'}), 'module: String should match'),
			(json.dumps({**GOOD, 'module': 'https://elsewhere.example/x.js'}), 'there is no file'),
		],
	)
	def test_what_is_wrong_is_told(self, folder: Path, content: str, reason: str) -> None:
		"""Nothing is loaded then."""
		(folder / 'lumengraph.json').write_text(content)
		found = read_extension('p', 'p', folder)

		assert found.module is None
		assert reason in (found.error or '')
