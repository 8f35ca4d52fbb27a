"""`/v1/images`: the pictures that jobs have saved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from pydantic import TypeAdapter

from engine.errors import BadName, FileMissing
from engine.files import Files
from server.etags import conditional, etag_of, names
from server.gallery import MEDIA_TYPES, delete_picture, find_picture, list_pictures, look
from server.keys import STORAGE, THUMBNAILS
from server.operation import Operation, Tag
from server.paging import cut
from server.schemas.images import ImagePage, ImagePath, ImageQuery, ThumbnailQuery
from server.thumbnails import PictureTooLarge, UnreadablePicture

IMAGES = Tag('images', 'The pictures that jobs have saved.')
KEY = TypeAdapter(tuple[int, str])
# A file is what its name says, whatever a browser may find in it.
NO_GUESSING = {'X-Content-Type-Options': 'nosniff'}


async def list_images(request: web.Request, query: ImageQuery) -> ImagePage:
	"""The pictures below the output folder, newest first."""
	return await asyncio.to_thread(read_page, request.app[STORAGE].files, query)


def read_page(files: Files, query: ImageQuery) -> ImagePage:
	"""The page that is asked for; only its own pictures are looked into. Takes time: not for the event loop."""
	page, following = cut(list_pictures(files, query.folder), query, lambda picture: picture.key, KEY)
	return ImagePage(items=[look(files, picture) for picture in page], next=following)


async def show_image(request: web.Request, path: ImagePath, query: ThumbnailQuery) -> web.StreamResponse:
	"""A picture: the file as it was saved, or a small WebP of it.

	Parts of the file can be asked for (`Range`).
	"""
	found = find_picture(request.app[STORAGE].files, path.path)
	try:
		return await send_picture(request, found, query.size)
	except FileNotFoundError:
		raise FileMissing(path.path, 'output') from None


async def send_picture(request: web.Request, found: Path, size: int | None) -> web.StreamResponse:
	"""A picture's file, or with `size` a small WebP of it. Raises `FileNotFoundError`, and what `Thumbnails.make` raises."""
	if size is None:
		headers = {'Content-Type': MEDIA_TYPES[found.suffix.lower()], 'Cache-Control': 'no-cache', **NO_GUESSING}
		return web.FileResponse(found, headers=headers)
	status = await asyncio.to_thread(found.stat)
	etag = etag_of(f'{status.st_mtime_ns} {status.st_size} {size}'.encode())
	has_it = names(request.if_none_match, etag)
	small = b'' if has_it else await request.app[THUMBNAILS].make(found, size)
	headers = {'ETag': etag, **NO_GUESSING}
	return conditional(request, web.Response(body=small, content_type='image/webp', headers=headers))


async def delete_image(request: web.Request, path: ImagePath) -> None:
	"""Delete a picture.

	A job that saved it will save it anew the next time, since what is cached of it is no longer there.
	"""
	await asyncio.to_thread(delete_picture, request.app[STORAGE].files, path.path)


routes: Sequence[Operation] = (
	Operation('GET', '/v1/images', list_images, tag=IMAGES, refuses=(BadName,)),
	Operation(
		'GET',
		'/v1/images/{path:.+}',
		show_image,
		tag=IMAGES,
		statuses=(200, 206),
		refuses=(BadName, FileMissing, UnreadablePicture, PictureTooLarge),
		media=tuple(dict.fromkeys(MEDIA_TYPES.values())),
		etag=True,
	),
	Operation(
		'DELETE', '/v1/images/{path:.+}', delete_image, tag=IMAGES, refuses=(BadName, FileMissing), destructive=True
	),
)
