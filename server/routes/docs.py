"""`/v1/openapi.json` and `/v1/docs`: the API described, for programs and for people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from engine.errors import WorkerLost
from server.docs import API_PAGES, ASSETS, POLICY, read_asset
from server.etags import conditional
from server.keys import LIBRARY, STORAGE, SUPERVISOR
from server.operation import Operation, Tag
from server.schemas.docs import AssetPath
from server.schemas.openapi import OpenApiDocument
from server.worker import known_nodes
from server.workflow_docs import with_workflows

DOCS = Tag('docs', 'This description, for programs and for people.')


async def show_openapi(request: web.Request) -> OpenApiDocument:
	"""This API as an OpenAPI 3.1 document.

	Besides what `/v1/docs` tells, each saved workflow is an operation of its own, with the schema of its inputs.
	"""
	app = request.app
	document = await asyncio.to_thread(lambda: app[API_PAGES].openapi)
	try:
		nodes = await known_nodes(app[SUPERVISOR])
	except WorkerLost:
		return document  # It is what people look into when something is wrong.
	return await asyncio.to_thread(lambda: with_workflows(document, app[LIBRARY].entries(), nodes, app[STORAGE]))


async def show_docs(request: web.Request) -> web.Response:
	"""This API as a page to read and to try out. It needs nothing from elsewhere."""
	page = await asyncio.to_thread(lambda: request.app[API_PAGES].html)
	headers = {'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff'}
	return conditional(request, web.Response(text=page, content_type='text/html', headers=headers))


async def show_asset(request: web.Request, path: AssetPath) -> web.Response:
	"""The page's style sheet and its script."""
	content = await asyncio.to_thread(read_asset, path.file)
	headers = {'X-Content-Type-Options': 'nosniff'}
	response = web.Response(text=content, content_type=ASSETS[path.file], headers=headers)
	return conditional(request, response)


routes: Sequence[Operation] = (
	Operation('GET', '/v1/openapi.json', show_openapi, tag=DOCS, etag=True),
	Operation('GET', '/v1/docs', show_docs, tag=DOCS, media=('text/html',), etag=True),
	Operation('GET', '/v1/docs/{file}', show_asset, tag=DOCS, media=tuple(ASSETS.values()), etag=True),
)
