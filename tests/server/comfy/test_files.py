"""Files come in through /upload/image and are shown by /view."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData, MultipartWriter
from PIL import Image

from tests.server.client import Api, saving


def form(content: bytes, name: str | None = 'up.png', **fields: str) -> FormData:
	"""An upload form."""
	# Names are sent as they are, as browsers and simple clients do.
	data = FormData(quote_fields=False)
	data.add_field('image', content, filename=name, content_type='application/octet-stream')
	for field, value in fields.items():
		data.add_field(field, value)
	return data


async def upload(api: Api, content: bytes, name: str = 'up.png', **fields: str) -> dict[str, Any]:
	"""Upload a file; gives where it lies."""
	response = await api.web.post('/upload/image', data=form(content, name, **fields))

	assert response.status == 200, await response.text()
	body: dict[str, Any] = await response.json()
	return body


class TestUpload:
	"""POST /upload/image."""

	async def test_file_lies_where_the_answer_says(self, api: Api, base: Path) -> None:
		"""The input folder by default; a subfolder is made."""
		assert await upload(api, b'a', 'first.png') == {'name': 'first.png', 'subfolder': '', 'type': 'input'}
		assert (base / 'input' / 'first.png').read_bytes() == b'a'
		place = await upload(api, b'b', 'first.png', subfolder='x/y', type='temp')

		assert place == {'name': 'first.png', 'subfolder': 'x/y', 'type': 'temp'}
		assert (base / 'temp' / 'x' / 'y' / 'first.png').read_bytes() == b'b'

	async def test_equal_content_is_stored_once(self, api: Api, base: Path) -> None:
		"""The same bytes under the same name get the name that is there, also a numbered one."""
		names = [(await upload(api, content, 'same.tar.gz'))['name'] for content in (b'1', b'1', b'2', b'3', b'2')]

		assert names == ['same.tar.gz', 'same.tar.gz', 'same.tar (1).gz', 'same.tar (2).gz', 'same.tar (1).gz']
		assert (base / 'input' / 'same.tar.gz').read_bytes() == b'1'

	@pytest.mark.parametrize('yes', ['true', '1'])
	async def test_overwrite(self, api: Api, base: Path, yes: str) -> None:
		"""The file is replaced under its name."""
		await upload(api, b'old', 'over.png')
		place = await upload(api, b'new', 'over.png', overwrite=yes)

		assert place['name'] == 'over.png'
		assert (base / 'input' / 'over.png').read_bytes() == b'new'

	async def test_no_partial_files_are_left(self, api: Api, base: Path) -> None:
		"""Nothing but the uploads lies in the folder."""
		await upload(api, b'1', 'only.png', subfolder='clean')
		await upload(api, b'1', 'only.png', subfolder='clean')
		await upload(api, b'2', 'only.png', subfolder='clean', overwrite='true')

		assert [path.name for path in (base / 'input' / 'clean').iterdir()] == ['only.png']

	@pytest.mark.parametrize(
		('name', 'fields'),
		[
			('../out.png', {}),
			('a/../../out.png', {}),
			('..', {}),
			('.', {}),
			('..\\out.png', {}),
			('out.png', {'subfolder': '..'}),
			('out.png', {'subfolder': '/etc'}),
			('out.png', {'subfolder': 'a/../../b'}),
			('out.png', {'subfolder': '..\\..'}),
			('../out.png', {'subfolder': 'inside'}),
			('C:\\out.png', {}),
			('c:out.png', {}),
			('out.png', {'subfolder': 'C:\\'}),
			('out.png', {'subfolder': 'link'}),
			('out.png', {'subfolder': 'link/deeper'}),
			('link', {'overwrite': 'true'}),
			('sub', {}),
			('x' * 300, {}),
			('out.png', {'subfolder': 'seen.png'}),
			('out.png', {'subfolder': 'nul\0'}),
			('out.png', {'type': 'models'}),
			('out.png', {'type': '../models'}),
		],
	)
	async def test_bad_place_is_400(self, api: Api, base: Path, name: str, fields: Mapping[str, str]) -> None:
		"""No name leaves its root, also by a symbolic link, and none that the disk refuses fails inside."""
		before = sorted(base.rglob('*out.png'))
		(base / 'input' / 'link').symlink_to(base)
		response = await api.web.post('/upload/image', data=form(b'x', name, **fields))
		(base / 'input' / 'link').unlink()

		assert response.status == 400
		assert (await response.json())['error']['message']
		assert sorted(base.rglob('*out.png')) == before

	@pytest.mark.parametrize(
		('name', 'fields', 'reason'),
		[
			('x' * 300, {}, 'it is too long'),
			('x' * 252 + '.png', {}, 'it is too long'),
			('a.png', {'subfolder': 'new/deep/' + 'x' * 300}, 'it is too long'),
			('a.png', {'subfolder': 'x/' * 5000}, 'it is too long'),
			('a.png', {'subfolder': 'x/' * 2000}, 'it is more than 32 folders deep'),
			('a.png', {'subfolder': 'x/' * 33}, 'it is more than 32 folders deep'),
			('a.png', {'subfolder': 'seen.png'}, 'a part of it is a file, not a folder'),
			('a.png', {'subfolder': 'seen.png/sub'}, 'a part of it is a file, not a folder'),
			('sub', {}, 'a folder has it'),
			('.', {'subfolder': 'sub'}, 'it names no file'),
			('../a.png', {'subfolder': 'sub'}, 'it leaves the subfolder'),
			('../a.png', {}, 'it leaves the folder'),
			('.lumengraph', {'type': 'temp'}, 'it is the name of a mark that is not for clients'),
		],
	)
	async def test_refusal_says_why(
		self, api: Api, base: Path, name: str, fields: Mapping[str, str], reason: str
	) -> None:
		"""Each in its own words; neither a file nor a folder is left behind."""
		before = sorted(base.rglob('*'))
		response = await api.web.post('/upload/image', data=form(b'x', name, **fields))
		error = (await response.json())['error']

		assert (response.status, error['code']) == (400, 'bad_name')
		assert error['message'].endswith(f'cannot be used in the {fields.get("type", "input")} folder: {reason}.')
		assert len(error['message']) < 1000
		assert sorted(base.rglob('*')) == before

	async def test_longest_way_down(self, api: Api, base: Path) -> None:
		"""32 folders below the root are made, and the file can be chosen."""
		subfolder = '/'.join(['deep'] * 32)
		await upload(api, b'x', 'down.png', subfolder=subfolder)
		info = await api.json('/object_info/Pick')
		shutil.rmtree(base / 'input' / 'deep')

		assert f'{subfolder}/down.png' in info['Pick']['input']['required']['image'][0]

	async def test_numbered_name_that_is_too_long(self, api: Api, base: Path) -> None:
		"""The longest of all names fits, but not with the number that other content would get."""
		name = 'y' * 251 + '.png'
		await upload(api, b'1', name)
		response = await api.web.post('/upload/image', data=form(b'2', name))

		assert response.status == 400
		assert (base / 'input' / name).read_bytes() == b'1'
		assert not list((base / 'input').glob('.upload-*'))

	@pytest.mark.parametrize(
		('name', 'charset', 'subfolder'),
		[(b'\xff.png', b'utf-8', b''), (b'old.png', b'utf-8', b'\xff'), (b'old.png', b'utf-7', b'+2AA-')],
	)
	async def test_name_that_is_not_utf8_is_400(
		self, api: Api, base: Path, name: bytes, charset: bytes, subfolder: bytes
	) -> None:
		"""No answer and no listing could carry such a name, so nothing is stored under it."""
		before = sorted(base.rglob('*'))
		body = (
			b'--x\r\nContent-Disposition: form-data; name="subfolder"\r\n'
			b'Content-Type: text/plain; charset=' + charset + b'\r\n\r\n' + subfolder + b'\r\n'
			b'--x\r\nContent-Disposition: form-data; name="image"; filename="' + name + b'"\r\n\r\na\r\n--x--\r\n'
		)
		headers = {'Content-Type': 'multipart/form-data; boundary=x'}
		response = await api.web.post('/upload/image', data=body, headers=headers)

		assert response.status == 400
		assert (await response.json())['error']['message']
		assert sorted(base.rglob('*')) == before

	async def test_form_without_a_file_is_400(self, api: Api) -> None:
		"""No form, no file, no file name, a broken form."""
		nameless = MultipartWriter('form-data')
		nameless.append(b'x').set_content_disposition('form-data', name='image', filename='')
		bodies: list[Any] = [None, b'', FormData({'other': 'x'}), FormData({'image': 'text'}), nameless]
		for body in bodies:
			assert (await api.web.post('/upload/image', data=body)).status == 400

	@pytest.mark.parametrize(
		'body',
		[
			b'--x\r\nbroken',
			b'nothing',
			b'--x\r\n\r\nno headers\r\n--x--\r\n',
			b'--x\r\nContent-Disposition: form-data; name="type"\r\nContent-Type: text/plain; charset=no\r\n\r\na\r\n--x--',
			b'--x\r\nContent-Disposition: form-data; name="type"\r\nContent-Encoding: deflate\r\n\r\na\r\n--x--\r\n',
			b'--x\r\nContent-Disposition: form-data; name="type"\r\nContent-Encoding: no\r\n\r\na\r\n--x--\r\n',
			b'--x\r\nContent-Disposition: form-data; name="type"\r\nContent-Transfer-Encoding: no\r\n\r\na\r\n--x--\r\n',
			b'--x\r\nContent-Disposition: form-data; name="type"\r\nContent-Transfer-Encoding: base64\r\n\r\na\r\n--x--\r\n',
			b'--x\r\nContent-Disposition: form-data; name="type"\r\n\r\n\xff\r\n--x--\r\n',
		],
	)
	async def test_broken_form_is_400(self, api: Api, body: bytes) -> None:
		"""Nothing in a form can make the route fail inside."""
		for boundary in ('; boundary=x', ''):
			type = f'multipart/form-data{boundary}'
			response = await api.web.post('/upload/image', data=body, headers={'Content-Type': type})

			assert response.status == 400
			assert (await response.json())['error']['message']

	async def test_upload_that_is_too_large_is_413(self, api: Api, base: Path) -> None:
		"""The bound is that of all bodies, and is announced; nothing is left."""
		longest = (await api.json('/features'))['max_upload_size']
		response = await api.web.post('/upload/image', data=form(bytes(longest + 1), 'large.png'))

		assert response.status == 413
		assert not list((base / 'input').glob('large*'))

	async def test_file_that_is_no_picture_is_kept_as_it_is(self, api: Api, base: Path) -> None:
		"""Films, sounds and models come in by the same door."""
		await upload(api, b'\0\1\2', 'sound.wav')

		assert (base / 'input' / 'sound.wav').read_bytes() == b'\0\1\2'

	async def test_uploaded_picture_can_be_chosen(self, api: Api) -> None:
		"""The next /object_info lists it."""
		await upload(api, b'x', 'chosen.png')
		info = await api.json('/object_info/Pick')

		assert 'chosen.png' in info['Pick']['input']['required']['image'][0]


class TestView:
	"""GET /view of files as they are."""

	async def test_saved_picture(self, api: Api, base: Path) -> None:
		"""What a job saved can be fetched by what its history says, byte by byte."""
		entry = await api.ended(await api.submit(saving()))
		picture = entry['outputs']['2']['images'][0]
		response = await api.get('/view', **picture)

		assert response.status == 200
		assert response.content_type == 'image/png'
		assert response.headers['Content-Disposition'] == f'filename="{picture["filename"]}"'
		assert await response.read() == (base / 'output' / picture['filename']).read_bytes()

	async def test_saved_picture_holds_its_workflow(self, api: Api) -> None:
		"""Graph and extra entries are text chunks of the PNG, as JSON."""
		graph, workflow = saving(), {'id': 'w', 'nodes': []}
		job = await api.submit(graph, extra_data={'extra_pnginfo': {'workflow': workflow}})
		response = await api.get('/view', **(await api.ended(job))['outputs']['2']['images'][0])
		picture = Image.open(io.BytesIO(await response.read()))

		assert json.loads(picture.info['prompt']) == graph
		assert json.loads(picture.info['workflow']) == workflow

	async def test_folder_named_in_the_file_name(self, api: Api) -> None:
		"""`name [input]` says the folder, whatever `type` says; only the last part of the name counts."""
		assert (await api.get('/view', filename='seen.png [input]', type='temp')).status == 200
		assert (await api.get('/view', filename='ignored/seen.png', type='input', subfolder='')).status == 200

	async def test_part_of_a_file(self, api: Api) -> None:
		"""Players of video ask for ranges."""
		await upload(api, b'0123456789', 'range.mp4')
		response = await api.web.get('/view?filename=range.mp4&type=input', headers={'Range': 'bytes=2-4'})

		assert response.status == 206
		assert await response.read() == b'234'

	@pytest.mark.parametrize(
		('query', 'status'),
		[
			({}, 404),
			({'filename': ''}, 400),
			({'filename': '/etc/passwd'}, 400),
			({'filename': '../seen.png', 'type': 'input'}, 400),
			({'filename': 'a..b', 'type': 'input'}, 400),
			({'filename': '..\\seen.png', 'type': 'input'}, 400),
			({'filename': '\\seen.png', 'type': 'input'}, 400),
			({'filename': 'C:\\seen.png', 'type': 'input'}, 400),
			({'filename': 'seen.png', 'type': 'input', 'subfolder': 'C:'}, 403),
			({'filename': 'seen.png', 'type': 'input', 'subfolder': '..\\..'}, 403),
			({'filename': '%2e%2e%2fseen.png', 'type': 'input'}, 404),
			({'filename': 'seen.png', 'type': 'input', 'subfolder': '..'}, 403),
			({'filename': 'seen.png', 'type': 'input', 'subfolder': '/etc'}, 403),
			({'filename': 'seen.png', 'type': 'input', 'subfolder': 'a/../..'}, 403),
			({'filename': 'one.safetensors', 'type': 'input', 'subfolder': '../models/checkpoints'}, 403),
			({'filename': 'seen.png', 'type': 'input', 'subfolder': 'nul\0'}, 403),
			({'filename': 'seen.png', 'type': 'models'}, 400),
			({'filename': 'seen.png'}, 404),
			({'filename': 'none.png', 'type': 'input'}, 404),
			({'filename': 'sub', 'type': 'input'}, 404),
			({'filename': 'x' * 5000, 'type': 'input'}, 404),
			({'filename': 'seen.png [models]', 'type': 'input'}, 404),
		],
	)
	async def test_bad_name(self, api: Api, query: dict[str, str], status: int) -> None:
		"""No name leaves its root; what is not there is 404."""
		response = await api.get('/view', **query)

		assert response.status == status
		assert (await response.json())['error']['message']

	async def test_link_out_of_the_root_is_refused(self, api: Api, base: Path, tmp_path: Path) -> None:
		"""A symbolic link that leads out of the folder is not followed."""
		(tmp_path / 'secret.txt').write_text('secret')
		link = base / 'input' / 'link.txt'
		link.symlink_to(tmp_path / 'secret.txt')
		response = await api.get('/view', filename='link.txt', type='input')
		link.unlink()

		assert response.status == 403

	@pytest.mark.parametrize(
		'name', ['a.html', 'a.xhtml', 'a.js', 'a.css', 'a.svg', 'a.xml', 'a.mht', 'a.rdf', 'a', 'a.pdf']
	)
	async def test_active_types_are_attachments(self, api: Api, name: str) -> None:
		"""What could run scripts under this server's name is only downloaded."""
		await upload(api, b'<script>alert(1)</script>', name, overwrite='1')
		response = await api.get('/view', filename=name, type='input')

		assert response.content_type == 'application/octet-stream'
		assert response.headers['Content-Disposition'] == f'attachment; filename="{name}"'
		assert response.headers['X-Content-Type-Options'] == 'nosniff'

	async def test_svg_as_a_picture(self, api: Api) -> None:
		"""Inside a page's <img> an SVG runs nothing."""
		await upload(api, b'<svg/>', 'a.svg', overwrite='1')
		response = await api.web.get('/view?filename=a.svg&type=input', headers={'Sec-Fetch-Dest': 'image'})

		assert response.content_type == 'image/svg+xml'
		assert 'sandbox' in response.headers['Content-Security-Policy']

	async def test_page_that_is_called_a_picture(self, api: Api) -> None:
		"""Is only downloaded: its beginning is looked at."""
		await upload(api, b'<!doctype html><script>alert(1)</script>', 'page.png')
		response = await api.web.get('/view?filename=page.png&type=input', headers={'Sec-Fetch-Dest': 'image'})

		assert response.content_type == 'application/octet-stream'
		assert response.headers['Content-Disposition'] == 'attachment; filename="page.png"'

	async def test_name_cannot_end_its_header(self, api: Api) -> None:
		"""Quotes and letters beyond ASCII are replaced where the name is told."""
		await upload(api, b'x', 'nä".png')
		response = await api.get('/view', filename='nä".png', type='input')

		assert response.headers['Content-Disposition'] == 'filename="n__.png"'


