"""How long browsers may keep an answer, by its path."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

PICTURES = ('.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp')
HOUR = 'public, max-age=3600'
DAY = 'public, max-age=86400'
PICTURE_CACHING = {
	HTTPStatus.NOT_FOUND: HOUR,
	**dict.fromkeys(range(200, 207), DAY),
	HTTPStatus.MOVED_PERMANENTLY: DAY,
	HTTPStatus.PERMANENT_REDIRECT: DAY,
	HTTPStatus.FOUND: 'no-cache',
	HTTPStatus.SEE_OTHER: 'no-cache',
	HTTPStatus.TEMPORARY_REDIRECT: 'no-cache',
}


def cache_control(path: str, status: int) -> str | None:
	"""The `Cache-Control` of an answer whose handler set none. Those of `/v1` know themselves how long they hold."""
	if path.startswith('/v1/'):
		return None
	name = path.rpartition('/')[2]
	if name.endswith(('.js', '.css')) or (name.startswith('index') and name.endswith('.json')):
		return 'no-cache'
	return PICTURE_CACHING.get(status) if name.lower().endswith(PICTURES) else None


async def add_cache_control(request: web.Request, response: web.StreamResponse) -> None:
	"""Signal: the answer is about to be sent, and its status is final."""
	value = cache_control(request.path, response.status)
	if value is not None:
		response.headers.setdefault('Cache-Control', value)
