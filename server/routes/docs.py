"""`/v1/openapi.json` and `/v1/docs`: the API described, for programs and for people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from server.docs import API_PAGES, ASSETS, POLICY, read_asset
from server.etags import conditional
from server.operation import Operation, Tag
from server.schemas.docs import AssetPath
from server.schemas.openapi import OpenApiDocument

DOCS = Tag('docs', 'This description, for programs and for people.')


async def show_openapi(request: web.Request) -> OpenApiDocument:
	"""This API as an OpenAPI 3.1 document."""
	return await asyncio.to_thread(lambda: request.app[API_PAGES].openapi)


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
