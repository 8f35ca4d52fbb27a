"""The files of whoever sent the request."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from tests.server.client import Api

LIMIT = 2**19


@pytest_asyncio.fixture(loop_scope='session')
async def mine(api: Api, base: Path) -> AsyncIterator[Path]:
	"""The folder of the one user, with two workflows."""
	folder = base / 'user' / 'default'
	await store(api, 'workflows/b.json', b'{}')
	await store(api, 'workflows/sub folder/a.json', b'{"a": 1}')
	yield folder
	for path in sorted(folder.rglob('*'), reverse=True):
		path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def at(name: str, query: str = '', *, move: str = '') -> URL:
	"""The URL of a file as front ends write it: one segment, with every slash encoded."""
	path = '/api/userdata/' + name.replace('%', '%25').replace(' ', '%20').replace('/', '%2F')
	if move:
		path += '/move/' + move.replace(' ', '%20').replace('/', '%2F')
	return URL(path + query, encoded=True)


async def store(api: Api, name: str, content: bytes, query: str = '') -> Any:
	"""Store a file; gives the answer's body."""
	response = await api.web.post(at(name, query), data=content)

	assert response.status == 200, await response.text()
	return await response.json()


class TestListing:
	"""GET /userdata."""

	async def test_names(self, api: Api, mine: Path) -> None:
		"""Paths below the folder, with forward slashes, those of its folders when asked."""
		assert await api.json('/userdata', dir='workflows') == ['b.json']
		assert await api.json('/userdata', dir='workflows', recurse='true') == ['b.json', 'sub folder/a.json']

	async def test_split(self, api: Api, mine: Path) -> None:
		"""Each path with its parts."""
		assert await api.json('/userdata', dir='workflows', recurse='true', split='true') == [
			['b.json', 'b.json'],
			['sub folder/a.json', 'sub folder', 'a.json'],
		]

	async def test_full_info(self, api: Api, mine: Path) -> None:
		"""Sizes in bytes, times in whole milliseconds, as the official front end asks for it."""
		query = {'dir': 'workflows', 'recurse': 'true', 'split': 'false', 'full_info': 'true'}
		[_, deep] = await api.json('/api/userdata', **query)
		status = (mine / 'workflows' / 'sub folder' / 'a.json').stat()

		assert deep == {
			'path': 'sub folder/a.json',
			'size': 8,
			'modified': int(status.st_mtime * 1000),
			'created': int(status.st_ctime * 1000),
		}

	async def test_empty_folder(self, api: Api, mine: Path) -> None:
		"""Has nothing, which is no error."""
		(mine / 'empty').mkdir()

		assert await api.json('/userdata', dir='empty', recurse='true') == []

	@pytest.mark.parametrize(
		('query', 'status'),
		[
			({}, 400),
			({'dir': ''}, 400),
			({'dir': 'nowhere'}, 404),
			({'dir': 'workflows/b.json'}, 404),
			({'dir': '..'}, 403),
			({'dir': '../..'}, 403),
			({'dir': '/etc'}, 403),
			({'dir': '..\\..'}, 403),
			({'dir': 'C:\\'}, 403),
			({'dir': 'nul\0'}, 403),
		],
	)
	async def test_bad_folder(self, api: Api, mine: Path, query: dict[str, str], status: int) -> None:
		"""None given, none there, none of the user's."""
		response = await api.get('/userdata', **query)

		assert response.status == status
		assert (await response.json())['error']['message']


class TestTree:
	"""GET /v2/userdata."""

	async def test_folders_come_first(self, api: Api, mine: Path) -> None:
		"""Then files; both with their paths, files with size and time."""
		tree = await api.json('/v2/userdata')
		size_and_time = [set(entry) - {'name', 'path', 'type'} for entry in tree]

		assert [(entry['type'], entry['name'], entry['path']) for entry in tree] == [
			('directory', 'sub folder', 'workflows/sub folder'),
			('directory', 'workflows', 'workflows'),
			('file', 'a.json', 'workflows/sub folder/a.json'),
			('file', 'b.json', 'workflows/b.json'),
		]
		assert size_and_time == [set(), set(), {'size', 'modified'}, {'size', 'modified'}]

	async def test_encoded_path(self, api: Api, mine: Path) -> None:
		"""A folder in a folder, with a space in its name."""
		response = await api.web.get(URL('/v2/userdata?path=workflows%2Fsub%20folder', encoded=True))

		assert [entry['path'] for entry in await response.json()] == ['workflows/sub folder/a.json']

	async def test_nothing_stored_yet(self, api: Api, base: Path) -> None:
		"""An empty list."""
		shutil.rmtree(base / 'user' / 'default', ignore_errors=True)

		assert await api.json('/v2/userdata') == []

	@pytest.mark.parametrize(
		('path', 'status'),
		[('nowhere', 404), ('workflows/b.json', 400), ('..', 403), ('/etc', 403), ('x\\..\\..', 403)],
	)
	async def test_bad_path(self, api: Api, mine: Path, path: str, status: int) -> None:
		"""Not there, a file, not the user's."""
		assert (await api.web.get('/v2/userdata', params={'path': path})).status == status


