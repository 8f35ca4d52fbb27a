"""Pages of other sites, and what they have a browser do."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from aiohttp import FormData, WSServerHandshakeError

from tests.server.client import Api, Web, saving, slow
from tests.server.guarded import Guarded
from tests.server.weaknesses.tools import addresses

EVIL = 'http://evil.example'
BODIES = (
	('text/plain', json.dumps({'prompt': saving(), 'clear': True}).encode()),
	('application/x-www-form-urlencoded', b'{"clear":true,"x":"=y"}'),
	(
		'multipart/form-data; boundary=b',
		b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--b--\r\n',
	),
)
REBOUND = {'Host': 'evil.example:8188', 'Origin': 'http://evil.example:8188', 'Sec-Fetch-Site': 'same-origin'}
SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class TestFormsOfOtherSites:
	"""A page of any site can send a form, or a `fetch` without asking first, to a server that its reader can reach."""

	@pytest.mark.parametrize(
		'headers',
		[
			{'Origin': EVIL, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors'},
			{
				'Origin': EVIL,
				'Sec-Fetch-Site': 'cross-site',
				'Sec-Fetch-Mode': 'navigate',
				'Sec-Fetch-Dest': 'document',
			},
			{'Origin': EVIL},
			{'Origin': 'null'},
			{'Origin': 'http://127.0.0.1:1', 'Sec-Fetch-Site': 'same-site'},
			{'Sec-Fetch-Site': 'cross-site'},
		],
		ids=lambda headers: ' '.join(headers.values()),
	)
	async def test_every_route_that_changes_something_refuses_it(self, api: Api, headers: dict[str, str]) -> None:
		"""Whatever the form is sent as; a waiting job stays, no other comes."""
		running, waiting = await api.submit(slow()), await api.submit(slow())
		await api.running(running)
		for method, path in addresses(api.web, safe=False):
			for type, body in BODIES:
				sent = {'Host': '127.0.0.1:8188', 'Content-Type': type, **headers}
				refused = await api.web.request(method, path, data=body, headers=sent)

				assert (refused.status, await refused.read()) == (403, b''), path
		queue = await api.json('/queue')

		assert [item[1] for item in queue['queue_running']] == [running]
		assert [item[1] for item in queue['queue_pending']] == [waiting]

	@pytest.mark.parametrize('host', ['studio:8188', 'studio.local:8188', '192.168.1.5:8188', '[fe80::1]:8188'])
	async def test_a_server_in_the_network_refuses_it_too(self, open_network: Web, host: str) -> None:
		"""Browsers say nothing but the origin there, since it has no TLS."""
		for method, path in addresses(open_network, safe=False):
			refused = await open_network.request(method, path, data=b'{}', headers={'Host': host, 'Origin': EVIL})

			assert refused.status == 403, path


class TestDnsRebinding:
	"""A page makes its own name point at this machine, and is then of the same origin as we are."""

	@pytest.mark.parametrize('path', ['/', '/queue', '/object_info', '/internal/logs', '/v1/login', '/nowhere'])
	async def test_it_reads_nothing(self, api: Api, open_network: Web, path: str) -> None:
		"""Neither on this machine nor in the network."""
		for web in (api.web, open_network):
			refused = await web.get(path, headers=REBOUND)

			assert refused.status == 403
			assert (await refused.json())['error']['code'] == 'unknown_host'

	async def test_it_changes_nothing(self, api: Api, open_network: Web) -> None:
		"""Nor does it open a WebSocket."""
		for web in (api.web, open_network):
			for method, path in addresses(web, safe=False):
				assert (await web.request(method, path, data=b'{}', headers=REBOUND)).status == 403
			with pytest.raises(WSServerHandshakeError) as refused:
				await web.ws_connect('/ws', headers=REBOUND)
			assert refused.value.status == 403

	async def test_where_tokens_are_asked_for_it_has_none(self, guarded: Guarded) -> None:
		"""The session's cookie belongs to our name, not to its own."""
		assert (await guarded.web.get('/queue', headers=REBOUND)).status == 401


class TestWebSocketsOfOtherSites:
	"""Browsers let any page open a WebSocket to anywhere, with the cookies of that place."""

	@pytest.mark.parametrize(
		'headers',
		[
			{'Origin': EVIL},
			{'Origin': 'null'},
			{'Origin': 'http://127.0.0.1:1'},
			{'Origin': f'{EVIL}:8188', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'websocket'},
			{'Origin': 'http://127.0.0.1:1', 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'websocket'},
		],
		ids=lambda headers: ' '.join(headers.values()),
	)
	async def test_the_handshake_is_refused(self, api: Api, guarded: Guarded, headers: dict[str, str]) -> None:
		"""With and without tokens, and also if the session came along."""
		await guarded.web.post('/v1/login', json={'token': guarded.token})
		for web in (api.web, guarded.web):
			for path in ('/ws', '/api/ws'):
				with pytest.raises(WSServerHandshakeError) as refused:
					await web.ws_connect(path, headers={'Host': '127.0.0.1:8188', **headers})
				assert refused.value.status == 403


