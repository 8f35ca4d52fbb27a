"""What surrounds a call of a foreign node: torch's inference mode, and what the host's modules need to know of it."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from engine.context import Context, current
from engine.errors import JobCancelled
from nodes.comfy.shims.comfy.model_management import InterruptProcessingException

T = TypeVar('T')
graphs: ContextVar[Iterator[int] | None] = ContextVar('graphs', default=None)
"""Numbers the graphs that the running call builds, so that their nodes' ids follow from the call alone."""


def inference() -> AbstractContextManager[object]:
	"""torch's inference mode, if torch is there already; else nothing needs it."""
	mode = getattr(sys.modules.get('torch'), 'inference_mode', None)
	return nullcontext() if mode is None else mode()


class Scope:
	"""Entered around every piece of one call: it says whose call it is, and turns ComfyUI's interruption into ours."""

	def __init__(self, context: Context) -> None:
		self._context = context
		self._graphs = itertools.count()

	@contextmanager
	def __call__(self) -> Iterator[None]:
		of_node = current.set(self._context)
		of_graphs = graphs.set(self._graphs)
		try:
			with inference():
				yield
		except InterruptProcessingException as stop:
			raise JobCancelled('The job was interrupted.') from stop
		finally:
			graphs.reset(of_graphs)
			current.reset(of_node)


class Stepwise(Generic[T]):
	"""Awaits something with a scope around each of its steps, so that the scope is left while others run."""

	def __init__(self, awaitable: Awaitable[T], scope: Callable[[], AbstractContextManager[object]]) -> None:
		self._awaitable = awaitable
		self._scope = scope

	def __await__(self) -> Generator[Any, Any, T]:
		steps = self._awaitable.__await__()
		sent: Any = None
		thrown: BaseException | None = None
		while True:
			with self._scope():
				try:
					if thrown is not None:
						waits = steps.throw(thrown)
					else:
						waits = next(steps) if sent is None else steps.send(sent)
				except StopIteration as done:
					result: T = done.value
					return result
			sent, thrown = None, None
			try:
				sent = yield waits
			except BaseException as error:
				thrown = error


def run_privately(awaitable: Awaitable[T]) -> T:
	"""Wait for something that is asynchronous where no event loop may be used: on a thread and a loop of its own."""

	async def wait() -> T:
		return await awaitable

	done: list[T] = []
	failed: list[BaseException] = []

	def run() -> None:
		try:
			done.append(asyncio.run(wait()))
		except BaseException as error:
			failed.append(error)

	thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name='comfy-private-loop')
	thread.start()
	thread.join()
	if failed:
		raise failed[0]
	return done[0]
