"""The worker process: `python -m engine.worker --port N --pack nodes`.

Its main thread runs jobs; a second thread hears the server, so that an interrupt arrives while a node is computing.
Started and watched by `engine.supervisor`; when the server goes away, so does the worker.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import socket
import sys
import threading
from importlib.metadata import PackageNotFoundError, version

from pydantic import ValidationError

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.events import AnyEvent
from engine.formats.prompt import read_prompt
from engine.graph import NodeId
from engine.runner import Runner
from engine.settings import Settings
from engine.wire import Described, Free, Happened, Interrupt, Message, Ready, RunJob, Stop, to_worker

log = logging.getLogger(__name__)
LEAVE_SECONDS = 3.0
LIBRARIES = ('torch', 'diffusers', 'transformers')


class WorkerProcess:
	"""One connection to the server, and the runner that does its jobs."""

	def __init__(self, connection: socket.socket, settings: Settings, pack: str) -> None:
		self._connection = connection
		self._sending = threading.Lock()
		self._waiting: queue.Queue[RunJob | Free | None] = queue.Queue()
		self._lock = threading.Lock()
		self._current: tuple[str, CancelToken] | None = None
		self._interrupted: set[str] = set()
		self._ended = threading.Event()
		self._runner = Runner(settings, self._publish, pack=pack)

	def work(self) -> None:
		"""Describe, warm up, then run jobs until the server says stop or goes away."""
		threading.Thread(target=self._hear, name='control', daemon=True).start()
		self._send(
			Described(
				nodes=self._runner.nodes,
				model_folders=dict(self._runner.kit.catalogue.places),
			)
		)
		self._runner.warm()
		self._tell_devices()
		while (message := self._waiting.get()) is not None:
			if isinstance(message, Free):
				self._free(message)
			else:
				self._run(message)
		self._ended.set()

	def _run(self, message: RunJob) -> None:
		cancel = CancelToken()
		with self._lock:
			self._current = (message.job, cancel)
			if message.job in self._interrupted:
				cancel.cancel()
			self._interrupted.clear()
		job = JobInfo(message.job, message.original, message.extra_pnginfo, message.previews)
		try:
			self._runner.run(
				read_prompt(message.prompt), tuple(NodeId(target) for target in message.targets), job, cancel
			)
		finally:
			with self._lock:
				self._current = None

	def _free(self, message: Free) -> None:
		if message.models:
			self._runner.models.unload()
		if message.cache:
			self._runner.cache.clear()

	def _hear(self) -> None:
		with self._connection.makefile('rb') as stream:
			for line in stream:
				try:
					message = to_worker.validate_json(line)
				except ValidationError:
					log.exception('The server sent something that is no message.')
					break
				if isinstance(message, Interrupt):
					self._interrupt(message.job)
				elif isinstance(message, Stop):
					break
				else:
					self._waiting.put(message)
		self._leave()

	def _leave(self) -> None:
		"""The server has gone, or wants us gone: let the running node end, but do not wait for one that does not."""
		with self._lock:
			if self._current is not None:
				self._current[1].cancel()
		self._waiting.put(None)
		if not self._ended.wait(LEAVE_SECONDS):
			os._exit(0)

	def _interrupt(self, job: str) -> None:
		with self._lock:
			if self._current is not None and self._current[0] == job:
				self._current[1].cancel()
			else:
				# The job is on its way here: it is stopped when it begins.
				self._interrupted.add(job)

	def _tell_devices(self) -> None:
		from engine.devices import find_devices

		versions = {}
		for library in LIBRARIES:
			try:
				versions[library] = version(library)
			except PackageNotFoundError:
				continue
		self._send(Ready(devices=find_devices(), versions=versions))

	def _publish(self, event: AnyEvent) -> None:
		self._send(Happened(event=event))

	def _send(self, message: Message) -> None:
		data = message.model_dump_json().encode() + b'\n'
		with self._sending:
			try:
				self._connection.sendall(data)
			except OSError:
				# The server is gone; the control thread sees it too and ends the process.
				log.warning('The server no longer listens.')


def main() -> None:
	"""Connect to the server that started this process, and work."""
	parser = argparse.ArgumentParser(prog='python -m engine.worker')
	parser.add_argument('--port', type=int, required=True)
	parser.add_argument('--pack', default='nodes')
	arguments = parser.parse_args()
	logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s: %(message)s', stream=sys.stderr)
	# Ctrl-C in a terminal reaches the whole group; it is the server that says when to end.
	signal.signal(signal.SIGINT, signal.SIG_IGN)
	# Bytes, whatever encoding this system's terminals have.
	token = sys.stdin.buffer.readline()
	settings = Settings.model_validate_json(sys.stdin.buffer.readline())
	with socket.create_connection(('127.0.0.1', arguments.port)) as connection:
		connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		connection.sendall(token)
		WorkerProcess(connection, settings, arguments.pack).work()


if __name__ == '__main__':
	main()
