"""Files outside of their folders: every parameter that names one, in every way of writing that has been tried on peers.

Requests go out as they are written here: clients of HTTP tidy up paths before they send them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.client import Api

SECRET = 'top-secret'
PLACES = (
	'/view?filename={}&type=input',
	'/view?filename=secret.txt&type=input&subfolder={}',
	'/view?filename=secret.txt&type={}',
	'/view_metadata/checkpoints?filename={}',
	'/view_metadata/{}?filename=secret.safetensors',
	'/models/{}',
	'/experiment/models/{}',
	'/experiment/models/preview/checkpoints/0/{}',
	'/experiment/models/preview/{}/0/secret.png',
	'/userdata/{}',
	'/userdata?dir={}&recurse=true',
	'/v2/userdata?path={}',
	'/extensions/{}',
	'/extensions/pack/{}',
	'/workflow_templates/pack/{}',
	'/workflow_templates/{}/secret.txt',
	'/global_subgraphs/{}',
	'/templates/{}',
	'/internal/files/{}',
	'/docs/{}',
	'/assets/{}',
	'/{}',
)
UPWARDS = (
	'../',
	'..%2f',
	'..%2F',
	'%2e%2e/',
	'%2e%2e%2f',
	'.%2e/',
	'..%252f',
	'%252e%252e%252f',
	'..\\',
	'..%5c',
	'%2e%2e%5c',
	'..%255c',
	'..%c0%af',
	'%c0%ae%c0%ae%c0%af',
	'..;/',
	'....//',
	'./../',
	'%00../',
	'..%00/',
	'link/',
	'link%2f',
)
ABSOLUTE = ('/', '%2f', '//', '%2f%2f', 'file://', 'file:', 'C:%5c', 'C:/', '%5c%5c', '')


@pytest.fixture
def secret(base: Path) -> Iterator[Path]:
	"""A file beside the folders that are served, with links to it in some of them."""
	path = base / 'secret.txt'
	path.write_text(SECRET)
	(base / 'user' / 'default').mkdir(parents=True, exist_ok=True)
	folders = [base / name for name in ('input', 'editor', 'models/checkpoints', 'user/default')]
	for folder in folders:
		(folder / 'link').symlink_to(base)
	yield path
	for folder in folders:
		(folder / 'link').unlink()
	path.unlink()


async def ask(api: Api, target: str) -> tuple[int, str]:
	"""Status and body of a GET whose target is sent as it is written."""
	reader, writer = await asyncio.open_connection('127.0.0.1', api.web.port)
	writer.write(f'GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'.encode())
	answer = (await reader.read()).decode(errors='replace')
	writer.close()
	head, _, body = answer.partition('\r\n\r\n')
	return int(head.split()[1]), body


class TestTraversal:
	@pytest.mark.parametrize('place', PLACES)
	async def test_no_name_leads_out(self, api: Api, secret: Path, place: str) -> None:
		"""However it is written, the file is not told, and nothing fails inside."""
		absolute = str(secret).lstrip('/')
		names = [
			*(f'{up * count}secret.txt' for up in UPWARDS for count in (1, 2, 3, 6)),
			*(f'{start}{absolute}' for start in ABSOLUTE),
			*(f'{start}{absolute}'.replace('/', '%2f') for start in ABSOLUTE),
		]
		for prefix in ('', '/api'):
			for name in names:
				status, body = await ask(api, prefix + place.format(name))

				assert SECRET not in body, name
				assert status < 500, name

	async def test_what_is_inside_is_told(self, api: Api, secret: Path, base: Path) -> None:
		"""The same requests find a file that may be seen."""
		(base / 'input' / 'open.txt').write_text('open')
		(base / 'user' / 'default' / 'open.txt').write_text('open')
		answers = [await ask(api, target) for target in ('/view?filename=open.txt&type=input', '/userdata/open.txt')]

		assert answers == [(200, 'open'), (200, 'open')]
