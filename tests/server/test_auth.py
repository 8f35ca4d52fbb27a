"""Who has a token."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from engine.settings import Settings
from server.app import build_app
from server.attempts import MOST_ATTEMPTS
from server.auth import Auth, cookie_name, opens_page, shown
from tests.server.client import eventually
from tests.server.guarded import Guarded

PAGE = {'Accept': 'text/html,application/xhtml+xml'}
PATHS = ('/queue', '/api/queue', '/history', '/view?filename=a.png', '/v1/health', '/internal/logs', '/nowhere', '/')


class TestRequests:
	"""What is asked of every request."""

	@pytest.mark.parametrize('path', PATHS)
	async def test_nothing_is_told_without_a_token(self, guarded: Guarded, path: str) -> None:
		"""Not even whether there is something at a path."""
		refused = await guarded.web.get(path)
		body = await refused.json()

		assert refused.status == 401
		assert refused.headers['WWW-Authenticate'].startswith('Bearer')
		assert body['error']['code'] == 'unauthorized'
		assert '/v1/login' in body['error']['message']

	@pytest.mark.parametrize('path', PATHS[:3])
	async def test_a_bearer_token_is_enough(self, guarded: Guarded, path: str) -> None:
		"""However the scheme is spelt."""
		for scheme in ('Bearer', 'bearer', 'BEARER'):
			assert (await guarded.web.get(path, headers={'Authorization': f'{scheme} {guarded.token}'})).status == 200

	@pytest.mark.parametrize(
		'value', ['Bearer', 'Bearer ', 'Bearer wrong', 'Basic {token}', '{token}', 'Bearer {token}x', 'Bearer \xff']
	)
	async def test_anything_else_is_not(self, guarded: Guarded, value: str) -> None:
		"""Another scheme, another token, no token."""
		headers = {'Authorization': value.format(token=guarded.token)}

		assert (await guarded.web.get('/queue', headers=headers)).status == 401

	async def test_posts_do_nothing_without_a_token(self, guarded: Guarded) -> None:
		"""Nothing is queued, nothing stored."""
		for path in ('/prompt', '/queue', '/upload/image', '/free', '/interrupt', '/history', '/v1/check'):
			assert (await guarded.web.post(path, data=b'{}')).status == 401

	async def test_whether_it_lives_may_be_asked_by_all(self, guarded: Guarded) -> None:
		"""Whatever restarts a dead server has no token."""
		answer = await guarded.web.get('/v1/health/live')

		assert answer.status == 200
		assert await answer.json() == {'status': 'ok'}

	async def test_options_need_no_token(self, guarded: Guarded) -> None:
		"""A browser asks beforehand, without any."""
		assert (await guarded.web.options('/prompt')).status == 200

	async def test_query_is_no_place_for_a_token(self, guarded: Guarded) -> None:
		"""Addresses are kept in too many places; only a WebSocket, whose address nobody sees, may have one there."""
		assert (await guarded.web.get('/queue', params={'token': guarded.token})).status == 401

	async def test_revoked_token_is_out_at_once(self, guarded: Guarded) -> None:
		"""While the server runs."""
		token = guarded.auth.tokens.new('short')
		headers = {'Authorization': f'Bearer {token}'}
		assert (await guarded.web.get('/queue', headers=headers)).status == 200

		guarded.auth.tokens.revoke('short')
		assert (await guarded.web.get('/queue', headers=headers)).status == 401

	async def test_without_tokens_nobody_is_asked(self, tmp_path: Path) -> None:
		"""As on this machine alone."""
		async with TestClient(TestServer(build_app(Settings(base=tmp_path), pack='tests.server.pack'))) as client:
			assert (await client.get('/queue')).status == 200


class TestWrongTokens:
	"""Whoever tries."""

	async def test_wrong_ones_wait_and_are_refused_in_the_end(self, guarded: Guarded) -> None:
		"""The right one still comes in at once, from the same address."""
		before = len(guarded.slept)
		wrong = {'Authorization': 'Bearer wrong'}
		statuses = [(await guarded.web.get('/queue', headers=wrong)).status for _ in range(MOST_ATTEMPTS + 2)]
		refused = await guarded.web.get('/queue', headers=wrong)

		assert statuses == [401] * MOST_ATTEMPTS + [429] * 2
		assert int(refused.headers['Retry-After']) > 0
		assert (await refused.json())['error']['code'] == 'too_many_attempts'
		assert len(guarded.slept) - before == MOST_ATTEMPTS
		assert (await guarded.web.get('/queue', headers=guarded.bearer)).status == 200

	async def test_pages_are_no_way_round(self, guarded: Guarded) -> None:
		"""Who tries tokens waits, even if it says that it opens a page."""
		wrong = {'Authorization': 'Bearer wrong', 'Accept': 'text/html'}
		statuses = [(await guarded.web.get('/queue', headers=wrong)).status for _ in range(MOST_ATTEMPTS + 1)]

		assert statuses == [401] * MOST_ATTEMPTS + [429]

	async def test_showing_nothing_is_no_attempt(self, guarded: Guarded) -> None:
		"""A page that polls without a token only hears that it needs one."""
		before = len(guarded.slept)
		statuses = {(await guarded.web.get('/queue')).status for _ in range(MOST_ATTEMPTS + 2)}

		assert statuses == {401}
		assert len(guarded.slept) == before

	async def test_a_cookie_can_be_wrong_too(self, guarded: Guarded) -> None:
		"""It is counted like a token; who opens a page with an old one is shown the login all the same."""
		guarded.web.session.cookie_jar.update_cookies({cookie_of(guarded): 'stale'})
		statuses = [(await guarded.web.get('/queue')).status for _ in range(MOST_ATTEMPTS + 1)]

		assert statuses == [401] * MOST_ATTEMPTS + [429]
		assert (await guarded.web.get('/', headers=PAGE)).status == 401


class TestPages:
	"""Somebody opens an address in a browser."""

	async def test_a_page_goes_on_to_the_login(self, guarded: Guarded) -> None:
		"""By itself, and with where it was to go; no script is needed."""
		page = await guarded.web.get('/?workflow=a&b="><script>', headers=PAGE)
		text = await page.text()

		assert page.status == 401
		assert page.content_type == 'text/html'
		assert 'url=/v1/login?next=%2F%3Fworkflow%3Da' in text
		assert '<script' not in text
		assert page.headers['Cache-Control'] == 'no-store'

	@pytest.mark.parametrize(
		('headers', 'opens'),
		[
			({'Accept': 'text/html'}, True),
			({'Accept': 'text/html', 'Sec-Fetch-Mode': 'navigate'}, True),
			({'Accept': 'text/html', 'Sec-Fetch-Mode': 'cors'}, False),
			({'Accept': '*/*'}, False),
			({}, False),
		],
	)
	def test_what_opens_a_page(self, headers: dict[str, str], opens: bool) -> None:
		"""Programs get JSON."""
		assert opens_page(make_mocked_request('GET', '/', headers=headers)) is opens
		assert not opens_page(make_mocked_request('POST', '/', headers=headers))


class TestWebSocket:
	"""Sockets are opened with a token too."""

	async def test_without_one_it_is_refused(self, guarded: Guarded) -> None:
		"""Before anything is told."""
		for path in ('/ws', '/api/ws', '/ws?token=', '/ws?token=wrong'):
			with pytest.raises(WSServerHandshakeError) as refused:
				await guarded.web.ws_connect(path)
			assert refused.value.status == 401

	async def test_it_may_stand_in_the_query_or_a_header(self, guarded: Guarded) -> None:
		"""Browsers' scripts can set no header, Krita does."""
		for path, headers in ((f'/ws?token={guarded.token}', {}), ('/api/ws?clientId=1', guarded.bearer)):
			async with guarded.web.ws_connect(path, headers=headers) as socket:
				assert (await socket.receive_json())['type'] == 'status'

	async def test_a_session_is_enough(self, guarded: Guarded) -> None:
		"""The editor's own socket brings the cookie along."""
		await guarded.web.post('/v1/login', json={'token': guarded.token})
		async with guarded.web.ws_connect('/ws') as socket:
			assert (await socket.receive_json())['type'] == 'status'


