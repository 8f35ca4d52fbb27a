"""The application: the only place where the parts are put together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

from aiohttp import web

import server.comfy.connect
import server.comfy.discovery
import server.comfy.files
import server.comfy.history
import server.comfy.prompt
import server.comfy.queue
import server.editor
import server.routes.cache
import server.routes.check
import server.routes.health
import server.routes.jobs
import server.routes.packs
import server.routes.workflows
from engine.events import EventBus
from engine.jobs import MemoryJobStore
from engine.queue import JobQueue
from engine.report import Reports
from engine.settings import PROJECT, Settings
from engine.storage import Storage
from engine.supervisor import Supervisor
from server import keys
from server.access import Access
from server.caching import add_cache_control
from server.comfy.sockets import Hub
from server.comfy.teller import Teller
from server.errors import errors

MAX_BODY = 100 * 2**20
COMFY_ROUTES = (
	*server.comfy.prompt.routes,
	*server.comfy.queue.routes,
	*server.comfy.history.routes,
	*server.comfy.files.routes,
	*server.comfy.discovery.routes,
	*server.comfy.connect.routes,
)
OWN_ROUTES = (
	*server.routes.cache.routes,
	*server.routes.check.routes,
	*server.routes.health.routes,
	*server.routes.jobs.routes,
	*server.routes.packs.routes,
	*server.routes.workflows.routes,
	*server.editor.routes,
)


def build_app(
	settings: Settings,
	*,
	pack: str = 'nodes',
	host: str = '127.0.0.1',
	cors_origin: str = '',
	max_body: int = MAX_BODY,
	editor: Path = PROJECT / 'web' / 'dist',
	workflows: Path = PROJECT / 'workflows',
) -> web.Application:
	"""Make the server: queue, supervisor of the worker, WebSocket hub, routes.

	`pack` is the module whose nodes the worker loads; `host` is what the server will be bound to; the pages of
	`cors_origin` may read its answers. Nothing starts before the application does.
	"""
	access = Access(host, cors_origin)
	app = web.Application(
		client_max_size=max_body, middlewares=(access.middleware(), errors, server.editor.editor_files)
	)
	bus = EventBus()
	storage = Storage.of(settings)
	queue = JobQueue(MemoryJobStore(), bus)
	hub = Hub()
	app[keys.ACCESS] = access
	app[keys.SETTINGS] = settings
	app[keys.STORAGE] = storage
	app[keys.QUEUE] = queue
	app[keys.REPORTS] = Reports(settings.cache_folder / 'runs')
	app[keys.HUB] = hub
	app[keys.SUPERVISOR] = supervisor = Supervisor(settings, queue, storage, pack=pack)
	app[keys.EDITOR] = editor
	app[keys.WORKFLOWS] = workflows
	app[keys.MAX_BODY] = max_body
	app[keys.STARTED] = time.monotonic()

	async def temp_folder(_: web.Application) -> AsyncIterator[None]:
		storage.files.empty_temp()
		yield
		storage.files.empty_temp()

	async def worker(_: web.Application) -> AsyncIterator[None]:
		await supervisor.start()
		yield
		await supervisor.stop()

	async def telling(_: web.Application) -> AsyncIterator[None]:
		with bus.subscribe(Teller(queue, hub).hear):
			yield

	async def close_sockets(_: web.Application) -> None:
		await hub.close()

	async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
		access.add_headers(response)
		await add_cache_control(request, response)

	app.cleanup_ctx.extend((temp_folder, telling, worker))
	# Before the handlers are waited for: a WebSocket's handler ends when its socket does.
	app.on_shutdown.append(close_sockets)
	app.on_response_prepare.append(add_headers)
	app.add_routes((*doubled(COMFY_ROUTES), *OWN_ROUTES))
	return app


def doubled(routes: Iterable[web.RouteDef]) -> Iterator[web.RouteDef]:
	"""Each route as it is, and under `/api`."""
	for route in routes:
		yield route
		yield web.RouteDef(route.method, f'/api{route.path}', route.handler, route.kwargs)
