"""Whose pages may talk to the server: checks against other web sites (CSRF), against DNS rebinding, and CORS.

A page of another site can make the browser send requests here. It cannot hide its `Origin`, nor `Sec-Fetch-Site`, nor,
when it has made its own name point at this machine, that name in `Host`. Who has a token is asked in `server.auth`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.errors import error_reply
from server.hosts import is_address, is_loopback, is_private, split_host, split_hosts

log = logging.getLogger(__name__)

CORS_METHODS = 'POST, GET, DELETE, PUT, OPTIONS, PATCH'
CORS_HEADERS = 'Content-Type, Authorization, Comfy-User'
TOLD_REFUSALS = 100


@dataclass(frozen=True)
class Access:
	"""What tells own pages from others.

	`host` is what the server is bound to: an address, or several with commas between them. `allowed_hosts` are more names
	of the server, such as that of a proxy before it. The pages of `cors_origin` may talk to it, of any origin if it is
	`*`. A server is `guarded` if it asks everybody for a token.
	"""

	host: str = '127.0.0.1'
	cors_origin: str = ''
	allowed_hosts: tuple[str, ...] = ()
	guarded: bool = False

	def middleware(self) -> Middleware:
		"""Refuse what must not come in; answer every other OPTIONS."""
		told: set[tuple[str, str]] = set()

		def tell(origin: str, host: str) -> None:
			"""Say once for each page why it does not work: whoever set up a proxy will look for it."""
			if (origin, host) not in told and len(told) < TOLD_REFUSALS:
				told.add((origin, host))
				log.warning('Refused a page of another site (Origin %.100r, Host %.100r).', origin, host)

		@web.middleware
		async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
			if not self.knows_host(request.headers.get('Host')):
				return error_reply(
					403,
					'unknown_host',
					'This server answers to localhost, to IP addresses, to the --listen it was started with, and to names '
					'that --allow-host gives.',
				)
			if self.is_foreign(request) and not self.invites(request.headers.get('Origin')):
				tell(request.headers.get('Origin', ''), request.headers.get('Host', ''))
				return web.Response(status=403)
			return web.Response() if request.method == 'OPTIONS' else await handler(request)

		return access

	def invites(self, origin: str | None) -> bool:
		"""Whether the pages of an origin may come in. A page's pictures say no origin, and can change nothing."""
		return bool(self.cors_origin) and (self.cors_origin == '*' or origin is None or origin == self.cors_origin)

	def knows_host(self, host: str | None) -> bool:
		"""Whether a `Host` header is one that this server is called by.

		Bound to loopback, it is called by few names. Bound to the network it has more, but without tokens only such that
		no page can own. With tokens any will do: a page that made its name point here has none.
		"""
		if host is None:
			return True
		name = split_host(host)[0]
		bound = split_hosts(self.host)
		if is_loopback(name) or is_address(name) or name in (*bound, *self.allowed_hosts):
			return True
		if all(is_loopback(address) for address in bound) or not name:
			return False
		return self.guarded or is_private(name)

	def is_foreign(self, request: web.Request) -> bool:
		"""Whether a request was made by the page of another site. Following a link to here is not."""
		headers = request.headers
		site = headers.get('Sec-Fetch-Site')
		if site == 'same-origin':
			return False  # The browser has compared, and knows better than we what a proxy has made of `Host`.
		# To browsers, another port of this machine is the same site: its pages are other pages all the same.
		if site in ('cross-site', 'same-site'):
			followed = headers.get('Sec-Fetch-Mode') == 'navigate' and headers.get('Sec-Fetch-Dest') == 'document'
			if request.method != 'GET' or not followed:
				return True
		origin = headers.get('Origin')
		return bool(origin) and not self._is_own(origin or '', headers.get('Host', ''))

	def _is_own(self, origin: str, host: str) -> bool:
		# An address too may mean this machine: 0.0.0.0 and ::ffff:127.0.0.1 are no loopback addresses, but lead here.
		name, port = split_host(host)
		origin_name, origin_port = split_host(origin.partition('://')[2])
		if origin_name in self.allowed_hosts:
			return True
		return bool(name) and name == origin_name and (port is None or origin_port is None or port == origin_port)

	def add_headers(self, response: web.StreamResponse) -> None:
		"""Let the pages of `cors_origin` read an answer."""
		if self.cors_origin:
			response.headers['Access-Control-Allow-Origin'] = self.cors_origin
			response.headers['Access-Control-Allow-Methods'] = CORS_METHODS
			response.headers['Access-Control-Allow-Headers'] = CORS_HEADERS
			response.headers['Access-Control-Allow-Credentials'] = 'true'
