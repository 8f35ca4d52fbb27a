"""`/v1/metrics`: figures for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from server.keys import METRICS
from server.operation import Operation, Tag

TAG = Tag('metrics', 'Figures for Prometheus.')


async def show_metrics(request: web.Request) -> web.Response:
	"""The figures as they stand, in Prometheus' text format.

	Jobs by state, seconds by kind of node, cache hits, the queue's length, open WebSockets, requests by route and
	status, restarts of the worker, memory of both processes.
	"""
	return web.Response(body=request.app[METRICS].text(), headers={'Content-Type': CONTENT_TYPE_PLAIN_0_0_4})


routes: Sequence[Operation] = (Operation('GET', '/v1/metrics', show_metrics, tag=TAG, media=('text/plain',)),)