class TestRendering:
	"""GET /view of pictures made anew."""

	async def picture(self, api: Api, **query: str) -> tuple[str, Image.Image]:
		"""The type of the answer, and its picture."""
		response = await api.get('/view', filename='seen.png', type='input', **query)

		assert response.status == 200
		return response.content_type, Image.open(io.BytesIO(await response.read()))

	@pytest.mark.parametrize(
		('query', 'type', 'mode'),
		[
			({'preview': 'webp;90'}, 'image/webp', 'RGBA'),
			({'preview': 'webp'}, 'image/webp', 'RGBA'),
			({'preview': 'webp;best'}, 'image/webp', 'RGBA'),
			({'preview': 'webp;9999'}, 'image/webp', 'RGBA'),
			({'preview': 'jpeg;50'}, 'image/jpeg', 'RGB'),
			({'preview': 'jpeg;50', 'channel': 'rgba'}, 'image/webp', 'RGBA'),
			({'preview': 'gif'}, 'image/webp', 'RGBA'),
			({'preview': ''}, 'image/webp', 'RGBA'),
			({'preview': 'webp', 'channel': 'rgb'}, 'image/webp', 'RGB'),
			({'channel': 'rgb'}, 'image/png', 'RGB'),
			({'channel': 'a'}, 'image/png', 'RGBA'),
			({'channel': 'rgba'}, 'image/png', 'RGBA'),
			({'channel': 'else'}, 'image/png', 'RGBA'),
		],
	)
	async def test_format(self, api: Api, query: dict[str, str], type: str, mode: str) -> None:
		"""Format and channels as asked; what cannot be understood is WebP, or the file itself."""
		content_type, picture = await self.picture(api, **query)

		assert (content_type, picture.mode, picture.size) == (type, mode, (8, 4))

	async def test_channels(self, api: Api) -> None:
		"""Colours without transparency, transparency without colours."""
		_, colours = await self.picture(api, channel='rgb')
		_, alpha = await self.picture(api, channel='a')

		assert colours.getpixel((0, 0)) == (10, 20, 30)
		assert alpha.getpixel((0, 0)) == (0, 0, 0, 40)

	async def test_small_picture(self, api: Api) -> None:
		"""`size` gives a WebP of that many pixels at most, with its transparency; other sizes are refused."""
		content_type, picture = await self.picture(api, size='4')
		sizes = ('0', '-1', 'large', '1025')
		refused = [(await api.get('/view', filename='seen.png', type='input', size=size)).status for size in sizes]

		assert (content_type, picture.mode, picture.size) == ('image/webp', 'RGBA', (4, 2))
		assert refused == [400] * 4

	async def test_file_that_is_no_picture_is_400(self, api: Api) -> None:
		"""A preview of something else is refused with a sentence."""
		await upload(api, b'not a picture', 'fake.png')
		response = await api.get('/view', filename='fake.png', type='input', preview='webp')

		assert response.status == 400
		assert 'fake.png' in (await response.json())['error']['message']

	@pytest.mark.parametrize(('format', 'longest'), [('webp', 16383), ('jpeg', 65500)])
	@pytest.mark.parametrize('across', [True, False])
	async def test_picture_too_large_for_the_format_is_400(
		self, api: Api, base: Path, format: str, longest: int, across: bool
	) -> None:
		"""The formats hold pictures up to a size: that one is shown, a larger one is refused with the numbers."""
		statuses, messages = [], []
		for side in (longest, longest + 1):
			Image.new('L', (side, 1) if across else (1, side)).save(base / 'input' / 'long.png')
			response = await api.get('/view', filename='long.png', type='input', preview=format)
			statuses.append(response.status)
			messages.append('' if response.status == 200 else (await response.json())['error']['message'])

		assert statuses == [200, 400]
		assert f'{longest + 1}' in messages[1]
		assert f'{format} holds at most {longest} a side' in messages[1]
