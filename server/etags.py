"""ETags: names for the content of an answer, by which clients keep what they have and change only what they saw."""

from __future__ import annotations

import hashlib

from aiohttp import ETag, web

from server.errors import Outdated


def etag_of(content: bytes) -> str:
	"""The ETag of this content, as the header has it, in quotes."""
	return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def conditional(request: web.Request, response: web.Response) -> web.Response:
	"""The response with an ETag, made from its body unless it has one; 304 without a body if the client has it."""
	body = response.body
	etag = response.headers.get('ETag') or etag_of(body if isinstance(body, bytes) else b'')
	response.headers['ETag'] = etag
	response.headers.setdefault('Cache-Control', 'no-cache')
	if not names(request.if_none_match, etag):
		return response
	return web.Response(status=304, headers={'ETag': etag, 'Cache-Control': response.headers['Cache-Control']})


def heed_conditions(request: web.Request, etag: str | None) -> None:
	"""Raise `Outdated` unless `If-Match` and `If-None-Match` allow a change of what has this ETag; None: there is nothing."""
	wanted = request.if_match
	if wanted is not None and not names(wanted, etag, weakly=False):
		raise Outdated(
			'It has changed since you read it. Read it again, and send the ETag you get then as If-Match.'
			if etag is not None
			else 'If-Match was sent, and there is nothing of that name.'
		)
	if names(request.if_none_match, etag):
		raise Outdated('It is there already, and If-None-Match forbids to change it.')


def names(tags: tuple[ETag, ...] | None, etag: str | None, *, weakly: bool = True) -> bool:
	"""Whether a header's tags name this one; `*` names any."""
	if tags is None or etag is None:
		return False
	return any(tag.value == '*' or (tag.value == etag.strip('"') and (weakly or not tag.is_weak)) for tag in tags)
