"""`lumengraph serve`: the server from its first second to its last."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys

from aiohttp import web

from engine.errors import EngineError
from engine.settings import Settings
from server.access import is_loopback
from server.app import build_app

STOP_SECONDS = 5.0


class CannotListen(EngineError):
	"""The address is taken, not ours, or not safe to listen at."""


def serve(settings: Settings, *, host: str, port: int, insecure: bool = False, pack: str = 'nodes') -> int:
	"""Serve until the process is asked to end; gives the exit code.

	Raises `CannotListen`. Since there is no authentication, another address than this machine's own needs `insecure`.
	"""
	if not insecure and not is_loopback(host):
		raise CannotListen(
			f'{host} can be reached from other machines, and whoever reaches the server can use it. '
			'Add --insecure if that is meant.'
		)
	logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s: %(message)s', stream=sys.stderr)
	logging.getLogger('aiohttp.access').setLevel(logging.WARNING)
	asyncio.run(_serve(settings, host, port, pack))
	return 0


async def _serve(settings: Settings, host: str, port: int, pack: str) -> None:
	# The address first: a second server must not touch the first one's files.
	with listening(host, port) as listener:
		runner = web.AppRunner(build_app(settings, host=host, pack=pack), shutdown_timeout=STOP_SECONDS)
		try:
			await runner.setup()
			await web.SockSite(runner, listener).start()
			# What is imported stays: the garbage collector need not look through it while jobs are told.
			gc.freeze()
			shown = f'[{host}]' if ':' in host else host
			# Not a log line: it is what the user waits for, and what a script reads.
			print(f'Lumengraph is at http://{shown}:{listener.getsockname()[1]}', flush=True)  # noqa: T201
			await _asked_to_end()
		finally:
			await runner.cleanup()


def listening(host: str, port: int) -> socket.socket:
	"""A socket that listens at the address, or `CannotListen`."""
	try:
		return socket.create_server((host, port), family=socket.AF_INET6 if ':' in host else socket.AF_INET)
	except OSError as error:
		reason = os.strerror(error.errno) if error.errno is not None else str(error)
		hint = ' Is it running already? --port chooses another.' if error.errno == errno.EADDRINUSE else ''
		raise CannotListen(f'Cannot listen at {host}:{port}: {reason}.{hint}') from error


async def _asked_to_end() -> None:
	ended = asyncio.Event()
	loop = asyncio.get_running_loop()
	for number in (signal.SIGINT, signal.SIGTERM):
		# Where the loop cannot watch signals (Windows), Ctrl-C ends the run as an exception instead.
		with contextlib.suppress(NotImplementedError):
			loop.add_signal_handler(number, ended.set)
	await ended.wait()
