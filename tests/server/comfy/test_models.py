"""Model files, and what they tell of themselves."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from yarl import URL

from tests.server.client import Api

ENCODED = ('%2e%2e', '..%2F..', '..%5C..', '%252e%252e')


def model(path: Path, header: object, size: int = 0) -> None:
	"""A file laid out as safetensors, with any JSON as its header, filled up to a size."""
	text = json.dumps(header).encode().ljust(size)
	path.write_bytes(struct.pack('<Q', len(text)) + text)


def picture(color: str, format: str = 'PNG', size: tuple[int, int] = (4, 4)) -> bytes:
	"""The bytes of a picture of one colour."""
	stream = io.BytesIO()
	Image.new('RGB', size, color).save(stream, format)
	return stream.getvalue()


@pytest.fixture
def loras(base: Path) -> Iterator[Path]:
	"""The folder of LoRAs, emptied afterwards."""
	folder = base / 'models' / 'loras'
	(folder / 'sub').mkdir(parents=True)
	yield folder
	for path in sorted(folder.rglob('*'), reverse=True):
		path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
	folder.rmdir()


class TestModels:
	"""GET /models and /embeddings."""

	async def test_folders_and_files(self, api: Api) -> None:
		"""The kinds of folders, and what lies in one."""
		assert {'checkpoints', 'loras', 'vae', 'embeddings'} <= set(await api.json('/models'))
		assert await api.json('/models/checkpoints') == ['one.safetensors', 'sub/two.safetensors']

	@pytest.mark.parametrize('folder', ['unknown', *ENCODED])
	async def test_unknown_folder_is_404(self, api: Api, folder: str) -> None:
		"""A kind that is none, however it is written."""
		for path in ('/models', '/experiment/models'):
			assert (await api.web.get(URL(f'{path}/{folder}', encoded=True))).status == 404

	async def test_embeddings_have_no_extension(self, api: Api) -> None:
		"""They are written into prompts without one."""
		assert await api.json('/embeddings') == ['good']


class TestModelBrowser:
	"""GET /experiment/models."""

	async def test_folders(self, api: Api, base: Path) -> None:
		"""Each kind with all the places where its files lie."""
		folders = {entry['name']: entry['folders'] for entry in await api.json('/experiment/models')}

		assert folders['checkpoints'] == [str(base / folder / 'checkpoints') for folder in ('models', 'output')]
		assert folders.keys().isdisjoint({'configs', 'custom_nodes'})

	async def test_files(self, api: Api, loras: Path) -> None:
		"""With forward slashes, the place they lie in, times in seconds and sizes; hidden ones are left out."""
		model(loras / 'sub' / 'a.safetensors', {})
		(loras / '.hidden.safetensors').touch()
		(loras / '.git').mkdir()
		(loras / '.git' / 'b.safetensors').touch()
		(loras / 'gone.safetensors').symlink_to(loras / 'nowhere')
		[found] = await api.json('/experiment/models/loras')
		status = (loras / 'sub' / 'a.safetensors').stat()

		assert found == {
			'name': 'sub/a.safetensors',
			'pathIndex': 0,
			'modified': status.st_mtime,
			'created': status.st_ctime,
			'size': 10,
		}

	async def test_folder_without_files(self, api: Api) -> None:
		"""Has none, which is no error."""
		assert await api.json('/experiment/models/vae') == []


class TestModelPreview:
	"""GET /experiment/models/preview/{folder}/{index}/{name}."""

	async def color(self, api: Api, name: str, index: str = '0') -> str:
		"""Which colour is shown: the strongest one of the WebP."""
		response = await api.web.get(f'/api/experiment/models/preview/loras/{index}/{name}')

		assert (response.status, response.content_type) == (200, 'image/webp'), await response.text()
		shown = Image.open(io.BytesIO(await response.read()))
		levels = shown.convert('RGB').getpixel((0, 0))
		assert isinstance(levels, tuple)
		return ('red', 'green', 'blue')[levels.index(max(levels))]

	async def test_picture_beside_the_model(self, api: Api, loras: Path) -> None:
		"""Of the model's name, or with `.preview`; asked for by any ending, as front ends do."""
		(loras / 'v1.5.png').write_bytes(picture('red'))
		(loras / 'sub' / 'b.preview.jpeg').write_bytes(picture('blue', 'JPEG'))

		assert await self.color(api, 'v1.5.safetensors') == 'red'
		assert await self.color(api, 'v1.5.webp') == 'red'
		assert await self.color(api, 'sub/b.safetensors') == 'blue'
		assert await self.color(api, 'sub%2Fb.webp') == 'blue'

	async def test_picture_inside_the_model(self, api: Api, loras: Path) -> None:
		"""The first that can be read of the covers that trainers write into the header."""
		covers = ['!', base64.b64encode(b'no picture').decode(), base64.b64encode(picture('blue')).decode()]
		model(loras / 'c.safetensors', {'__metadata__': {'ssmd_cover_images': json.dumps(covers)}})

		assert await self.color(api, 'c.webp') == 'blue'

	async def test_large_picture_is_made_smaller(self, api: Api, loras: Path) -> None:
		"""No side is longer than 1024."""
		(loras / 'd.png').write_bytes(picture('red', size=(3000, 1500)))
		response = await api.get('/experiment/models/preview/loras/0/d.webp')

		assert Image.open(io.BytesIO(await response.read())).size == (1024, 512)

	@pytest.mark.parametrize(
		'metadata',
		[{}, {'ssmd_cover_images': 'no list'}, {'ssmd_cover_images': '{}'}, {'ssmd_cover_images': '[1, "!", "aGk="]'}],
	)
	async def test_model_without_a_picture_is_404(self, api: Api, loras: Path, metadata: dict[str, str]) -> None:
		"""Nothing beside it, and nothing inside that is a picture."""
		model(loras / 'e.safetensors', {'__metadata__': metadata})

		assert (await api.get('/experiment/models/preview/loras/0/e.webp')).status == 404

	async def test_bomb_is_not_decoded(self, api: Api, loras: Path) -> None:
		"""A small file that claims a huge picture is passed over."""
		(loras / 'bomb.png').write_bytes(huge_png())

		assert (await api.get('/experiment/models/preview/loras/0/bomb.webp')).status == 404

	@pytest.mark.parametrize(
		'path',
		[
			'loras/1/v.webp',
			'loras/-1/v.webp',
			'loras/x/v.webp',
			'loras/00/v.webp',
			f'loras/{"9" * 5000}/v.webp',
			'unknown/0/v.webp',
			'loras/0/none.webp',
			'loras/0/..%2Foutside.webp',
			'loras/0/sub%2F..%2F..%2Foutside.webp',
			'loras/0/..%5Coutside.webp',
			'loras/0/%2Fetc%2Fpasswd',
			'loras/0/C:%5Coutside.webp',
			'loras/0/v%00.webp',
			'loras/0/%2E',
			'..%2Floras/0/v.webp',
		],
	)
	async def test_what_is_not_there_is_404(self, api: Api, loras: Path, path: str) -> None:
		"""Neither an unknown kind, nor a place that is none, nor a name that leads out."""
		(loras / 'v.png').write_bytes(picture('red'))
		(loras.parent / 'outside.png').write_bytes(picture('red'))
		(loras.parent / 'loras.png').write_bytes(picture('red'))
		response = await api.web.get(URL(f'/experiment/models/preview/{path}', encoded=True))
		(loras.parent / 'outside.png').unlink()
		(loras.parent / 'loras.png').unlink()

		assert response.status == 404


