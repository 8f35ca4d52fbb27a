"""Logging in and out."""

from __future__ import annotations

import re

import pytest

from server.attempts import MOST_ATTEMPTS
from server.routes.login import own_path
from tests.server.client import Api
from tests.server.guarded import Guarded


class TestForm:
	"""The page, as a browser without scripts uses it."""

	async def test_page_asks_for_the_token(self, guarded: Guarded) -> None:
		"""Its form carries on where somebody wanted to go."""
		page = await guarded.web.get('/v1/login', params={'next': '/?a="b'})
		text = await page.text()

		assert page.status == 200
		assert 'name="token" type="password"' in text
		assert 'value="/?a=&quot;b"' in text
		assert 'value="/?a=1"' in await (await guarded.web.get('/v1/login?next=%2F%3Fa%3D1')).text()

	async def test_right_token_goes_on(self, guarded: Guarded) -> None:
		"""With a session, to where somebody wanted to go."""
		form = {'token': f' {guarded.token}\n', 'next': '/queue'}
		answer = await guarded.web.post('/v1/login', data=form, allow_redirects=False)

		assert answer.status == 303
		assert answer.headers['Location'] == '/queue'
		assert (await guarded.web.get('/queue')).status == 200

	async def test_wrong_token_is_said_to_be(self, guarded: Guarded) -> None:
		"""On the page, which keeps where to go. No session is had."""
		page = await guarded.web.post('/v1/login', data={'token': 'wrong', 'next': '/queue'})
		text = await page.text()

		assert page.status == 401
		assert 'role="alert"' in text
		assert 'value="/queue"' in text
		assert 'wrong' not in text
		assert 'Set-Cookie' not in page.headers

	async def test_too_many_are_said_to_be(self, guarded: Guarded) -> None:
		"""On the page too; the right one is taken even then."""
		for _ in range(MOST_ATTEMPTS):
			await guarded.web.post('/v1/login', data={'token': 'wrong'})
		page = await guarded.web.post('/v1/login', data={'token': 'wrong'})
		right = await guarded.web.post('/v1/login', data={'token': guarded.token}, allow_redirects=False)

		assert page.status == 429
		assert 'Too many' in await page.text()
		assert right.status == 303

	@pytest.mark.parametrize('form', [b'', b'token', b'token=%ff', b'next=/', b'\xff\x00&&&='])
	async def test_any_form_is_answered(self, guarded: Guarded, form: bytes) -> None:
		"""What is none of ours is a wrong token."""
		headers = {'Content-Type': 'application/x-www-form-urlencoded'}

		assert (await guarded.web.post('/v1/login', data=form, headers=headers)).status == 401


class TestLink:
	"""The link that was printed at the first start."""

	async def test_it_logs_in_and_is_left_behind(self, guarded: Guarded) -> None:
		"""The address that stays has no token in it, and nothing keeps the answer."""
		answer = await guarded.web.get('/v1/login', params={'token': guarded.token}, allow_redirects=False)

		assert answer.status == 303
		assert answer.headers['Location'] == '/'
		assert answer.headers['Cache-Control'] == 'no-store'
		assert (await guarded.web.get('/queue')).status == 200

	async def test_wrong_link_shows_the_form(self, guarded: Guarded) -> None:
		"""And counts as an attempt."""
		before = len(guarded.slept)
		page = await guarded.web.get('/v1/login', params={'token': 'wrong'})

		assert page.status == 401
		assert 'name="token"' in await page.text()
		assert len(guarded.slept) == before + 1

	async def test_whoever_is_known_goes_on(self, guarded: Guarded) -> None:
		"""No form for those who have a session; a link that brought no cookie finds its way back so."""
		await guarded.web.post('/v1/login', json={'token': guarded.token})
		answer = await guarded.web.get('/v1/login', params={'next': '/?x=1'}, allow_redirects=False)

		assert answer.status == 303
		assert answer.headers['Location'] == '/?x=1'


