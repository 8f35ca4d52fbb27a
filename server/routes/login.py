"""`/v1/login`, `/v1/logout`: a browser is let in for a token, and leaves.

As everywhere, JSON is read whatever type it claims; what is sent as a form comes from the page here and is answered with
pages.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from aiohttp import web

from server.auth import LOGIN, Auth
from server.errors import TooManyAttempts, Unauthorized
from server.headers import small_page_policy
from server.http import done, read_body, read_bytes, reply
from server.keys import AUTH
from server.schemas.login import LoggedIn, LoginRequest
from server.serving import Limits

log = logging.getLogger(__name__)
# Anybody may send this much: not even a token is needed.
SMALL = Limits(json_bytes=2**14, silence_seconds=10.0)
FORM = 'application/x-www-form-urlencoded'
OWN_PATH = re.compile(r'/(?![/\\])[!-~]*')
STYLE = """
:root { color-scheme: dark; font: 16px/1.6 system-ui, sans-serif; background: #14161a; color: #e6e8ec }
body { max-width: 24rem; margin: 20vh auto 0; padding: 0 1rem }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
input, button { margin: .4rem 0 1rem; padding: .5rem .7rem; border: 1px solid #3a3f4b; border-radius: 6px }
input { background: #1d2026; color: inherit }
button { background: #3f6fd8; color: #fff; cursor: pointer }
[role=alert] { color: #ff8f8f }
"""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in to Lumengraph</title>
<style>{style}</style>
<h1>Lumengraph</h1>
{problem}
<form method="post" action="/v1/login">
<input type="hidden" name="next" value="{next}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>
</form>
<p>The server printed a token when it first needed one. Another is made by <code>python main.py token new NAME</code>.
</html>
"""


async def show_login(request: web.Request) -> web.Response:
	"""The page that asks for a token; whoever is known goes on. A login link has the token in it, and is left behind."""
	auth, wanted = request.app.get(AUTH), own_path(request.query.get('next', ''))
	if auth is None or auth.caller(request) is not None:
		return go_to(wanted)
	if 'token' in request.query:
		return await let_in(request, auth, request.query['token'], wanted)
	return page(wanted)


async def log_in(request: web.Request) -> web.Response:
	"""Open a session for a token, shown as JSON or by the page's form. 401 for a wrong one, later each time."""
	auth = request.app.get(AUTH)
	if request.content_type == FORM:
		form = parse_qs((await read_bytes(request, SMALL)).decode(errors='replace'))
		wanted = own_path(form.get('next', [''])[0])
		return go_to(wanted) if auth is None else await let_in(request, auth, form.get('token', [''])[0], wanted)
	shown = await read_body(request, LoginRequest, SMALL)
	if auth is None:
		return reply(LoggedIn(required=False, name=''))
	token = auth.tokens.find(shown.token.strip())
	if token is None:
		await refused(request, auth)
		raise Unauthorized
	answer = reply(LoggedIn(required=True, name=token.name))
	auth.log_in(request, token, answer)
	log.info('Logged in with token %r.', token.name)
	return answer


async def log_out(request: web.Request) -> web.Response:
	"""End the session that the request shows, if it does."""
	auth = request.app.get(AUTH)
	answer = go_to(LOGIN) if request.content_type == FORM else done()
	if auth is not None:
		auth.log_out(request, answer)
	return answer


async def let_in(request: web.Request, auth: Auth, secret: str, wanted: str) -> web.Response:
	"""Go where somebody wanted to, with a session; or say on the page that the token is not right."""
	token = auth.tokens.find(secret.strip())
	if token is None:
		try:
			await refused(request, auth)
		except TooManyAttempts as error:
			return page(wanted, problem=str(error), status=429)
		return page(wanted, problem='That token is not known here.', status=401)
	answer = go_to(wanted)
	auth.log_in(request, token, answer)
	log.info('Logged in with token %r.', token.name)
	return answer


async def refused(request: web.Request, auth: Auth) -> None:
	"""Count a wrong token. Raises `TooManyAttempts`."""
	log.warning('A wrong token was tried at the login from %s.', request.remote)
	await auth.attempts.failed(request.remote or '')


def own_path(path: str) -> str:
	"""A path of this server as it is; the root for anything that would lead elsewhere."""
	return path if OWN_PATH.fullmatch(path) else '/'


def go_to(path: str) -> web.Response:
	"""On to another page, without leaving this address in the browser's history."""
	return web.Response(status=303, headers={'Location': path, 'Cache-Control': 'no-store'})


def page(wanted: str, *, problem: str = '', status: int = 200) -> web.Response:
	"""The page with the form."""
	told = f'<p role="alert">{html.escape(problem)}' if problem else ''
	text = PAGE.format(style=STYLE, problem=told, next=html.escape(wanted))
	headers = {'Content-Security-Policy': small_page_policy(STYLE), 'Cache-Control': 'no-store'}
	return web.Response(status=status, text=text, content_type='text/html', headers=headers)


routes: Sequence[web.RouteDef] = (
	web.get('/v1/login', show_login),
	web.post('/v1/login', log_in),
	web.post('/v1/logout', log_out),
)
