"""`/upload/image` and `/view`: files come in and are shown."""

from __future__ import annotations

import asyncio
import mimetypes
import re
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from engine.errors import BadName, FileMissing
from engine.events import Folder
from engine.files import FOLDERS, Files, annotated
from server.comfy.pictures import read_rendering, render
from server.comfy.uploads import store_upload
from server.errors import BadRequest, Forbidden, one_line
from server.http import reply
from server.keys import STORAGE
from server.schemas.files import Uploaded

# Types that a browser shows and that can run nothing; everything else is only downloaded.
PASSIVE = re.compile(r'(image|audio|video|font|model)/(?!.*xml)|text/plain$|application/json$')
SVG = 'image/svg+xml'
UNKNOWN = 'application/octet-stream'
# All that reading a form of arbitrary bytes has been seen to raise.
BROKEN_FORM = (ValueError, LookupError, RuntimeError, AssertionError, zlib.error, HttpProcessingError)


async def upload_image(request: web.Request) -> web.Response:
	"""Store an uploaded file of any sort. Same content under the same name is stored once."""
	try:
		form = await request.post()
	except BROKEN_FORM as error:
		raise BadRequest(f'The form cannot be read: {one_line(error)}.') from error
	upload = form.get('image')
	if not isinstance(upload, web.FileField) or not upload.filename:
		raise BadRequest('The form has no file "image" with a file name.')
	folder = read_folder(form_text(form.get('type')) or 'input')
	subfolder = form_text(form.get('subfolder'))
	overwrite = form_text(form.get('overwrite')) in ('true', '1')
	name = await asyncio.to_thread(
		store_upload,
		request.app[STORAGE].files,
		upload.file,
		upload.filename,
		folder,
		subfolder,
		overwrite=overwrite,
	)
	return reply(Uploaded(name=name, subfolder=subfolder, type=folder))


async def view(request: web.Request) -> web.StreamResponse:
	"""Show a file of the input, output or temp folder, or a picture of it that is smaller or has fewer channels."""
	path = find_viewed(request)
	rendering = read_rendering(request.query.get('preview'), request.query.get('channel'))
	if rendering is None:
		return web.FileResponse(path, headers=file_headers(path.name, request.headers.get('Sec-Fetch-Dest')))
	picture = await asyncio.to_thread(render, path, rendering)
	headers = {'Content-Disposition': disposition(path.name), 'X-Content-Type-Options': 'nosniff'}
	return web.Response(body=picture, content_type=f'image/{rendering.format}', headers=headers)


def find_viewed(request: web.Request) -> Path:
	"""The file that the query names."""
	named = request.query.get('filename')
	if named is None:
		raise FileMissing('', 'output')
	name, folder = annotated(named, read_folder(request.query.get('type', 'output')))
	if not name or name.startswith('/') or '..' in name:
		raise BadName(name, folder)
	return find_file(request.app[STORAGE].files, PurePosixPath(name).name, folder, request.query.get('subfolder', ''))


def find_file(files: Files, name: str, folder: Folder, subfolder: str) -> Path:
	"""An existing file; folders are named only in `subfolder`, which cannot leave the root."""
	try:
		path = files.path(name, folder, subfolder)
	except BadName as error:
		raise Forbidden(str(error)) from error
	try:
		exists = path.is_file()
	except (OSError, ValueError):
		exists = False
	if not exists:
		raise FileMissing(name, folder)
	return path


def read_folder(name: str) -> Folder:
	"""The root of that name, or `BadRequest`."""
	for folder in FOLDERS:
		if folder == name:
			return folder
	raise BadRequest(f'type must be one of {", ".join(FOLDERS)}, not {name[:80]!r}.')


def form_text(field: object) -> str:
	"""A text field of a form, empty if there is none."""
	return field if isinstance(field, str) else ''


def file_headers(name: str, destination: str | None) -> dict[str, str]:
	"""How a file is sent: what could run scripts in the browser is only ever downloaded.

	An SVG that a page shows as a picture runs nothing, so there it is let through.
	"""
	guessed = mimetypes.guess_type(name)[0] or UNKNOWN
	shown = PASSIVE.match(guessed) is not None or (guessed == SVG and destination == 'image')
	return {
		'Content-Type': guessed if shown else UNKNOWN,
		'Content-Disposition': disposition(name) if shown else f'attachment; {disposition(name)}',
		'X-Content-Type-Options': 'nosniff',
	}


def disposition(name: str) -> str:
	"""The file's name for a header, without what would end the quotes or the line."""
	return f'filename="{re.sub(r"[^ -~]", "_", name).translate({34: "_", 92: "_"})}"'


routes: Sequence[web.RouteDef] = (web.post('/upload/image', upload_image), web.get('/view', view))
