"""Who may talk to the server: checks against other web sites (CSRF) and against DNS rebinding, and CORS.

A page of another site can make the browser send requests here. It cannot hide its `Origin`, nor `Sec-Fetch-Site`, nor,
when it has made its own name point at this machine, that name in `Host`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.errors import error_reply

CORS_METHODS = 'POST, GET, DELETE, PUT, OPTIONS, PATCH'
CORS_HEADERS = 'Content-Type, Authorization, Comfy-User'


@dataclass(frozen=True)
class Access:
	"""`host` is what the server is bound to; the pages of `cors_origin` may talk to it, of any origin if it is `*`."""

	host: str = '127.0.0.1'
	cors_origin: str = ''

	def middleware(self) -> Middleware:
		"""Refuse what must not come in; answer every other OPTIONS."""

		@web.middleware
		async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
			if not self.knows_host(request.headers.get('Host')):
				return error_reply(
					403,
					'unknown_host',
					'This server is bound to this machine and answers to localhost, to IP addresses and to the '
					'--host it was started with.',
				)
			if is_foreign(request) and not self.invites(request.headers.get('Origin')):
				return web.Response(status=403)
			return web.Response() if request.method == 'OPTIONS' else await handler(request)

		return access

	def invites(self, origin: str | None) -> bool:
		"""Whether the pages of an origin may come in. A page's pictures say no origin, and can change nothing."""
		return bool(self.cors_origin) and (self.cors_origin == '*' or origin is None or origin == self.cors_origin)

	def knows_host(self, host: str | None) -> bool:
		"""Whether a `Host` header is one that this server is called by. Anything goes unless bound to loopback."""
		if host is None or not is_loopback(self.host):
			return True
		name = split_host(host)[0]
		return is_loopback(name) or is_address(name) or name == self.host.lower()

	def add_headers(self, response: web.StreamResponse) -> None:
		"""Let the pages of `cors_origin` read an answer."""
		if self.cors_origin:
			response.headers['Access-Control-Allow-Origin'] = self.cors_origin
			response.headers['Access-Control-Allow-Methods'] = CORS_METHODS
			response.headers['Access-Control-Allow-Headers'] = CORS_HEADERS
			response.headers['Access-Control-Allow-Credentials'] = 'true'


def is_foreign(request: web.Request) -> bool:
	"""Whether a request was made by the page of another site. Following a link to here is not."""
	headers = request.headers
	if headers.get('Sec-Fetch-Site') == 'cross-site':
		followed = headers.get('Sec-Fetch-Mode') == 'navigate' and headers.get('Sec-Fetch-Dest') == 'document'
		if request.method != 'GET' or not followed:
			return True
	host, origin = headers.get('Host'), headers.get('Origin')
	if not host or not origin:
		return False
	name, port = split_host(host)
	# An address too may mean this machine: 0.0.0.0 and ::ffff:127.0.0.1 are no loopback addresses, but lead here.
	if not (is_loopback(name) or is_address(name)):
		return False
	origin_name, origin_port = split_host(origin.partition('://')[2])
	return name != origin_name or (port is not None and origin_port is not None and port != origin_port)


def split_host(host: str) -> tuple[str, int | None]:
	"""`[::1]:8188` → `::1` and 8188. What cannot be read has an empty name."""
	try:
		parts = urlsplit(f'//{host}')
		return parts.hostname or '', parts.port
	except ValueError:
		return '', None


def is_address(name: str) -> bool:
	"""Whether a host is written as an IP address."""
	try:
		ipaddress.ip_address(name)
	except ValueError:
		return False
	return True


def is_loopback(name: str) -> bool:
	"""Whether a host name means this machine itself."""
	lowered = name.lower()
	if lowered == 'localhost' or lowered.endswith('.localhost'):
		return True
	return is_address(lowered) and ipaddress.ip_address(lowered).is_loopback
