"""How files of unknown makers are sent: what could run scripts in the browser is only ever downloaded."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from aiohttp import web

from server.static import UNKNOWN, content_type

# Types that a browser shows and that can run nothing; everything else is only downloaded.
PASSIVE = re.compile(r'(image|audio|video|font|model)/(?!.*xml)|text/plain$|application/json$')
TEXTS = ('text/plain', 'application/json')
SVG = 'image/svg+xml'
# An SVG inside an <img> runs nothing; should a browser open it on its own, it is shut in and may load nothing.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
GLANCE = 1024


async def passive_file(path: Path, destination: str | None = None) -> web.FileResponse:
	"""A file, shown if its type can run nothing and downloaded if not.

	`destination` is what the browser wants it for (`Sec-Fetch-Dest`): an SVG is shown only as a picture.
	"""
	return web.FileResponse(path, headers=file_headers(path.name, destination, await asyncio.to_thread(glance, path)))


def file_headers(name: str, destination: str | None, start: bytes) -> dict[str, str]:
	"""The headers for a file of this name that begins with `start`. A picture that begins as a page does is none."""
	guessed = content_type(name)
	as_picture = guessed == SVG and destination == 'image'
	disguised = guessed not in TEXTS and is_markup(start)
	shown = as_picture or (PASSIVE.match(guessed) is not None and not disguised)
	headers = {
		'Content-Type': guessed if shown else UNKNOWN,
		'Content-Disposition': disposition(name) if shown else attachment(name),
		'X-Content-Type-Options': 'nosniff',
	}
	return {**headers, 'Content-Security-Policy': SANDBOX} if as_picture else headers


def is_markup(start: bytes) -> bool:
	"""Whether a file begins as HTML, SVG and XML do, and as no picture, film or sound does."""
	return start.removeprefix(b'\xef\xbb\xbf').lstrip().startswith(b'<')


def glance(path: Path) -> bytes:
	"""A file's beginning; nothing if it cannot be read, which sending it will tell."""
	try:
		with path.open('rb') as stream:
			return stream.read(GLANCE)
	except OSError:
		return b''


def disposition(name: str) -> str:
	"""The file's name for a header, without what would end the quotes or the line."""
	return f'filename="{re.sub(r"[^ -~]", "_", name).translate({34: "_", 92: "_"})}"'


def attachment(name: str) -> str:
	"""The same for a file that is to be saved, not shown."""
	return f'attachment; {disposition(name)}'
