"""Who there is, and what they set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from engine.settings import Settings
from server.app import build_app
from tests.server.client import Api


@pytest_asyncio.fixture(loop_scope='session')
async def shared(tmp_path: Path) -> AsyncIterator[Api]:
	"""A server for several people, of whom none is there yet."""
	settings = Settings(base=tmp_path, user=tmp_path / 'people', multi_user=True)
	async with TestClient(TestServer(build_app(settings, pack='tests.server.pack'))) as client:
		yield Api(client)


async def joined(shared: Api, name: str) -> dict[str, str]:
	"""Add somebody; gives the header of their requests."""
	response = await shared.post('/users', {'username': name})

	assert response.status == 200, await response.text()
	return {'Comfy-User': str(await response.json())}


class TestOneUser:
	"""A server for one."""

	async def test_users_names_nobody(self, api: Api) -> None:
		"""Front ends that see names ask who it is. `migrated` says whether something was stored yet."""
		await api.post('/settings/Test.Migrated', True)

		assert await api.json('/users') == {'storage': 'server', 'migrated': True}

	async def test_folders_of_front_ends_are_there(self, shared: Api, tmp_path: Path) -> None:
		"""From the first moment: the official front end lists them at its start."""
		alone = build_app(Settings(base=tmp_path / 'alone'), pack='tests.server.pack')
		async with TestClient(TestServer(alone)) as client:
			answers = [await client.get(f'/userdata?dir={name}') for name in ('workflows', 'subgraphs')]
			headers = await joined(shared, 'Ann')
			answers.append(await shared.web.get('/userdata?dir=workflows', headers=headers))

			assert [await answer.json() for answer in answers] == [[], [], []]

	async def test_nobody_can_be_added(self, api: Api) -> None:
		"""The refusal says how to make it a server for several."""
		response = await api.post('/users', {'username': 'Ann'})

		assert response.status == 400
		assert '--multi-user' in (await response.json())['error']

	@pytest.mark.parametrize(('user', 'status'), [('', 200), ('somebody', 200), ('__system', 403)])
	async def test_header(self, api: Api, user: str, status: int) -> None:
		"""The official front end sends it empty; reserved ids are refused."""
		assert (await api.web.get('/settings', headers={'Comfy-User': user})).status == status


class TestSeveralUsers:
	"""A server for several."""

	async def test_people_are_listed(self, shared: Api) -> None:
		"""By id, with their names; nothing is said of a migration."""
		before = await shared.json('/users')
		ann = await joined(shared, 'Ann')

		assert before == {'storage': 'server', 'users': {}}
		assert await shared.json('/users') == {'storage': 'server', 'users': {ann['Comfy-User']: 'Ann'}}

	async def test_name_that_is_taken_is_400(self, shared: Api) -> None:
		"""`error` is a sentence, which the front end shows."""
		await joined(shared, 'Ann')
		response = await shared.post('/users', {'username': 'Ann'})

		assert response.status == 400
		assert (await response.json())['error'] == "There is a 'Ann' already."

	@pytest.mark.parametrize('body', [{}, {'username': ''}, {'username': ['a']}, [], b'', b'{'])
	async def test_what_names_nobody_is_400(self, shared: Api, body: object) -> None:
		"""No name, none at all, no JSON."""
		assert (await shared.post('/users', body)).status == 400

	async def test_each_has_settings_and_files(self, shared: Api, tmp_path: Path) -> None:
		"""Nobody sees those of another."""
		ann, ben = await joined(shared, 'Ann'), await joined(shared, 'Ben')
		await shared.web.post('/settings/Color', data=b'"red"', headers=ann)
		await shared.web.post('/userdata/note.txt', data=b'of Ann', headers=ann)
		colors = [await (await shared.web.get('/settings/Color', headers=who)).json() for who in (ann, ben)]
		notes = [(await shared.web.get('/userdata/note.txt', headers=who)).status for who in (ann, ben)]

		assert colors == ['red', None]
		assert notes == [200, 404]
		assert (tmp_path / 'people' / ann['Comfy-User'] / 'note.txt').read_text() == 'of Ann'

	@pytest.mark.parametrize(
		('user', 'status'),
		[('', 401), ('nobody', 401), ('default', 401), ('..', 401), ('../people', 401), ('__system', 403)],
	)
	async def test_unknown_people_are_refused(self, shared: Api, user: str, status: int) -> None:
		"""401 makes the front end ask again who it is; no id is a path."""
		headers = {'Comfy-User': user}
		for path in ('/settings', '/settings/a', '/userdata?dir=.', '/v2/userdata', '/userdata/users.json'):
			assert (await shared.web.get(path, headers=headers)).status == status
		assert (await shared.web.post('/userdata/a', data=b'x', headers=headers)).status == status
		assert (await shared.web.post('/settings/a', data=b'1', headers=headers)).status == status

	async def test_nobody_reads_the_list_of_people_as_a_file(self, shared: Api) -> None:
		"""It lies above everybody's folder."""
		ann = await joined(shared, 'Ann')

		assert (await shared.web.get('/userdata/..%2Fusers.json', headers=ann)).status == 403


class TestSettings:
	"""GET and POST /settings, all and one by one."""

	@pytest.mark.parametrize('value', [True, 0, 1.5, 'text', None, [1], {'a': {'b': None}}, ''])
	async def test_one_comes_back(self, api: Api, value: Any) -> None:
		"""The body is the bare value; the answer has none."""
		response = await api.post('/settings/Test.One', value)

		assert (response.status, await response.read()) == (200, b'')
		assert await api.json('/settings/Test.One') == value
		assert (await api.json('/settings'))['Test.One'] == value

	async def test_plain_text_is_read_as_json(self, api: Api) -> None:
		"""The official front end calls its JSON plain text."""
		headers = {'Content-Type': 'text/plain;charset=UTF-8'}
		response = await api.web.post('/api/settings/Test.Text', data=b'"value"', headers=headers)

		assert response.status == 200
		assert await api.json('/api/settings/Test.Text') == 'value'

	async def test_missing_is_null(self, api: Api) -> None:
		"""Not 404."""
		assert await api.json('/settings/Test.Missing') is None

	async def test_several_are_merged(self, api: Api, base: Path) -> None:
		"""Others stay; all lie in a file that other programs find."""
		await api.post('/settings', {'Test.A': 1, 'Test.B': 2})
		await api.post('/settings', {'Test.B': 3})
		settings = await api.json('/settings')

		assert (settings['Test.A'], settings['Test.B']) == (1, 3)
		assert (base / 'user' / 'default' / 'comfy.settings.json').is_file()

	async def test_encoded_ids(self, api: Api) -> None:
		"""An id is a key, whatever it looks like."""
		await api.post('/settings/..%2F..%2Fx%20y', 1)

		assert (await api.json('/settings'))['../../x y'] == 1

	@pytest.mark.parametrize(
		('path', 'body'),
		[('/settings', b''), ('/settings', b'[]'), ('/settings', b'{"a"'), ('/settings/a', b''), ('/settings/a', b'{')],
	)
	async def test_what_is_no_setting_is_400(self, api: Api, path: str, body: bytes) -> None:
		"""And changes nothing."""
		before = await api.json('/settings')

		assert (await api.post(path, body)).status == 400
		assert await api.json('/settings') == before

	async def test_not_a_number(self, api: Api) -> None:
		"""Is let in, as Python writes it, and comes back as null, which every client can read."""
		await api.post('/settings/Test.NaN', b'[NaN, Infinity]')

		assert await (await api.get('/settings/Test.NaN')).text() == '[null,null]'
