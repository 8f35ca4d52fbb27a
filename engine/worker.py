"""The worker process: `python -m engine.worker --port N --pack nodes --notes FILE --device cpu`.

Its main thread runs jobs; a second thread hears the server, so that an interrupt arrives while a node is computing; a
third sends (`engine.courier`). Started and watched by `engine.process`; when the server goes away, so does the worker.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ValidationError

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.courier import Courier
from engine.declaration import NodeInfo
from engine.errors import EngineError
from engine.events import AnyEvent, GraphExpanded, JobFinished, NodeFinished, NodeStarted, NodeWaits
from engine.formats.prompt import read_object, read_prompt
from engine.graph import Graph, NodeId
from engine.graphics import may_have_gpu
from engine.kernel import end_with_parent, go_first
from engine.modelreport import report
from engine.models import CPU, Place
from engine.notes import Notes
from engine.runner import Runner, tune_collector
from engine.settings import Settings
from engine.spec import ValidationRequest
from engine.wire import (
	AskForecast,
	AskModels,
	CancelLoad,
	Describe,
	Described,
	Forecasted,
	Free,
	Interrupt,
	ModelsTold,
	Ready,
	RunJob,
	Stop,
	Unload,
	Validate,
	Validated,
	to_worker,
)

log = logging.getLogger(__name__)
LEAVE_SECONDS = 3.0
SWITCH_SECONDS = 0.001
LIBRARIES = ('torch', 'diffusers', 'transformers')


class Worker:
	"""One connection to the server, and the runner that does its jobs. Without a `device` it looks which there are."""

	def __init__(
		self, connection: socket.socket, settings: Settings, pack: str, notes: Notes, *, device: str = ''
	) -> None:
		self._connection = connection
		self._courier = Courier(connection)
		self._notes = notes
		self._at_work: dict[str, str] = {}
		self._device = device
		self._waiting: queue.Queue[RunJob | Free | None] = queue.Queue()
		self._lock = threading.Lock()
		self._current: tuple[str, CancelToken] | None = None
		self._interrupted: set[str] = set()
		self._ended = threading.Event()
		self._on_cpu = settings.cpu or not may_have_gpu()
		self._runner = Runner(settings, self._publish, pack=pack, place=self._found())

	def work(self) -> None:
		"""Describe, warm up, then run jobs until the server says stop or goes away."""
		threading.Thread(target=self._hear, name='control', daemon=True).start()
		self._courier.send(self._described(self._runner.nodes))
		self._runner.warm()
		self._courier.send(self._ready())
		# What is imported stays: the garbage collector need not look through it again, which takes a tenth of a second.
		tune_collector()
		while (message := self._waiting.get()) is not None:
			if isinstance(message, Free):
				self._free(message)
			else:
				self._run(message)
		self._courier.close()
		self._runner.close()
		self._ended.set()

	def _described(self, nodes: tuple[NodeInfo, ...]) -> Described:
		return Described(
			nodes=nodes,
			packs=self._runner.packs,
			marks=tuple(self._runner.kit.marks),
			model_folders=dict(self._runner.kit.catalogue.places),
		)

	def _run(self, message: RunJob) -> None:
		cancel = CancelToken()
		self._notes.write(message.job, '', '')
		with self._lock:
			self._current = (message.job, cancel)
			if message.job in self._interrupted:
				cancel.cancel()
			self._interrupted.clear()
		extra_pnginfo = read_object(message.extra_pnginfo)
		job = JobInfo(message.job, message.prompt, extra_pnginfo, message.previews, message.secrets)
		try:
			self._runner.run(graph_of(message.prompt), tuple(NodeId(target) for target in message.targets), job, cancel)
		finally:
			with self._lock:
				self._current = None

	def _free(self, message: Free) -> None:
		if message.models:
			self._runner.models.unload()
		if message.cache:
			self._runner.cache.clear()

	def _hear(self) -> None:
		# A server that is killed with words of ours unread resets the connection.
		with suppress(ConnectionError), self._connection.makefile('rb') as stream:
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
				elif isinstance(message, Validate):
					aside(partial(self._validate, message))
				elif isinstance(message, Describe):
					aside(self._describe)
				elif isinstance(message, AskForecast):
					aside(partial(self._forecast, message))
				elif isinstance(message, AskModels | CancelLoad | Unload):
					aside(partial(self._tell_models, message))
				else:
					self._waiting.put(message)
		self._leave()

	def _validate(self, message: Validate) -> None:
		requests = [
			ValidationRequest(NodeId(asked.node), asked.kind, asked.constants, asked.links)
			for asked in message.questions
		]
		refusals = self._runner.validate(requests)
		self._courier.send(Validated(id=message.id, refusals={str(node): reason for node, reason in refusals.items()}))

	def _forecast(self, message: AskForecast) -> None:
		forecast = outlook = None
		try:
			graph, sinks = graph_of(message.prompt), [NodeId(sink) for sink in message.sinks]
			forecast = self._runner.forecast(graph, sinks)
			outlook = self._runner.outlook(graph, sinks)
		except EngineError:
			pass  # A node refuses its values in the plan: the run will tell.
		except Exception:
			log.exception('What a graph will need could not be told.')
		self._courier.send(Forecasted(id=message.id, forecast=forecast, outlook=outlook))

	def _tell_models(self, message: AskModels | CancelLoad | Unload) -> None:
		store = self._runner.models
		found, freed = False, 0
		match message:
			case CancelLoad():
				found = store.cancel_load(message.load, message.reason)
			case Unload():
				freed = store.unload(message.resident)
		self._courier.send(ModelsTold(id=message.id, models=report(store), found=found, freed=freed))

	def _describe(self) -> None:
		self._courier.send(self._described(self._runner.described()))

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

	def _found(self) -> Place:
		"""Where to compute. torch is asked only where its answer may be another than the CPU."""
		if self._device or self._on_cpu:
			return Place(self._device) if self._device else CPU
		from engine.devices import used_devices

		return Place(used_devices()[0])

	def _ready(self) -> Ready:
		versions = {}
		for library in LIBRARIES:
			try:
				versions[library] = version(library)
			except PackageNotFoundError:
				continue
		if self._device:
			return Ready(device=self._device, versions=versions)
		from engine.devices import find_devices, used_devices

		used = used_devices(cpu=self._on_cpu)
		return Ready(device=used[0], devices=find_devices(), used=used, versions=versions)

	def _publish(self, event: AnyEvent) -> None:
		match event:
			case NodeStarted():
				self._at_work[event.node] = event.kind
				self._notes.write(event.job, event.node, event.kind)
			case NodeFinished() | NodeWaits() | GraphExpanded():
				# One that began before it may still be at work.
				if self._at_work.pop(event.node, None) is not None:
					node = next(reversed(self._at_work), '')
					self._notes.write(event.job, node, self._at_work.get(node, ''))
			case JobFinished():
				self._at_work.clear()
				self._notes.clear()
		self._courier.tell(event)


def aside(call: Callable[[], None]) -> None:
	"""Answer in a thread of its own: nodes are asked, and they may be slow."""
	threading.Thread(target=call, name='aside', daemon=True).start()


@lru_cache(maxsize=8)
def graph_of(text: str) -> Graph:
	"""The graph of a prompt in JSON; people mostly run again what they have just run."""
	return read_prompt(read_object(text))


def leave_signals_to_server() -> None:
	"""Do nothing when all processes are asked to end: it is the server that says when. What nodes start does end."""

	def set_handlers(handler: Callable[[int, object], None] | signal.Handlers) -> None:
		for number in (signal.SIGINT, signal.SIGTERM):
			signal.signal(number, handler)

	# Not SIG_IGN: other programs would inherit that.
	set_handlers(lambda *_: None)
	if hasattr(os, 'register_at_fork'):
		os.register_at_fork(after_in_child=lambda: set_handlers(signal.SIG_DFL))


def tidy_output() -> None:
	"""Let what is written arrive line by line, as UTF-8, and a crash in native code tell where Python was."""
	for stream in (sys.stdout, sys.stderr):
		if isinstance(stream, io.TextIOWrapper):
			stream.reconfigure(encoding='utf-8', errors='backslashreplace', line_buffering=True)
	faulthandler.enable(all_threads=False)


def main() -> None:
	"""Connect to the server that started this process, and work."""
	parser = argparse.ArgumentParser(prog='python -m engine.worker')
	parser.add_argument('--port', type=int, required=True)
	parser.add_argument('--pack', default='nodes')
	parser.add_argument('--notes', type=Path, required=True, help='where to note which node is running')
	parser.add_argument('--device', default='', help='what to compute on; looked for if it is not told')
	arguments = parser.parse_args()
	end_with_parent()
	go_first()
	tidy_output()
	logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s: %(message)s', stream=sys.stderr)
	leave_signals_to_server()
	# So that the sending thread gets its turn beside a node that computes in Python.
	sys.setswitchinterval(SWITCH_SECONDS)
	# Bytes, whatever encoding this system's terminals have.
	token = sys.stdin.buffer.readline()
	settings = Settings.model_validate_json(sys.stdin.buffer.readline())
	notes = Notes(arguments.notes)  # before the server hears of us: it removes the file then
	with socket.create_connection(('127.0.0.1', arguments.port)) as connection:
		connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		connection.sendall(token)
		Worker(connection, settings, arguments.pack, notes, device=arguments.device).work()


if __name__ == '__main__':
	main()
