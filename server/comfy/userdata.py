"""`/userdata` and `/v2/userdata`: the files of whoever sent the request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile

from aiohttp import web
from pydantic import BaseModel

from server.comfy.sending import PASSIVE, attachment
from server.comfy.users import user_folder
from server.errors import BadRequest
from server.http import reply
from server.keys import MAX_BODY
from server.schemas.system import Names
from server.schemas.users import SplitNames, StoredName, Tree, TreeEntry, UserFileInfo, UserFileInfos
from server.static import UNKNOWN, content_type
from server.users.files import Entry, UserFileMissing, UserFiles

STYLES = 'user.css'
IN_MEMORY = 2**20
FRESH = {'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff'}


def files_of(request: web.Request) -> UserFiles:
	"""The files of whoever sent a request. Raises `Forbidden` or `UnknownUser`."""
	return UserFiles(user_folder(request))


def is_true(request: web.Request, name: str, *, default: bool = False) -> bool:
	"""A switch in the query."""
	text = request.query.get(name, '').lower()
	return text in ('true', '1') if text else default


async def list_files(request: web.Request) -> web.Response:
	"""The files in the folder `dir`; in its folders too with `recurse`."""
	folder = request.query.get('dir')
	if not folder:
		raise BadRequest('The query has no dir.')
	found = await asyncio.to_thread(files_of(request).files_in, folder, recurse=is_true(request, 'recurse'))
	if is_true(request, 'full_info'):
		return reply(UserFileInfos([info(entry) for entry in found]))
	if is_true(request, 'split'):
		return reply(SplitNames([[entry.path, *entry.path.split('/')] for entry in found]))
	return reply(Names([entry.path for entry in found]))


async def show_tree(request: web.Request) -> web.Response:
	"""All folders and files below the folder `path`."""
	found = await asyncio.to_thread(files_of(request).tree, request.query.get('path', ''))
	return reply(Tree([tree_entry(entry) for entry in found]), exclude_none=True)


async def show_file(request: web.Request) -> web.StreamResponse:
	"""One file, to be read by scripts or saved, never shown. Only `user.css` is what it is: a page's style sheet."""
	name, files = request.match_info['file'], files_of(request)
	if name == STYLES:
		return await show_styles(files)
	path = files.find(name)
	guessed = content_type(path.name)
	headers = {
		**FRESH,
		'Content-Type': guessed if PASSIVE.match(guessed) else UNKNOWN,
		'Content-Disposition': attachment(path.name),
	}
	return web.FileResponse(path, headers=headers)


async def show_styles(files: UserFiles) -> web.StreamResponse:
	"""The user's style sheet; an empty one if there is none, since every page asks for it."""
	headers = {**FRESH, 'Content-Type': 'text/css; charset=utf-8'}
	try:
		return web.FileResponse(files.find(STYLES), headers=headers)
	except UserFileMissing:
		return web.Response(headers=headers)


async def store_file(request: web.Request) -> web.Response:
	"""Store the body; 409 if there is such a file and `overwrite=false`."""
	files, name = files_of(request), request.match_info['file']
	async with spooled(request) as content:
		entry = await asyncio.to_thread(
			files.store, name, content, overwrite=is_true(request, 'overwrite', default=True)
		)
	return stored(request, entry)


async def move_file(request: web.Request) -> web.Response:
	"""Give a file another name; 409 if another file has it and `overwrite=false`."""
	overwrite = is_true(request, 'overwrite', default=True)
	names = request.match_info['file'], request.match_info['target']
	return stored(request, await asyncio.to_thread(files_of(request).move, *names, overwrite=overwrite))


async def delete_file(request: web.Request) -> web.Response:
	"""Delete a file."""
	await asyncio.to_thread(files_of(request).delete, request.match_info['file'])
	return web.Response(status=204)


def stored(request: web.Request, entry: Entry) -> web.Response:
	"""What is told of a file that was stored or moved: its path, or more with `full_info`."""
	body: BaseModel = info(entry) if is_true(request, 'full_info') else StoredName(entry.path)
	return reply(body)


@asynccontextmanager
async def spooled(request: web.Request) -> AsyncIterator[SpooledTemporaryFile[bytes]]:
	"""A body as a file, in memory only while it is small; 413 if it is larger than bodies may be."""
	longest = request.app[MAX_BODY]
	size = request.content_length or 0
	with SpooledTemporaryFile[bytes](IN_MEMORY) as content:
		async for chunk in request.content.iter_any():
			content.write(chunk)
			size = max(size, content.tell())
			if size > longest:
				break
		if size > longest:
			raise web.HTTPRequestEntityTooLarge(max_size=longest, actual_size=size)
		content.seek(0)
		yield content


def info(entry: Entry) -> UserFileInfo:
	"""All that is told of a file."""
	return UserFileInfo(path=entry.path, size=entry.size, modified=entry.modified, created=entry.created)


def tree_entry(entry: Entry) -> TreeEntry:
	"""A file or folder of a tree."""
	return TreeEntry(
		name=entry.path.rpartition('/')[2],
		path=entry.path,
		type='directory' if entry.is_folder else 'file',
		size=None if entry.is_folder else entry.size,
		modified=None if entry.is_folder else entry.modified,
	)


routes: Sequence[web.RouteDef] = (
	web.get('/userdata', list_files),
	web.get('/v2/userdata', show_tree),
	web.get('/userdata/{file}', show_file),
	web.post('/userdata/{file}', store_file),
	web.delete('/userdata/{file}', delete_file),
	web.post('/userdata/{file}/move/{target}', move_file),
)
