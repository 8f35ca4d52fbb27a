"""One worker process as the server sees it: spawned, connected, listened to, and ended.

The two talk over a loopback socket: a line of JSON is a message (`engine.wire`). The worker proves itself with a token
that it gets on its standard input. When the connection ends, so does the worker. What it writes comes through a pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from engine.causes import Cause, describe_exit
from engine.notes import Notes
from engine.output import KEPT_LINES, LineCutter
from engine.settings import PROJECT, Settings
from engine.wire import Heard, Message, Stop, from_worker

log = logging.getLogger(__name__)

LINE_LIMIT = 2**28
CONNECT_SECONDS = 120.0
STOP_SECONDS = 5.0
DRAIN_SECONDS = 1.0
KILL_SECONDS = 10.0


class WorkerProcess:
	"""From its spawning to its end, which `run` waits for. `heard` gets its messages, `wrote` the lines it writes.

	`cause` and `reason` tell afterwards why it ended, `log` what it last wrote. All methods belong to the event loop's
	thread.
	"""

	def __init__(
		self,
		settings: Settings,
		pack: str,
		device: str,
		*,
		heard: Callable[[Heard], None],
		wrote: Callable[[list[str]], None],
	) -> None:
		self._settings = settings
		self._pack = pack
		self._device = device
		self._heard = heard
		self._wrote = wrote
		self._token = secrets.token_hex(16)
		self._notes: Notes | None = None
		self._pipes: _Pipes | None = None
		self._transport: asyncio.SubprocessTransport | None = None
		self._writer: asyncio.StreamWriter | None = None
		self._reader: asyncio.StreamReader | None = None
		self._door = contextlib.ExitStack()
		self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
		self.log: deque[str] = deque(maxlen=KEPT_LINES)
		self.cause: Cause | None = None
		self.reason = ''

	@property
	def pid(self) -> int | None:
		"""Its process id while it lives."""
		if self._transport is None or self._transport.get_returncode() is not None:
			return None
		return self._transport.get_pid()

	@property
	def connected(self) -> bool:
		"""Whether messages reach it."""
		return self._writer is not None and not self._writer.is_closing()

	def last_node(self) -> tuple[str, str, str] | None:
		"""Job, node and kind of what it was doing when it ended; the last events die with a process, its notes do not."""
		return None if self._notes is None else self._notes.read()

	def send(self, message: Message) -> None:
		"""Send a message, if it is connected. `ValueError` if the message cannot be written."""
		if self._writer is not None and not self._writer.is_closing():
			self._writer.write(message.model_dump_json().encode() + b'\n')

	def kill(self, cause: Cause, reason: str) -> None:
		"""End it by force, with all that it has started; the first reason counts."""
		if self.pid is not None:
			self._blame(cause, reason)
			self._kill()

	async def end(self, cause: Cause, reason: str) -> None:
		"""End it kindly, and by force if that takes too long."""
		self._blame(cause, reason)
		if self._pipes is None or self.pid is None:
			return  # It has ended; or it ends as soon as it is spawned.
		if not self.connected:
			self._kill()  # It never came so far as to hear that it should end.
		self.send(Stop())
		if not await _within(STOP_SECONDS, self._pipes.exited):
			self._kill()
			await _within(KILL_SECONDS, self._pipes.exited)

	async def run(self) -> None:
		"""Spawn it, and listen to it until it has ended."""
		server = await asyncio.start_server(self._arrive, '127.0.0.1', 0, limit=LINE_LIMIT)
		folder = tempfile.TemporaryDirectory(prefix='lumengraph-', ignore_cleanup_errors=True)
		# Both are of no use once it has come in; so nothing is left lying if this process is killed.
		self._door.callback(server.close)
		self._door.callback(folder.cleanup)
		try:
			notes = Path(folder.name) / 'notes'
			self._notes = Notes(notes)
			self._pipes = await self._spawn(server.sockets[0].getsockname()[1], notes)
			if self.cause is not None:
				self._kill()  # Nobody wants it any more.
			try:
				await self._listen(self._pipes.exited)
			except BaseException:
				self.kill('unreachable', 'The worker process could not be listened to.')
				raise
			finally:
				await self._see_out(self._pipes)
		finally:
			self._close()
			self._door.close()
			folder.cleanup()  # Where files in use cannot be removed, only now.

	async def _see_out(self, pipes: _Pipes) -> None:
		"""Wait until it has ended and all that it wrote is here."""
		if not await _within(STOP_SECONDS, pipes.exited):
			# It closed its connection, or never opened one, and goes on all the same.
			self.kill('unreachable', 'The worker process could not be reached any more.')
		if not await _within(KILL_SECONDS, pipes.exited):
			log.error('The worker process %s cannot be ended.', self.pid)
		self._kill()  # What it has started may live on.
		await _within(DRAIN_SECONDS, pipes.drained)

	async def _spawn(self, port: int, notes: Path) -> _Pipes:
		# The same engine as here, whatever folder the program was started from.
		search = (str(PROJECT), os.environ.get('PYTHONPATH', ''))
		options = ('--port', str(port), '--pack', self._pack, '--notes', str(notes))
		transport, pipes = await asyncio.get_running_loop().subprocess_exec(
			lambda: _Pipes(self._written),
			*(sys.executable, '-P', '-m', 'engine.worker', *options),
			*(('--device', self._device) if self._device else ()),
			stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT,
			# A group of its own, so that it can be ended with all that it has started.
			start_new_session=True,
			env={
				**threads_of(self._settings.workers),
				**os.environ,
				'PYTHONPATH': os.pathsep.join(path for path in search if path),
			},
		)
		self._transport = transport
		stdin = transport.get_pipe_transport(0)
		if isinstance(stdin, asyncio.WriteTransport):
			stdin.write(f'{self._token}\n{self._settings.model_dump_json()}\n'.encode())
			stdin.write_eof()
		return pipes

	async def _arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
		try:
			token = await reader.readexactly(len(self._token) + 1)
		except (asyncio.IncompleteReadError, ConnectionError):
			token = b''
		if self._connected.done() or not secrets.compare_digest(token, f'{self._token}\n'.encode()):
			writer.close()
			return
		self._reader, self._writer = reader, writer
		self._connected.set_result(None)
		self._door.close()

	async def _listen(self, exited: asyncio.Future[None]) -> None:
		"""Hear it out, until its connection ends, or it does."""
		await asyncio.wait({self._connected, exited}, timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
		if self._reader is None:
			self._connected.cancel()
			return
		hearing = asyncio.create_task(self._hear(self._reader))
		try:
			await asyncio.wait({hearing, exited}, return_when=asyncio.FIRST_COMPLETED)
			# What it has started may hold the connection open, so its end is not waited for.
			await asyncio.wait({hearing}, timeout=DRAIN_SECONDS)
			if hearing.done():
				await hearing
		finally:
			hearing.cancel()

	async def _hear(self, reader: asyncio.StreamReader) -> None:
		while True:
			try:
				line = await reader.readline()
				if not line:
					return
				message = from_worker.validate_json(line)
			except ValidationError:
				log.exception('The worker sent something that is no message.')
				return
			except (ConnectionError, ValueError) as error:
				log.error('The connection to the worker broke: %s', error)
				return
			self._heard(message)

	def _written(self, lines: list[str]) -> None:
		self.log.extend(lines)
		self._wrote(lines)

	def _blame(self, cause: Cause, reason: str) -> None:
		if self.cause is None:
			self.cause, self.reason = cause, reason

	def _kill(self) -> None:
		"""Kill the process and its group."""
		if self._transport is None:
			return
		if sys.platform == 'win32':
			with contextlib.suppress(ProcessLookupError):
				self._transport.kill()
			return
		with contextlib.suppress(ProcessLookupError, PermissionError):
			os.killpg(self._transport.get_pid(), signal.SIGKILL)

	def _close(self) -> None:
		if self._writer is not None:
			self._writer.close()
		code = None
		if self._transport is not None:
			code = self._transport.get_returncode()
			self._transport.close()
		self._blame('signalled' if code is not None and code < 0 else 'exited', describe_exit(code))


def threads_of(workers: int) -> dict[str, str]:
	"""What keeps several workers from computing with all cores each; who sets it himself knows better."""
	return {'OMP_NUM_THREADS': str(max(1, (os.cpu_count() or 1) // workers))} if workers > 1 else {}


class _Pipes(asyncio.SubprocessProtocol):
	"""Hears what the process writes, and that it has ended: the one does not wait for the other."""

	def __init__(self, written: Callable[[list[str]], None]) -> None:
		loop = asyncio.get_running_loop()
		self.exited: asyncio.Future[None] = loop.create_future()
		self.drained: asyncio.Future[None] = loop.create_future()
		self._written = written
		self._cutter = LineCutter()

	def pipe_data_received(self, fd: int, data: bytes) -> None:
		lines = self._cutter.feed(data)
		if lines:
			self._written(lines)

	def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
		if fd == 1 and not self.drained.done():
			lines = self._cutter.rest()
			if lines:
				self._written(lines)
			self.drained.set_result(None)

	def process_exited(self) -> None:
		if not self.exited.done():
			self.exited.set_result(None)


async def _within(seconds: float, future: asyncio.Future[None]) -> bool:
	"""Wait for something for so long at most; tells whether it came."""
	await asyncio.wait({future}, timeout=seconds)
	return future.done()
