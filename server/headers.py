"""What the browser is told about every answer: what a page may load, who may frame it, that types are not guessed."""

from __future__ import annotations

import base64
import hashlib

from aiohttp import web

from server.hosts import is_loopback, split_host

# Our own pages: what comes from here, and pictures that a page has made itself.
OWN_PAGES = (
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
	"frame-ancestors 'none'"
)
# The official front end compiles templates, starts workers from blobs and runs the scripts of packs.
FOREIGN_PAGES = (
	"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
	"style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; media-src 'self' blob: data:; "
	"font-src 'self' data:; connect-src 'self' blob: data:; object-src 'none'; form-action 'self'; base-uri 'self'; "
	"frame-ancestors 'none'"
)
# All that is no page, should somebody open it by itself: browsers show pictures and films by a page of their own.
FILES = (
	"default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; frame-ancestors 'none'; sandbox"
)


def add_guards(
	request: web.BaseRequest, response: web.StreamResponse, *, policy: str = OWN_PAGES, shared: bool = False
) -> None:
	"""Add what the handler did not set itself. `policy` is that of pages; `shared` lets other sites show our files."""
	is_page = response.content_type == 'text/html'
	headers = response.headers
	headers.setdefault('Content-Security-Policy', policy if is_page else FILES)
	headers['Server'] = 'Lumengraph'  # Nobody needs to know the versions of what it is made with.
	headers.setdefault('X-Content-Type-Options', 'nosniff')
	headers.setdefault('X-Frame-Options', 'DENY')
	# Not 'no-referrer': with that, browsers hide the origin of forms from us too.
	headers.setdefault('Referrer-Policy', 'same-origin')
	headers.setdefault('Cross-Origin-Resource-Policy', 'cross-origin' if shared else 'same-origin')
	if is_page and is_trustworthy(request):
		headers.setdefault('Cross-Origin-Opener-Policy', 'same-origin')


def is_encrypted(request: web.BaseRequest) -> bool:
	"""Whether the client speaks TLS, with us or with a proxy that says so."""
	return request.secure or request.headers.get('X-Forwarded-Proto') == 'https'


def is_trustworthy(request: web.BaseRequest) -> bool:
	"""Whether browsers give its pages all that they can; elsewhere they complain of some headers."""
	return is_encrypted(request) or is_loopback(split_host(request.headers.get('Host', ''))[0])


def small_page_policy(style: str) -> str:
	"""The policy of a page that has no scripts, one style sheet in itself, and a form perhaps."""
	digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
	return (
		f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	)
