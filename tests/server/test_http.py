"""Bodies and queries: what is read, and how the rest is refused."""

from __future__ import annotations

import json

import pytest
from aiohttp import FormData

from server.app import COMFY_ROUTES
from tests.server.client import Api, call, saving, slow

# Forms, files, single values of any sort, and what says in another form what is wrong.
OTHER_BODIES = ('/upload/', '/userdata/', '/settings/', '/jobs/')
POSTS = [route.path for route in COMFY_ROUTES if route.method == 'POST' and not route.path.startswith(OTHER_BODIES)]
TYPES = (None, 'text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'application/json', 'nonsense')
BAD_BODIES = {
	'empty': b'',
	'blank': b'  ',
	'cut': b'{"prompt": {',
	'not JSON': b'hello',
	'a list': b'[1]',
	'a number': b'1',
	'null': b'null',
	'not UTF-8': b'{"a": "\xff"}',
	'half a surrogate pair': b'{"a": "\\ud800"}',
	'deep': b'[' * 100_000,
	'deep and closed': b'{"a":' * 5000 + b'1' + b'}' * 5000,
	'a huge number': b'{"number": ' + b'9' * 5000 + b'}',
}


class TestReadBody:
	"""The body of a POST."""

	@pytest.mark.parametrize('type', TYPES)
	async def test_content_type_does_not_matter(self, api: Api, type: str | None) -> None:
		"""JSON is JSON, without a content type, as a form, or as plain text."""
		headers = {} if type is None else {'Content-Type': type}
		data = json.dumps({'prompt': saving()}).encode()
		response = await api.web.post('/prompt', data=data, headers=headers, skip_auto_headers=('Content-Type',))

		assert response.status == 200
		await api.ended((await response.json())['prompt_id'])

	@pytest.mark.parametrize('body', BAD_BODIES.values(), ids=BAD_BODIES)
	@pytest.mark.parametrize('path', [path for path in POSTS if path != '/interrupt'])
	async def test_malformed_body_is_400_with_a_sentence(self, api: Api, path: str, body: bytes) -> None:
		"""No body can make a route hang or fail inside; the answer says what is wrong."""
		response = await api.post(path, body)

		assert response.status == 400
		assert len((await response.json())['error']['message']) > 10

	@pytest.mark.parametrize(
		('path', 'body'),
		[
			('/queue', {'delete': 'all'}),
			('/queue', {'delete': [{}]}),
			('/queue', {'clear': []}),
			('/history', {'delete': 5}),
			('/free', {'unload_models': {}}),
			('/prompt', {'prompt': {}, 'number': 'first'}),
			('/prompt', {'prompt': {}, 'client_id': []}),
			('/prompt', {'prompt': {}, 'extra_data': 5}),
			('/prompt', {'prompt': {}, 'partial_execution_targets': 'all'}),
			('/prompt', {'prompt': {}, 'front': 'maybe'}),
		],
	)
	async def test_field_of_wrong_type_is_400_naming_it(self, api: Api, path: str, body: dict[str, object]) -> None:
		"""The sentence names the field that does not fit."""
		response = await api.post(path, body)

		assert response.status == 400
		assert list(body)[-1] in (await response.json())['error']['message']

	async def test_numbers_that_order_nothing_are_refused(self, api: Api) -> None:
		"""NaN and Infinity are no places in a queue."""
		for number in ('NaN', 'Infinity', '1e999'):
			response = await api.post('/prompt', b'{"prompt": {}, "number": %s}' % number.encode())

			assert response.status == 400
			assert (await response.json())['error']['type'] == 'invalid_request'

	async def test_nan_is_read_and_not_written(self, api: Api) -> None:
		"""Python clients write NaN into prompts; answers stay JSON that every client can read."""
		graph = {**saving(), '3': call('Show', paper=['1', 0], unknown=float('nan'))}
		job = await api.submit(graph, extra_data={'made': float('inf')})
		await api.ended(job)
		text = await (await api.get('/history')).text()

		assert 'NaN' not in text
		assert 'Infinity' not in text

	async def test_deep_body_reaches_the_history(self, api: Api) -> None:
		"""What is read can also be sent to the worker, stored and listed."""
		deep: object = 'bottom'
		for _ in range(190):
			deep = [deep]
		graph = {**saving(), '3': call('Show', paper=['1', 0], unknown={'__value__': deep})}
		entry = await api.ended(await api.submit(graph, extra_data={'deep': deep, 'extra_pnginfo': {'deep': deep}}))

		assert entry['status']['completed']
		assert entry['prompt'][3]['deep'] == deep

	async def test_unknown_fields_and_byte_order_mark_are_let_pass(self, api: Api) -> None:
		"""Editors of files put a mark in front, clients put fields in that are not ours."""
		body = b'\xef\xbb\xbf' + json.dumps({'prompt': saving(), 'workflow_id': 'x'}).encode()

		assert (await api.post('/prompt', body)).status == 200

	async def test_body_that_is_not_compressed_as_it_says(self, api: Api) -> None:
		"""A wrong Content-Encoding is the client's fault."""
		response = await api.web.post('/queue', data=b'plain', headers={'Content-Encoding': 'gzip'})

		assert response.status == 400
		assert 'gzip' in (await response.json())['error']['message']

	async def test_body_above_the_limit_is_413(self, api: Api) -> None:
		"""More than the announced size is refused, and the server goes on."""
		limit = (await api.json('/features'))['max_upload_size']
		response = await api.post('/queue', b' ' * (limit + 1))
		upload = FormData({'image': b'x' * (limit + 1)})

		assert response.status == 413
		assert (await api.web.post('/upload/image', data=upload)).status == 413
		assert (await api.get('/queue')).status == 200

	@pytest.mark.parametrize('body', [b'', b'not JSON', b'[]', b'{}', b'{"prompt_id": null}'])
	async def test_interrupt_takes_any_body(self, api: Api, body: bytes) -> None:
		"""Without a readable job id, whatever runs is interrupted."""
		job = await api.submit(slow())
		await api.running(job)
		response = await api.post('/interrupt', body)

		assert response.status == 200
		assert await response.read() == b''
		assert (await api.ended(job))['status']['status_str'] == 'error'


class TestQueryNumber:
	"""Numbers in the query."""

	@pytest.mark.parametrize('value', ['', 'x', '1.5', '1e3', '0x10', 'NaN', '-1', '9' * 5000])
	async def test_bad_max_items_is_400(self, api: Api, value: str) -> None:
		"""Only whole numbers from zero count something."""
		response = await api.get('/history', max_items=value)

		assert response.status == 400
		assert 'max_items' in (await response.json())['error']['message']

	async def test_bad_offset_is_400(self, api: Api) -> None:
		"""Only whole numbers are places."""
		assert (await api.get('/history', offset='x')).status == 400
