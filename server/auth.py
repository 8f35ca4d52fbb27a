"""Who may talk to the server: whoever has a token. Asked of every request, where a token is asked for at all.

A token comes as `Authorization: Bearer …`; browsers show a session instead, which they opened with one, in a cookie that
no script can read and no other site's page can have sent. Opening a WebSocket, clients that can set no header may put
the token into the query.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.attempts import Attempts
from server.errors import Unauthorized
from server.headers import is_encrypted, small_page_policy
from server.hosts import split_host
from server.tokens import SESSION_SECONDS, Sessions, StoredToken, Tokens

OPEN_PATHS = frozenset({'/v1/health/live', '/v1/login', '/v1/logout'})
LOGIN = '/v1/login'
# A link on another site brings no cookie along. The page that this one goes on to is asked for by a page of ours.
GO_ON = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={address}">
<title>Lumengraph</title>
<p><a href="{address}">Log in</a>
</html>
"""


class Auth:
	"""The tokens and sessions of one data folder, and what is asked of requests."""

	def __init__(self, folder: Path, *, attempts: Attempts | None = None) -> None:
		self.tokens = Tokens(folder)
		self.sessions = Sessions(folder, self.tokens)
		self.attempts = attempts or Attempts()

	def middleware(self) -> Middleware:
		"""Let nobody pass who shows no token. A browser that opens a page is sent to log in."""

		@web.middleware
		async def auth(request: web.Request, handler: Handler) -> web.StreamResponse:
			resource = request.match_info.route.resource
			if (resource is not None and resource.canonical in OPEN_PATHS) or self.caller(request) is not None:
				return await handler(request)
			# No browser shows a token when it opens a page: who does so tries one.
			tries = any(shown(request))
			if opens_page(request) and not tries:
				return go_on(request.path_qs)
			if tries or cookie_name(request) in request.cookies:
				await self.attempts.failed(request.remote or '')
			raise Unauthorized

		return auth

	def caller(self, request: web.Request) -> StoredToken | None:
		"""Whose token, or session, a request shows; None if it shows none that is good."""
		for secret in shown(request):
			found = self.tokens.find(secret)
			if found is not None:
				return found
		cookie = request.cookies.get(cookie_name(request))
		return self.sessions.find(cookie) if cookie else None

	def log_in(self, request: web.Request, token: StoredToken, response: web.Response) -> None:
		"""Open a session, and have the browser keep it."""
		response.set_cookie(
			cookie_name(request),
			self.sessions.open(token),
			max_age=SESSION_SECONDS,
			httponly=True,
			samesite='Strict',
			secure=is_encrypted(request),
		)

	def log_out(self, request: web.Request, response: web.Response) -> None:
		"""End the session that a request shows, if it shows one."""
		self.sessions.close(request.cookies.get(cookie_name(request), ''))
		response.del_cookie(cookie_name(request), httponly=True, samesite='Strict')


def shown(request: web.Request) -> Iterator[str]:
	"""The tokens that a request shows."""
	scheme, _, secret = request.headers.get('Authorization', '').partition(' ')
	if scheme.lower() == 'bearer':
		yield secret.strip()
	if request.headers.get('Upgrade', '').lower() == 'websocket' and 'token' in request.query:
		yield request.query['token']


def cookie_name(request: web.Request) -> str:
	"""The session's cookie. Browsers do not tell the ports of a host apart, so its name does."""
	port = split_host(request.headers.get('Host', ''))[1]
	return f'lumengraph_{port}' if port else 'lumengraph'


def opens_page(request: web.Request) -> bool:
	"""Whether somebody opens an address in a browser."""
	headers = request.headers
	return (
		request.method == 'GET'
		and 'text/html' in headers.get('Accept', '')
		and headers.get('Sec-Fetch-Mode', 'navigate') == 'navigate'
	)


def go_on(wanted: str) -> web.Response:
	"""401, as a page that goes on to the login and from there to what was wanted."""
	page = GO_ON.format(address=f'{LOGIN}?next={quote(wanted, safe="")}')
	headers = {'Content-Security-Policy': small_page_policy(''), 'Cache-Control': 'no-store'}
	return web.Response(status=401, text=page, content_type='text/html', headers=headers)