class TestReading:
	"""GET /userdata/{file}."""

	async def test_bytes_come_back(self, api: Api, mine: Path) -> None:
		"""Of a file in a folder, whose slash is encoded; also of a hidden one."""
		content = bytes(range(256))
		await store(api, 'workflows/.index.json', content)

		assert await (await api.web.get(at('workflows/.index.json'))).read() == content
		assert await (await api.web.get(at('workflows/sub folder/a.json'))).read() == b'{"a": 1}'

	async def test_lower_case_encoding(self, api: Api, mine: Path) -> None:
		"""`%2f` is `%2F`."""
		assert (await api.web.get(URL('/userdata/workflows%2fb.json', encoded=True))).status == 200

	@pytest.mark.parametrize('name', ['a.html', 'a.js', 'a.svg', 'a.css', 'a.xhtml', 'a.json', 'a.png', 'sub/user.css'])
	async def test_nothing_is_shown(self, api: Api, mine: Path, name: str) -> None:
		"""Whatever it is, a browser only saves it; what could run scripts is not even named."""
		await store(api, name, b'<script>alert(1)</script>')
		response = await api.web.get(at(name))

		assert response.headers['Content-Disposition'].startswith('attachment; filename="')
		assert response.headers['X-Content-Type-Options'] == 'nosniff'
		assert response.content_type in ('application/octet-stream', 'application/json', 'image/png')

	async def test_style_sheet_of_the_user(self, api: Api, mine: Path) -> None:
		"""The front end's page has it as such, and sees changes."""
		await store(api, 'user.css', b'body { color: red }')
		response = await api.get('/api/userdata/user.css')

		assert response.content_type == 'text/css'
		assert 'Content-Disposition' not in response.headers
		assert response.headers['Cache-Control'] == 'no-cache'
		assert await response.text() == 'body { color: red }'

	async def test_there_always_is_a_style_sheet(self, api: Api, mine: Path) -> None:
		"""Without a file, an empty one; of other names none."""
		response = await api.get('/api/userdata/user.css')

		assert (response.status, response.content_type, await response.read()) == (200, 'text/css', b'')
		assert (await api.get('/api/userdata/other.css')).status == 404

	@pytest.mark.parametrize('name', ['none.json', 'workflows', 'workflows/..', 'x' * 400])
	async def test_missing_is_404(self, api: Api, mine: Path, name: str) -> None:
		"""What is no file is none."""
		assert (await api.web.get(at(name))).status == 404


