"""`/v1/workflows/{name}/picture`: what a workflow gives, to choose by."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from server.gallery import MEDIA_TYPES
from server.keys import LIBRARY
from server.library import NoPicture, WorkflowNotFound
from server.operation import Operation
from server.routes.images import send_picture
from server.routes.workflows import WORKFLOWS
from server.schemas.images import ThumbnailQuery
from server.schemas.workflows import WorkflowPath
from server.thumbnails import PictureTooLarge, UnreadablePicture


async def show_workflow_picture(request: web.Request, path: WorkflowPath, query: ThumbnailQuery) -> web.StreamResponse:
	"""A picture of what a workflow gives, which lies beside its file under the same name: the file, or a small WebP of it."""
	found = await asyncio.to_thread(request.app[LIBRARY].picture, path.name)
	try:
		return await send_picture(request, found, query.size)
	except FileNotFoundError:
		raise NoPicture(path.name) from None


routes: Sequence[Operation] = (
	Operation(
		'GET',
		'/v1/workflows/{name}/picture',
		show_workflow_picture,
		tag=WORKFLOWS,
		statuses=(200, 206),
		refuses=(WorkflowNotFound, NoPicture, UnreadablePicture, PictureTooLarge),
		media=tuple(dict.fromkeys(MEDIA_TYPES.values())),
		etag=True,
	),
)
