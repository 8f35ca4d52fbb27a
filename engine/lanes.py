"""The threads that steps run in. A lane stands for a resource; steps of different lanes overlap.

The device lane is the thread that runs the job: one step at a time, in order. CPU, disk and network lanes are small
pools. Coroutines of those lanes share one event loop in a thread of its own; those of the device lane have a loop in the
job's thread, which turns between its steps and whenever it has nothing else to do.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor

from engine.declaration import Lane

Begin = Callable[[], Coroutine[object, object, None]]
Start = Callable[[Begin, Callable[[], None]], Callable[[], None]]
"""`start` of either class below."""

WIDTHS: Mapping[Lane, int] = {'device': 1, 'cpu': os.cpu_count() or 1, 'disk': 2, 'network': 8}


class Lanes:
	"""Threads that outlive single runs; made when they are first needed. Used by one run at a time."""

	def __init__(self, widths: Mapping[Lane, int] = WIDTHS) -> None:
		self.widths = widths
		self._pools: dict[Lane, ThreadPoolExecutor] = {}
		self._loop: asyncio.AbstractEventLoop | None = None
		self._thread: threading.Thread | None = None
		self._lock = threading.Lock()

	def submit(self, lane: Lane, call: Callable[[], None]) -> None:
		"""Have a thread of a lane make a call."""
		with self._lock:
			pool = self._pools.get(lane)
			if pool is None:
				pool = self._pools[lane] = ThreadPoolExecutor(self.widths[lane], thread_name_prefix=lane)
		pool.submit(call)

	def start(self, coroutine: Begin, dropped: Callable[[], None]) -> Callable[[], None]:
		"""Begin a coroutine on the shared loop; gives the call that cancels it. It must not raise.

		`dropped` is called if it was cancelled before it could begin.
		"""
		with self._lock:
			if self._loop is None:
				self._loop = asyncio.new_event_loop()
				self._thread = threading.Thread(target=self._loop.run_forever, name='coroutines', daemon=True)
				self._thread.start()
		loop, tasks = self._loop, list[asyncio.Task[None]]()

		def begin() -> None:
			# Not `run_coroutine_threadsafe`: its future counts as cancelled while the coroutine still tidies up.
			task = loop.create_task(coroutine())
			task.add_done_callback(lambda ended: dropped() if ended.cancelled() else None)
			tasks.append(task)

		def cancel() -> None:
			loop.call_soon_threadsafe(lambda: tasks[0].cancel())

		loop.call_soon_threadsafe(begin)

		return cancel

	def close(self) -> None:
		"""End the threads; steps that still run are waited for."""
		for pool in self._pools.values():
			pool.shutdown()
		self._pools.clear()
		if self._loop is not None and self._thread is not None:
			self._loop.call_soon_threadsafe(self._loop.stop)
			self._thread.join()
			self._loop.close()
			self._loop = self._thread = None


class HomeLoop:
	"""The event loop of the thread that runs a job: turned by hand. Made when the first coroutine comes."""

	def __init__(self) -> None:
		self._loop: asyncio.AbstractEventLoop | None = None
		self._tasks: set[asyncio.Task[None]] = set()

	@property
	def busy(self) -> bool:
		"""Whether some coroutine has not ended."""
		return bool(self._tasks)

	def start(self, coroutine: Begin, dropped: Callable[[], None]) -> Callable[[], None]:
		"""Begin a coroutine and let it come to its first wait; gives the call that cancels it, from any thread.

		`dropped` is called if it was cancelled before it could begin.
		"""
		loop = self._loop = self._loop or asyncio.new_event_loop()
		task = loop.create_task(coroutine())
		self._tasks.add(task)
		task.add_done_callback(self._ended)
		task.add_done_callback(lambda ended: dropped() if ended.cancelled() else None)
		self.turn()

		def cancel() -> None:
			loop.call_soon_threadsafe(task.cancel)

		return cancel

	def turn(self) -> None:
		"""Let every coroutine that can go on do so, without waiting."""
		if self._loop is not None:
			self._loop.call_soon(self._loop.stop)
			self._loop.run_forever()

	def wait(self) -> None:
		"""Wait until a coroutine ends or `wake` is called."""
		if self._loop is not None:
			self._loop.run_forever()

	def wake(self) -> None:
		"""End a `wait`; from any thread."""
		if self._loop is not None:
			self._loop.call_soon_threadsafe(self._loop.stop)

	def close(self) -> None:
		"""End what still runs."""
		if self._loop is None:
			return
		for task in tuple(self._tasks):
			task.cancel()
		if self._tasks:
			self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
		self._loop.run_until_complete(self._loop.shutdown_asyncgens())
		self._loop.close()
		self._loop = None

	def _ended(self, task: asyncio.Task[None]) -> None:
		self._tasks.discard(task)
		if self._loop is not None:
			self._loop.stop()