class TestClientWithAToken:
	"""A client that was written for the peer behind a proxy: it sends `Authorization` and knows nothing of logins."""

	async def test_it_works_as_ever(self, guarded: Guarded) -> None:
		"""Ask for the system, open a socket, queue a prompt, wait for its end, fetch the picture."""
		web, bearer = guarded.web, guarded.bearer
		stats = await web.get('/api/system_stats', headers=bearer)
		graph = {
			'1': {'class_type': 'Shade', 'inputs': {'value': 5, 'seed': 1}},
			'2': {'class_type': 'Save', 'inputs': {'paper': ['1', 0]}},
		}
		async with web.ws_connect('/ws?clientId=krita', headers=bearer) as socket:
			body = {'prompt': graph, 'client_id': 'krita'}
			queued = await web.post('/api/prompt', json=body, headers=bearer)
			job = (await queued.json())['prompt_id']

			async def told() -> bool:
				message = await socket.receive_json()
				return bool(message['type'] == 'execution_success')

			await eventually(told, 'the job to succeed')

		async def kept() -> bool:
			return job in await (await web.get(f'/history/{job}', headers=bearer)).json()

		await eventually(kept, 'the history to have it')
		history = await (await web.get(f'/history/{job}', headers=bearer)).json()
		image = history[job]['outputs']['2']['images'][0]
		picture = await web.get('/view', params=image, headers=bearer)

		assert stats.status == 200
		assert picture.status == 200
		assert picture.content_type == 'image/png'