class TestWriting:
	"""POST /userdata/{file}."""

	async def test_new_file(self, api: Api, mine: Path) -> None:
		"""Folders are made; the answer is the path, as JSON."""
		assert await store(api, 'deep/down/new.json', b'1') == 'deep/down/new.json'
		assert (mine / 'deep' / 'down' / 'new.json').read_bytes() == b'1'

	async def test_full_info(self, api: Api, mine: Path) -> None:
		"""More than the path, when asked."""
		told = await store(api, 'workflows/c.json', b'12345', '?full_info=true')

		assert told.keys() == {'path', 'size', 'modified', 'created'}
		assert (told['path'], told['size']) == ('workflows/c.json', 5)

	async def test_overwrite(self, api: Api, mine: Path) -> None:
		"""By default; 409 where the file is to stay."""
		refused = await api.web.post(at('workflows/b.json', '?overwrite=false'), data=b'new')
		before = (mine / 'workflows' / 'b.json').read_bytes()
		await store(api, 'workflows/b.json', b'new')

		assert (refused.status, before) == (409, b'{}')
		assert (mine / 'workflows' / 'b.json').read_bytes() == b'new'

	async def test_empty_file(self, api: Api, mine: Path) -> None:
		"""Is a file."""
		await store(api, 'empty.json', b'')

		assert (mine / 'empty.json').read_bytes() == b''

	async def test_percent_in_a_name(self, api: Api, mine: Path) -> None:
		"""A name is decoded once: what looks encoded then is a name like any other."""
		assert await store(api, '%2e%2e%2f50%.json', b'x') == '%2e%2e%2f50%.json'
		assert (mine / '%2e%2e%2f50%.json').is_file()

	@pytest.mark.parametrize(
		('name', 'status'),
		[
			('workflows', 400),
			('workflows/..', 400),
			('workflows/b.json/c', 400),
			('x' * 300, 400),
			('a/' * 40 + 'b', 400),
		],
	)
	async def test_names_that_cannot_be(self, api: Api, mine: Path, name: str, status: int) -> None:
		"""A folder's, no file's, one too long or too deep."""
		before = sorted(mine.rglob('*'))

		assert (await api.web.post(at(name), data=b'x')).status == status
		assert sorted(mine.rglob('*')) == before

	async def test_large_file(self, api: Api, mine: Path) -> None:
		"""As large as bodies may be, however it is sent; a byte more is 413 and stores nothing."""

		async def in_pieces(size: int) -> AsyncIterator[bytes]:
			for _ in range(size // 2**16):
				yield bytes(2**16)
			yield bytes(size % 2**16)

		stored = await api.web.post(at('large.bin'), data=in_pieces(LIMIT))
		announced = await api.web.post(at('larger.bin'), data=bytes(LIMIT + 1))
		in_chunks = await api.web.post(at('larger.bin'), data=in_pieces(LIMIT + 1))

		assert (stored.status, (mine / 'large.bin').stat().st_size) == (200, LIMIT)
		assert (announced.status, in_chunks.status) == (413, 413)
		assert not (mine / 'larger.bin').exists()

	async def test_many_at_once(self, api: Api, mine: Path) -> None:
		"""Of all that want a name, one gets it, and the file is that one's."""
		answers = await asyncio.gather(
			*(api.web.post(at('one.json', '?overwrite=false'), data=b'%d' % number * 1000) for number in range(9))
		)
		winners = [number for number, answer in enumerate(answers) if answer.status == 200]

		assert sorted(answer.status for answer in answers) == [200, *[409] * 8]
		assert (mine / 'one.json').read_bytes() == b'%d' % winners[0] * 1000
		assert not list(mine.glob('.upload-*'))


class TestMoving:
	"""POST /userdata/{file}/move/{target}."""

	async def test_move(self, api: Api, mine: Path) -> None:
		"""Both names are encoded; the answer is the new path."""
		response = await api.web.post(at('workflows/sub folder/a.json', move='archive/old a.json'))

		assert (response.status, await response.json()) == (200, 'archive/old a.json')
		assert (mine / 'archive' / 'old a.json').read_bytes() == b'{"a": 1}'
		assert not (mine / 'workflows' / 'sub folder' / 'a.json').exists()

	async def test_taken_name(self, api: Api, mine: Path) -> None:
		"""409 where the other file is to stay; else it is replaced, and all is told when asked."""
		where = {'name': 'workflows/b.json', 'move': 'workflows/sub folder/a.json'}
		refused = await api.web.post(at(**where, query='?overwrite=false'))
		moved = await api.web.post(at(**where, query='?overwrite=true&full_info=true'))
		told = await moved.json()

		assert (refused.status, moved.status) == (409, 200)
		assert (told['path'], told['size']) == ('workflows/sub folder/a.json', 2)

	async def test_missing_source_is_404(self, api: Api, mine: Path) -> None:
		"""There is nothing to move."""
		assert (await api.web.post(at('none.json', move='other.json'))).status == 404


class TestDeleting:
	"""DELETE /userdata/{file}."""

	async def test_delete(self, api: Api, mine: Path) -> None:
		"""204 without a body; 404 the second time."""
		first = await api.web.delete(at('workflows/b.json'))
		second = await api.web.delete(at('workflows/b.json'))

		assert (first.status, await first.read(), second.status) == (204, b'', 404)
		assert not (mine / 'workflows' / 'b.json').exists()


class TestConfinement:
	"""No name leads out of the user's folder, for any of the routes."""

	@pytest.mark.parametrize(
		'name',
		[
			'..%2Fsecret.txt',
			'%2e%2e%2Fsecret.txt',
			'%2E%2E%2fsecret.txt',
			'workflows%2F..%2F..%2Fsecret.txt',
			'..%5Csecret.txt',
			'workflows%5C..%5C..%5Csecret.txt',
			'%2Fetc%2Fpasswd',
			'%5Cetc%5Cpasswd',
			'C:%5Csecret.txt',
			'C:secret.txt',
			'secret.txt%00',
			'link%2Fsecret.txt',
			'linked.txt',
		],
	)
	async def test_names_that_lead_out_are_403(self, api: Api, mine: Path, name: str) -> None:
		"""Encoded, absolute, Windows-style, with a drive, with a NUL, by a symbolic link."""
		secret = mine.parent / 'secret.txt'
		secret.write_text('secret')
		(mine / 'link').symlink_to(mine.parent)
		(mine / 'linked.txt').symlink_to(secret)
		url = URL(f'/userdata/{name}', encoded=True)
		answers = [
			await api.web.get(url),
			await api.web.post(url, data=b'x'),
			await api.web.delete(url),
			await api.web.post(URL(f'/userdata/{name}/move/mine.txt', encoded=True)),
			await api.web.post(URL(f'/userdata/workflows%2Fb.json/move/{name}', encoded=True)),
		]

		assert [answer.status for answer in answers] == [403] * 5
		assert secret.read_text() == 'secret'
		assert (mine / 'workflows' / 'b.json').is_file()
		secret.unlink()

	async def test_doubly_encoded_names_lead_nowhere(self, api: Api, mine: Path) -> None:
		"""They are decoded once, so they are names of files that are not there."""
		(mine.parent / 'secret.txt').write_text('secret')
		response = await api.web.get(URL('/userdata/..%252Fsecret.txt', encoded=True))
		(mine.parent / 'secret.txt').unlink()

		assert response.status == 404