class TestJson:
	"""As programs log in."""

	async def test_right_token(self, guarded: Guarded) -> None:
		"""The answer says whose it is, its cookie is the session."""
		answer = await guarded.web.post('/v1/login', data=b'{"token": "%s"}' % guarded.token.encode())

		assert answer.status == 200
		assert await answer.json() == {'required': True, 'name': 'first'}
		assert (await guarded.web.get('/queue')).status == 200

	async def test_wrong_token(self, guarded: Guarded) -> None:
		"""401 as everywhere."""
		answer = await guarded.web.post('/v1/login', json={'token': 'wrong'})

		assert answer.status == 401
		assert (await answer.json())['error']['code'] == 'unauthorized'
		assert 'Set-Cookie' not in answer.headers

	@pytest.mark.parametrize('body', [b'', b'{}', b'[]', b'{"token": {}}', b'{'])
	async def test_what_is_no_login(self, guarded: Guarded, body: bytes) -> None:
		"""400, and no attempt."""
		before = len(guarded.slept)

		assert (await guarded.web.post('/v1/login', data=body)).status == 400
		assert len(guarded.slept) == before

	async def test_where_no_token_is_asked_for(self, api: Api) -> None:
		"""Clients may log in all the same; pages go on."""
		answer = await api.post('/v1/login', {'token': 'any'})
		link = await api.web.get('/v1/login?token=x', allow_redirects=False)

		assert await answer.json() == {'required': False, 'name': ''}
		assert 'Set-Cookie' not in answer.headers
		assert link.status == 303


class TestLogout:
	"""Leaving."""

	async def test_the_session_ends(self, guarded: Guarded) -> None:
		"""Here, not only in the browser: the cookie is good for nothing afterwards."""
		login = await guarded.web.post('/v1/login', json={'token': guarded.token})
		cookie = re.findall(r'^[^;]+', login.headers['Set-Cookie'])[0]
		left = await guarded.web.post('/v1/logout')
		guarded.forget()

		assert left.status == 200
		assert 'Max-Age=0' in left.headers['Set-Cookie']
		assert (await guarded.web.get('/queue', headers={'Cookie': cookie})).status == 401

	async def test_a_form_goes_back_to_the_login(self, guarded: Guarded) -> None:
		"""Whoever presses a button sees a page."""
		answer = await guarded.web.post(
			'/v1/logout', headers={'Content-Type': 'application/x-www-form-urlencoded'}, allow_redirects=False
		)

		assert answer.headers['Location'] == '/v1/login'

	async def test_nobody_may_leave_too(self, guarded: Guarded, api: Api) -> None:
		"""Without a session, and where there are none."""
		assert (await guarded.web.post('/v1/logout')).status == 200
		assert (await api.web.post('/v1/logout')).status == 200


class TestOwnPath:
	"""Where the login may lead."""

	@pytest.mark.parametrize('path', ['/', '/queue', '/?a=b&c=%20', '/v1/docs#jobs'])
	def test_paths_of_ours(self, path: str) -> None:
		"""Stay as they are."""
		assert own_path(path) == path

	@pytest.mark.parametrize(
		'path',
		[
			'',
			'//evil.example',
			'/\\evil.example',
			'https://evil.example',
			'javascript:alert(1)',
			'evil.example',
			'/a b',
			'/a\r\nSet-Cookie: a=b',
			'/\tevil',
			'/ü',
		],
	)
	def test_anywhere_else_is_the_start(self, path: str) -> None:
		"""No link to our login can lead to another site."""
		assert own_path(path) == '/'


@pytest.mark.parametrize('type', ['application/json', 'application/x-www-form-urlencoded'])
async def test_nobody_is_listened_to_for_long(guarded: Guarded, type: str) -> None:
	"""Who has no token yet may send no more than a token takes."""
	body = b'{"token": "' + b'x' * 2**15 + b'"}'
	answer = await guarded.web.post('/v1/login', data=body, headers={'Content-Type': type})

	assert answer.status == 413