class TestCookieName:
	"""Browsers do not tell the ports of a host apart."""

	def test_two_servers_of_one_machine_have_two(self) -> None:
		"""So that logging in to one does not log out of the other."""
		names = {
			cookie_name(make_mocked_request('GET', '/', headers={'Host': host}))
			for host in ('localhost:8188', 'localhost:8189', 'localhost')
		}

		assert len(names) == 3

	def test_shown_tokens(self) -> None:
		"""Of a header, and of a WebSocket's address."""
		plain = make_mocked_request('GET', '/ws?token=a', headers={'Authorization': 'Bearer b'})
		socket = make_mocked_request('GET', '/ws?token=a', headers={'Upgrade': 'WebSocket'})

		assert list(shown(plain)) == ['b']
		assert list(shown(socket)) == ['a']


class TestCookie:
	"""How the session is given to the browser."""

	async def test_no_script_and_no_other_site_can_use_it(self, guarded: Guarded) -> None:
		"""HttpOnly, SameSite=Strict, for the whole server; Secure where there is TLS. It is not the token."""
		plain = await guarded.web.post('/v1/login', json={'token': guarded.token})
		proxied = await guarded.web.post(
			'/v1/login', json={'token': guarded.token}, headers={'X-Forwarded-Proto': 'https'}
		)
		cookie = plain.headers['Set-Cookie']

		assert {'HttpOnly', 'SameSite=Strict', 'Path=/'} <= set(cookie.split('; '))
		assert 'Secure' not in cookie
		assert 'Secure' in proxied.headers['Set-Cookie']
		assert guarded.token not in cookie


def cookie_of(guarded: Guarded) -> str:
	"""The name of the session's cookie at this server."""
	return f'lumengraph_{guarded.web.port}'


def test_auth_needs_no_files(tmp_path: Path) -> None:
	"""Asking makes nothing."""
	assert Auth(tmp_path).tokens.all() == ()
	assert list(tmp_path.iterdir()) == []