def huge_png() -> bytes:
	"""A PNG of some hundred bytes whose header claims 50,000 × 50,000 pixels."""
	content = bytearray(picture('red'))
	content[16:24] = struct.pack('>II', 50_000, 50_000)
	return bytes(content)


class TestMetadata:
	"""GET /view_metadata/{folder}."""

	async def test_what_the_model_says_of_itself(self, api: Api, loras: Path) -> None:
		"""The metadata of its header, as it is."""
		model(loras / 'sub' / 'a.safetensors', {'__metadata__': {'ss_tag': 'x', 'more': '{}'}})

		assert await api.json('/view_metadata/loras', filename='sub/a.safetensors') == {'ss_tag': 'x', 'more': '{}'}

	@pytest.mark.parametrize(
		'filename',
		[
			'',
			'none.safetensors',
			'other.ckpt',
			'silent.safetensors',
			'text.safetensors',
			'long.safetensors',
			'../outside.safetensors',
			'..\\outside.safetensors',
			'sub/../../outside.safetensors',
			'/etc/passwd.safetensors',
			'C:\\outside.safetensors',
			'nul\0.safetensors',
			'x' * 5000 + '.safetensors',
		],
	)
	async def test_anything_else_is_404_without_a_body(self, api: Api, loras: Path, filename: str) -> None:
		"""The front end reads any body as the metadata. A header of more than a mebibyte is not read."""
		good = {'__metadata__': {'a': 'b'}}
		model(loras / 'other.ckpt', good)
		model(loras / 'silent.safetensors', {})
		(loras / 'text.safetensors').write_text('no model')
		model(loras / 'long.safetensors', good, 2**20 + 1)
		model(loras.parent / 'outside.safetensors', good)
		response = await api.get('/view_metadata/loras', filename=filename)
		(loras.parent / 'outside.safetensors').unlink()

		assert (response.status, await response.read()) == (404, b'')

	async def test_no_name_and_unknown_kind(self, api: Api) -> None:
		"""Are 404 likewise."""
		for path in ('/view_metadata/loras', '/view_metadata/unknown?filename=a.safetensors'):
			response = await api.web.get(path)

			assert (response.status, await response.read()) == (404, b'')