class TestUploadedPages:
	"""A file that anybody uploaded is shown from our own origin."""

	@pytest.mark.parametrize(
		'name',
		['a.html', 'a.htm', 'a.svg', 'a.xhtml', 'a.xml', 'a.js', 'a.mjs', 'a.css', 'a.mht', 'a.pdf', 'a', 'a.HTML'],
	)
	async def test_what_could_run_is_only_downloaded(self, api: Api, name: str) -> None:
		"""As bytes, as an attachment, and in a sandbox should a browser show it all the same."""
		form = FormData()
		form.add_field('image', SCRIPT, filename=name)
		form.add_field('overwrite', 'true')
		stored = await (await api.web.post('/upload/image', data=form)).json()
		shown = await api.get('/view', filename=stored['name'], type='input')

		assert shown.status == 200
		assert shown.content_type == 'application/octet-stream'
		assert shown.headers['Content-Disposition'].startswith('attachment')
		self.is_sandboxed(shown.headers['Content-Security-Policy'])
		assert shown.headers['X-Content-Type-Options'] == 'nosniff'

	async def test_a_page_that_is_called_a_picture_is_none(self, api: Api) -> None:
		"""It is only downloaded, and browsers are told not to look for themselves."""
		form = FormData()
		form.add_field('image', b'<script>alert(1)</script>', filename='page.png')
		stored = await (await api.web.post('/upload/image', data=form)).json()
		shown = await api.get('/view', filename=stored['name'], type='input')

		assert shown.content_type == 'application/octet-stream'
		assert shown.headers['Content-Disposition'].startswith('attachment')
		assert shown.headers['X-Content-Type-Options'] == 'nosniff'
		self.is_sandboxed(shown.headers['Content-Security-Policy'])

	def is_sandboxed(self, policy: str) -> None:
		"""No script, no plugin, no origin."""
		assert "default-src 'none'" in policy
		assert 'script-src' not in policy
		assert policy.endswith('sandbox')


class TestGetsChangeNothing:
	"""A link or a picture's address is followed without asking, and a plain link from another site must work."""

	async def test_following_any_link_changes_nothing(self, api: Api, base: Path) -> None:
		"""Every route that is read, also with a query and a body that would change something if they were heeded."""
		old = await api.submit(saving())
		await api.ended(old)
		running, waiting = await api.submit(slow()), await api.submit(slow())
		await api.running(running)
		before = self.files(base), await api.json('/queue'), await api.json('/history')
		query = {'clear': 'true', 'delete': waiting, 'prompt_id': running, 'id': old, 'unload_models': 'true'}
		body = json.dumps({'clear': True, 'delete': [waiting, old], 'prompt_id': running}).encode()
		followed = {'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document'}
		for method, path in addresses(api.web, safe=True):
			for sent in ({}, followed) if method == 'GET' else ({},):
				answer = await api.web.request(
					method, path, params=query, data=body, headers=sent, allow_redirects=False
				)

				assert answer.status not in (403, 500), path
		after = self.files(base), await api.json('/queue'), await api.json('/history')

		assert after == before

	async def test_no_other_method_is_taken_for_a_get(self, api: Api) -> None:
		"""Nor does a header or a field make another method of one."""
		running = await api.submit(slow())
		await api.running(running)
		for method in ('X-HTTP-Method-Override', 'X-Method-Override'):
			await api.web.get('/interrupt', headers={method: 'POST'}, params={'_method': 'POST'})

		assert [item[1] for item in (await api.json('/queue'))['queue_running']] == [running]

	async def test_the_login_link_is_the_only_one_that_opens_something(self, guarded: Guarded) -> None:
		"""Without a right token, no read opens a session."""
		before = self.files(guarded.auth.tokens.path.parent)
		for method, path in addresses(guarded.web, safe=True):
			answer = await guarded.web.request(method, path, params={'token': 'wrong'}, allow_redirects=False)

			assert 'Set-Cookie' not in answer.headers
		assert self.files(guarded.auth.tokens.path.parent) == before

	def files(self, base: Path) -> dict[str, str]:
		"""Every file in a folder, and what is in it; but for the database, which is asked by its routes."""
		return {
			path.relative_to(base).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
			for path in base.rglob('*')
			if path.is_file() and path.parent.name != 'data'
		}


class TestFrames:
	"""A page of another site shows ours in a frame, and has its reader click in it."""

	async def test_no_page_can_be_framed(self, api: Api, open_network: Web, guarded: Guarded) -> None:
		"""The editor, another front end, the login, a refusal; new browsers and old ones."""
		html = {'Accept': 'text/html'}
		pages = (
			await open_network.get('/', headers={'Host': 'localhost'}),
			await api.get('/'),
			await guarded.web.get('/v1/login'),
			await guarded.web.get('/', headers=html),
			await guarded.web.post('/v1/login', data={'token': 'wrong'}),
		)
		for page in pages:
			assert page.content_type == 'text/html'
			assert "frame-ancestors 'none'" in page.headers['Content-Security-Policy']
			assert page.headers['X-Frame-Options'] == 'DENY'

	async def test_a_frame_of_another_site_is_refused_beforehand(self, api: Api) -> None:
		"""Browsers say what the page is for."""
		framed = {'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe'}

		assert (await api.web.get('/', headers=framed)).status == 403
