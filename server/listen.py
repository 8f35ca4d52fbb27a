"""Addresses to listen at, and how they are called."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from engine.errors import EngineError
from server.hosts import is_loopback

EVERYWHERE = ('0.0.0.0', '::')  # noqa: S104 - names of what is listened at only if it is asked for
NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class CannotListen(EngineError):
	"""The address is taken, or not ours."""


@contextmanager
def listening(hosts: Sequence[str], port: int) -> Iterator[tuple[socket.socket, ...]]:
	"""Sockets that listen at the addresses, all at one port; `CannotListen` if one cannot be had.

	A machine that knows one kind of addresses only may still be told to listen everywhere.
	"""
	with ExitStack() as opened:
		listeners: list[socket.socket] = []
		for host in hosts:
			# Any free port, once it is found, is the port of all.
			wanted = listeners[0].getsockname()[1] if listeners else port
			try:
				listeners.append(opened.enter_context(_open(host, wanted)))
			except OSError as error:
				if error.errno in NO_SUCH_FAMILY and host in EVERYWHERE and len(hosts) > 1:
					continue
				raise _reason(host, wanted, error) from error
		if not listeners:
			raise CannotListen('No address to listen at is named.')
		yield tuple(listeners)


def reachable(hosts: Sequence[str]) -> bool:
	"""Whether other machines can reach one of the addresses."""
	return not all(is_loopback(host) for host in hosts)


def url_of(host: str, port: int, *, scheme: str = 'http') -> str:
	"""Where a browser on this machine finds the server."""
	shown = 'localhost' if host in EVERYWHERE else f'[{host}]' if ':' in host else host
	return f'{scheme}://{shown}:{port}'


def _open(host: str, port: int) -> socket.socket:
	return socket.create_server((host, port), family=socket.AF_INET6 if ':' in host else socket.AF_INET)


def _reason(host: str, port: int, error: OSError) -> CannotListen:
	reason = os.strerror(error.errno) if error.errno is not None else str(error)
	hint = ' Is it running already? --port chooses another.' if error.errno == errno.EADDRINUSE else ''
	return CannotListen(f'Cannot listen at {host}:{port}: {reason}.{hint}')
