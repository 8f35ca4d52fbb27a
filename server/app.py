"""The application: the only place where the parts are put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from aiohttp import web

import server.comfy.companions
import server.comfy.connect
import server.comfy.discovery
import server.comfy.extensions
import server.comfy.files
import server.comfy.history
import server.comfy.internal
import server.comfy.jobs
import server.comfy.logs
import server.comfy.models
import server.comfy.prompt
import server.comfy.queue
import server.comfy.userdata
import server.comfy.users
import server.editor
import server.routes.cache
import server.routes.check
import server.routes.config
import server.routes.convert
import server.routes.difference
import server.routes.docs
import server.routes.downloads
import server.routes.drafts
import server.routes.events
import server.routes.extensions
import server.routes.health
import server.routes.images
import server.routes.jobs
import server.routes.login
import server.routes.logs
import server.routes.metrics
import server.routes.models
import server.routes.nodes
import server.routes.packs
import server.routes.pictures
import server.routes.queue
import server.routes.versions
import server.routes.workers
import server.routes.workflows
from engine.events import EventBus, ModelsChanged
from engine.formats.prompt import RecentPrompts
from engine.modelwatch import ModelWatch
from engine.previews import PreviewMethod
from engine.queue import JobQueue
from engine.settings import PROJECT, Settings
from engine.storage import Storage
from engine.supervisor import Supervisor
from server import keys
from server.access import Access
from server.auth import Auth
from server.caching import add_cache_control
from server.comfy.logteller import LogTeller
from server.comfy.sockets import Hub
from server.comfy.teller import Teller
from server.docs import API_PAGES, ApiPages
from server.downloads import Downloads
from server.drafts import Drafts
from server.errors import errors
from server.headers import FOREIGN_PAGES, OWN_PAGES, add_guards
from server.joblog import JobLog
from server.library import Library
from server.limits import MAX_BODY
from server.logring import LogRing
from server.metrics import Metrics
from server.operation import Operation
from server.requests import add_request_id, requests
from server.serving import Limits
from server.store.store import Store
from server.thumbnails import Thumbnails
from server.users.accounts import Accounts
from server.users.settings import UserSettings
from server.webhooks import Webhooks

EDITOR = PROJECT / 'web' / 'dist'
PICTURES_AT_ONCE = 2
COMFY_ROUTES = (
	*server.comfy.prompt.routes,
	*server.comfy.queue.routes,
	*server.comfy.history.routes,
	*server.comfy.jobs.routes,
	*server.comfy.files.routes,
	*server.comfy.discovery.routes,
	*server.comfy.models.routes,
	*server.comfy.extensions.routes,
	*server.comfy.companions.routes,
	*server.comfy.users.routes,
	*server.comfy.userdata.routes,
	*server.comfy.connect.routes,
)
# Of the dialect too, but served at one path only.
BARE_ROUTES = (
	*server.comfy.internal.routes,
	*server.comfy.extensions.file_routes,
	*server.comfy.companions.file_routes,
	*server.comfy.logs.routes,
)
OPERATIONS = (
	*server.routes.jobs.routes,
	*server.routes.events.routes,
	*server.routes.queue.routes,
	*server.routes.check.routes,
	*server.routes.convert.routes,
	*server.routes.workflows.routes,
	*server.routes.difference.routes,
	*server.routes.versions.routes,
	*server.routes.pictures.routes,
	*server.routes.drafts.routes,
	*server.routes.images.routes,
	*server.routes.nodes.routes,
	*server.routes.packs.routes,
	*server.routes.extensions.routes,
	*server.routes.workers.routes,
	*server.routes.models.routes,
	*server.routes.downloads.routes,
	*server.routes.cache.routes,
	*server.routes.config.routes,
	*server.routes.health.routes,
	*server.routes.logs.routes,
	*server.routes.metrics.routes,
	*server.routes.docs.routes,
)
OWN_ROUTES: Sequence[Operation | web.RouteDef] = (*OPERATIONS, *server.routes.login.routes, *server.editor.routes)


def build_app(
	settings: Settings,
	*,
	pack: str = 'nodes',
	host: str = '127.0.0.1',
	cors_origin: str = '',
	allowed_hosts: tuple[str, ...] = (),
	model_hosts: tuple[str, ...] = (),
	auth: Auth | None = None,
	limits: Limits | None = None,
	previews: PreviewMethod = 'none',
	logs: LogRing | None = None,
	max_body: int = MAX_BODY,
	editor: Path = EDITOR,
	workflows: Path = PROJECT / 'workflows',
) -> web.Application:
	"""Make the server: queue, supervisor of the worker, WebSocket hub, routes.

	`pack` is the module whose nodes the worker loads; `host` is what the server will be bound to, `allowed_hosts` how it is
	called besides; model files are
	fetched from `model_hosts`; the pages of `cors_origin` may read its answers. With `auth`, everybody is asked for a token. `previews`
	is for jobs that do not say; `editor` is the folder of the built editor, or of another front end. Nothing starts before
	the application does.
	"""
	access = Access(host, cors_origin, allowed_hosts, guarded=auth is not None)
	guards = () if auth is None else (auth.middleware(),)
	bus = EventBus()
	storage = Storage.of(settings)
	store = Store.of(settings)
	queue = JobQueue(store.jobs, bus)
	supervisor = Supervisor(settings, queue, storage, pack=pack)
	hub = Hub()
	metrics = Metrics(
		remaining=lambda: queue.remaining, workers=lambda: supervisor.workers, restarts=lambda: supervisor.restarts
	)
	app = web.Application(
		client_max_size=max_body,
		middlewares=(
			metrics.middleware(),
			requests,
			access.middleware(),
			errors,
			*guards,
			server.editor.editor_files,
		),
	)
	app[keys.ACCESS] = access
	if auth is not None:
		app[keys.AUTH] = auth
	app[keys.LIMITS] = limits or Limits()
	app[keys.PROMPTS] = RecentPrompts()
	app[keys.PREVIEWS] = previews
	app[keys.LOGS] = logs or LogRing()
	supervisor.on_line = lambda name, text: app[keys.LOGS].add(time.time(), name, text)
	app[keys.LOG_TELLER] = log_teller = LogTeller(hub)
	app[keys.SETTINGS] = settings
	app[keys.STORAGE] = storage
	app[keys.BUS] = bus
	app[keys.QUEUE] = queue
	app[keys.STORE] = store
	app[keys.HUB] = hub
	app[keys.SUPERVISOR] = supervisor
	app[keys.ACCOUNTS] = accounts = Accounts(settings.user_folder, several=settings.multi_user)
	app[keys.USER_SETTINGS] = UserSettings()
	app[keys.PICTURE_SLOTS] = asyncio.Semaphore(PICTURES_AT_ONCE)
	app[keys.EDITOR] = editor
	app[keys.LIBRARY] = Library.of(settings, workflows)
	app[keys.DOWNLOADS] = downloads = Downloads(storage.catalogue, model_hosts, bus.publish)
	app[keys.DRAFTS] = Drafts(settings.user_folder / 'drafts')
	app[keys.THUMBNAILS] = Thumbnails()
	app[keys.METRICS] = metrics
	app[API_PAGES] = ApiPages(OPERATIONS)
	app[keys.MODEL_WATCH] = ModelWatch(storage.catalogue, settings.data_folder / 'model_sums.json')
	app[keys.MAX_BODY] = max_body
	app[keys.STARTED] = time.monotonic()
	app[keys.STREAMS] = streams = set[asyncio.Task[None]]()
	webhooks = Webhooks(queue, store.deliveries, settings.data_folder)

	async def temp_folder(_: web.Application) -> AsyncIterator[None]:
		storage.files.empty_temp()
		yield
		storage.files.empty_temp()

	async def storing(_: web.Application) -> AsyncIterator[None]:
		store.open()
		# The first to hear: what others are told is on its way to the file.
		with bus.subscribe(store.log.hear):
			yield
		store.close()

	async def user_folder(_: web.Application) -> AsyncIterator[None]:
		accounts.prepare()
		yield

	async def watching(_: web.Application) -> AsyncIterator[None]:
		loop, watch = asyncio.get_running_loop(), app[keys.MODEL_WATCH]

		def changed(kinds: tuple[str, ...]) -> None:
			loop.call_soon_threadsafe(bus.publish, ModelsChanged(kinds=kinds))

		watch.start(changed)
		yield
		await downloads.stop()
		await asyncio.to_thread(watch.stop)

	async def worker(_: web.Application) -> AsyncIterator[None]:
		store.jobs.restore(queue)
		await supervisor.start()
		yield
		await supervisor.stop()
		queue.retire()

	async def telling(_: web.Application) -> AsyncIterator[None]:
		with ExitStack() as stack:
			for hear in (Teller(queue, hub).hear, metrics.hear, webhooks.hear, JobLog().hear):
				stack.enter_context(bus.subscribe(hear))
			stack.enter_context(app[keys.LOGS].listen(log_teller.hear))
			await webhooks.start()
			yield
			await webhooks.stop()

	async def close_sockets(_: web.Application) -> None:
		for stream in streams:
			stream.cancel()
		await hub.close()

	async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
		access.add_headers(response)
		add_guards(request, response, policy=OWN_PAGES if editor == EDITOR else FOREIGN_PAGES, shared=bool(cors_origin))
		await add_request_id(request, response)
		await add_cache_control(request, response)

	app.cleanup_ctx.extend((storing, temp_folder, user_folder, telling, watching, worker))
	# Before the handlers are waited for: a WebSocket's handler ends when its socket does.
	app.on_shutdown.append(close_sockets)
	app.on_response_prepare.append(add_headers)
	app.add_routes((*doubled(COMFY_ROUTES), *BARE_ROUTES, *OWN_ROUTES))
	return app


def doubled(routes: Iterable[web.RouteDef]) -> Iterator[web.RouteDef]:
	"""Each route as it is, and under `/api`."""
	for route in routes:
		yield route
		yield web.RouteDef(route.method, f'/api{route.path}', route.handler, route.kwargs)
