"""`lumengraph serve`: the server from its first second to its last."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import ssl
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from engine.errors import EngineError
from engine.settings import Settings
from server.app import EDITOR, build_app
from server.auth import LOGIN, Auth
from server.keys import SUPERVISOR
from server.listen import listening, reachable, url_of
from server.logring import LogRing
from server.logs import logging_to
from server.serving import Serving

STOP_SECONDS = 5.0
FIRST_TOKEN = 'first'  # noqa: S105 - its name


class CannotStart(EngineError):
	"""A folder that the server needs cannot be used."""


class BadCertificate(EngineError):
	"""The certificate or its key cannot be used."""


def serve(settings: Settings, serving: Serving | None = None, *, pack: str = 'nodes') -> int:
	"""Serve until the process is asked to end; gives the exit code. Raises `CannotListen`, `CannotStart`, `BadCertificate`."""
	asyncio.run(run_server(settings, serving or Serving(), pack, asked_to_end))
	return 0


async def run_server(
	settings: Settings, serving: Serving, pack: str, meanwhile: Callable[[web.AppRunner, float], Awaitable[None]]
) -> None:
	"""Start the server, wait for what happens meanwhile, and end it."""
	logs, certificate = LogRing(), certificate_of(serving)
	# The addresses first: a second server must not touch the first one's files.
	with (
		logging_to(logs, level=serving.log_level, format=serving.log_format),
		listening(serving.hosts, serving.port) as listeners,
	):
		with needing_folders():
			auth, token = guard(settings, serving)
		app = build_app(
			settings,
			pack=pack,
			host=serving.host,
			allowed_hosts=serving.allowed_hosts,
			model_hosts=serving.model_hosts,
			cors_origin=serving.cors_origin,
			auth=auth,
			limits=serving.limits,
			previews=serving.previews,
			logs=logs,
			max_body=serving.max_body,
			editor=serving.editor or EDITOR,
		)
		runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
		try:
			with needing_folders():
				await runner.setup()
			for listener in listeners:
				await web.SockSite(runner, listener, ssl_context=certificate).start()
			# What is imported stays: the garbage collector need not look through it while jobs are told.
			gc.freeze()
			scheme = 'http' if certificate is None else 'https'
			ports = [listener.getsockname()[:2] for listener in listeners]
			await announce(list(dict.fromkeys(url_of(*port, scheme=scheme) for port in ports)), token, serving)
			await meanwhile(runner, serving.grace)
		finally:
			await runner.cleanup()


@contextlib.contextmanager
def needing_folders() -> Iterator[None]:
	"""What the system says about folders and files becomes `CannotStart`."""
	try:
		yield
	except OSError as error:
		raise CannotStart(f'The server cannot start: {error}.') from error


def guard(settings: Settings, serving: Serving) -> tuple[Auth | None, str]:
	"""Who is asked for a token: everybody, if there is one or other machines can come; nobody with `insecure`.

	Gives the token too if it was made just now, and so must be told.
	"""
	if serving.insecure:
		return None, ''
	auth = Auth(settings.data_folder)
	if auth.tokens.all():
		return auth, ''
	return (auth, auth.tokens.new(FIRST_TOKEN)) if reachable(serving.hosts) else (None, '')


async def announce(urls: list[str], token: str, serving: Serving) -> None:
	"""Say where the server is. No log lines: they are what the user waits for, what a script reads, and a secret."""
	for url in urls:
		print(f'Lumengraph is at {url}', flush=True)  # noqa: T201
	login = f'{urls[0]}{LOGIN}?token={token}' if token else ''
	if login:
		print(f'Other machines can reach it, so it asks for a token. Log in at {login}', flush=True)  # noqa: T201
		print('The token is not shown again; `python main.py token new NAME` makes another.', flush=True)  # noqa: T201
	if serving.open_browser:
		import webbrowser

		await asyncio.to_thread(webbrowser.open, login or urls[0])


def certificate_of(serving: Serving) -> ssl.SSLContext | None:
	"""What TLS needs, if it is wanted. Raises `BadCertificate`."""
	if serving.certificate is None:
		return None
	context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
	try:
		context.load_cert_chain(serving.certificate, serving.certificate_key)
	except OSError as error:
		raise BadCertificate(f'The certificate {serving.certificate} cannot be used: {error}.') from error
	return context


async def asked_to_end(runner: web.AppRunner, grace: float) -> None:
	"""Wait for SIGTERM or Ctrl-C; then take no more connections, and give what runs a while. A second one ends that."""
	asked, hurried = asyncio.Event(), asyncio.Event()
	loop = asyncio.get_running_loop()
	for number in (signal.SIGINT, signal.SIGTERM):
		# Where the loop cannot watch signals (Windows), Ctrl-C ends the run as an exception instead.
		with contextlib.suppress(NotImplementedError):
			loop.add_signal_handler(number, lambda: (hurried if asked.is_set() else asked).set())
	await asked.wait()
	for site in tuple(runner.sites):
		await site.stop()
	waiting = {asyncio.create_task(hurried.wait()), asyncio.create_task(runner.app[SUPERVISOR].stop(grace))}
	try:
		await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
	finally:
		for task in waiting:
			task.cancel()
