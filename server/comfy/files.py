"""`/upload/image`, `/upload/mask` and `/view`: files come in and are shown."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import ValidationError

from engine.errors import BadName, FileMissing
from engine.events import Folder
from engine.files import FOLDERS, Files, annotated
from server.comfy.masks import masked
from server.comfy.pictures import read_rendering, render
from server.comfy.sending import disposition, passive_file
from server.comfy.uploads import store_upload
from server.errors import BadRequest, Forbidden, one_line
from server.http import reply
from server.keys import PICTURE_SLOTS, STORAGE, THUMBNAILS
from server.paths import names_drive, slashed
from server.schemas.files import OriginalFile, Uploaded

LARGEST_THUMBNAIL = 1024
# All that reading a form of arbitrary bytes has been seen to raise.
BROKEN_FORM = (ValueError, LookupError, RuntimeError, AssertionError, zlib.error, HttpProcessingError)


@dataclass(frozen=True)
class Upload:
	"""A form that brings a file."""

	content: IO[bytes]
	name: str
	folder: Folder
	subfolder: str
	overwrite: bool
	original: str


async def upload_image(request: web.Request) -> web.Response:
	"""Store an uploaded file of any sort. Same content under the same name is stored once."""
	upload = await read_upload(request)
	return await keep(request, upload, upload.content, upload.name)


async def upload_mask(request: web.Request) -> web.Response:
	"""Store the picture that `original_ref` names, with the transparency of the uploaded one, as a PNG."""
	upload = await read_upload(request)
	original = find_original(request.app[STORAGE].files, upload.original)
	async with request.app[PICTURE_SLOTS]:
		content = await asyncio.to_thread(masked, original, upload.content)
	named_so = upload.name.lower().endswith('.png')
	return await keep(request, upload, content, upload.name if named_so else f'{upload.name}.png')


async def read_upload(request: web.Request) -> Upload:
	"""The form of an upload, or `BadRequest`."""
	try:
		form = await request.post()
	except BROKEN_FORM as error:
		raise BadRequest(f'The form cannot be read: {one_line(error)}.') from error
	upload = form.get('image')
	if not isinstance(upload, web.FileField) or not upload.filename:
		raise BadRequest('The form has no file "image" with a file name.')
	return Upload(
		content=upload.file,
		name=upload.filename,
		folder=read_folder(form_text(form, 'type') or 'input'),
		subfolder=form_text(form, 'subfolder'),
		overwrite=form_text(form, 'overwrite') in ('true', '1'),
		original=form_text(form, 'original_ref'),
	)


async def keep(request: web.Request, upload: Upload, content: IO[bytes], name: str) -> web.Response:
	"""Store content where the form says; the answer says where it lies."""
	files = request.app[STORAGE].files
	stored = await asyncio.to_thread(
		store_upload, files, content, name, upload.folder, upload.subfolder, overwrite=upload.overwrite
	)
	return reply(Uploaded(name=stored, subfolder=upload.subfolder, type=upload.folder))


def find_original(files: Files, reference: str) -> Path:
	"""The picture that a mask belongs to. Raises `BadRequest`, `BadName`, `Forbidden` or `FileMissing`."""
	try:
		named = OriginalFile.model_validate_json(reference)
	except ValidationError as error:
		raise BadRequest(
			'original_ref must be a JSON object with a filename, and perhaps subfolder and type.'
		) from error
	return find_named(files, named.filename, named.type, named.subfolder)


async def view(request: web.Request) -> web.StreamResponse:
	"""Show a file of the input, output or temp folder, or a picture of it that is smaller or has fewer channels."""
	path = find_viewed(request)
	size = request.query.get('size')
	if size is not None:
		small = await request.app[THUMBNAILS].make(path, read_size(size))
		return web.Response(body=small, content_type='image/webp', headers={'X-Content-Type-Options': 'nosniff'})
	rendering = read_rendering(request.query.get('preview'), request.query.get('channel'))
	if rendering is None:
		return await passive_file(path, request.headers.get('Sec-Fetch-Dest'))
	async with request.app[PICTURE_SLOTS]:
		picture = await asyncio.to_thread(render, path, rendering)
	headers = {'Content-Disposition': disposition(path.name), 'X-Content-Type-Options': 'nosniff'}
	return web.Response(body=picture, content_type=f'image/{rendering.format}', headers=headers)


def read_size(text: str) -> int:
	"""The longest side of a thumbnail in pixels, or `BadRequest`."""
	if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= LARGEST_THUMBNAIL):
		raise BadRequest(f'size must be a whole number from 1 to {LARGEST_THUMBNAIL}, not {text[:20]!r}.')
	return int(text)


def find_viewed(request: web.Request) -> Path:
	"""The file that the query names."""
	query, files = request.query, request.app[STORAGE].files
	named = query.get('filename')
	if named is None:
		raise FileMissing('', 'output')
	return find_named(files, named, query.get('type', 'output'), query.get('subfolder', ''))


def find_named(files: Files, named: str, type: str, subfolder: str) -> Path:
	"""An existing file: the last part of its name, which may say its root (`a.png [input]`), below the subfolder."""
	name, folder = annotated(named, read_folder(type))
	plain = slashed(name)
	if not name or plain.startswith('/') or names_drive(plain) or '..' in name:
		raise BadName(name, folder)
	return find_file(files, PurePosixPath(plain).name, folder, subfolder)


def find_file(files: Files, name: str, folder: Folder, subfolder: str) -> Path:
	"""An existing file; folders are named only in `subfolder`, which cannot leave the root."""
	if names_drive(subfolder):
		raise Forbidden(f'The subfolder {subfolder[:80]!r} begins with a drive letter.')
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


def form_text(form: Mapping[str, object], name: str) -> str:
	"""A text field of a form, empty if there is none."""
	field = form.get(name)
	return field if isinstance(field, str) else ''


routes: Sequence[web.RouteDef] = (
	web.post('/upload/image', upload_image),
	web.post('/upload/mask', upload_mask),
	web.get('/view', view),
)
