"""One load of a model: it runs in a thread of its own, for whoever waits for it.

So it goes on while anybody still wants it, ends when nobody does, and whoever gives up waiting is gone at once, though
the load may need a moment to notice. What a failed load has read is let go of with its error.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from engine.cancel import CancelToken
from engine.errors import ModelLoadCancelled
from engine.events import LoadState
from engine.models import ModelRef, Phase, Place

log = logging.getLogger(__name__)
TELL_SECONDS = 0.1
UNWANTED = 'nobody waits for it any more'
CALLED_OFF = 'it was called off'


@dataclass(frozen=True)
class LoadStep:
	"""How far a load has come; `name` is the model's file, `done` and `total` are bytes (0: unknown)."""

	id: str
	ref: ModelRef[Any]
	name: str
	place: Place
	phase: Phase
	done: int = 0
	total: int = 0
	state: LoadState = 'loading'


Watch = Callable[[LoadStep], None]


class LoadToken(CancelToken):
	"""The cancel token of a load. It can be told why."""

	def __init__(self, id: str) -> None:
		super().__init__()
		self.id = id
		self.reason = ''

	def stop(self, reason: str) -> None:
		"""Ask for the stop."""
		if not self.cancelled:
			self.reason = reason
		self.cancel()

	def check(self) -> None:
		"""Raise `ModelLoadCancelled` if a stop has been asked for."""
		if self.cancelled:
			raise ModelLoadCancelled(self.id, self.reason)


@dataclass(eq=False)
class Asker:
	"""Somebody who wants a model: their token, who is told how a load comes on, and what there is to know of the weights."""

	cancel: CancelToken
	watch: Watch = lambda step: None
	note: Callable[[str], None] = lambda text: None


@dataclass(eq=False)
class Loading:
	"""A load that runs, and who waits for it. Guarded by the store's lock, but for `tell`."""

	ref: ModelRef[Any]
	place: Place
	id: str = field(default_factory=lambda: secrets.token_hex(8))
	askers: list[Asker] = field(default_factory=list)
	error: BaseException | None = None
	name: str = ''
	phase: Phase = 'initialization'
	done: int = 0
	total: int = 0
	began: float = field(default_factory=time.monotonic)
	over: bool = False
	_told: float = 0.0

	def __post_init__(self) -> None:
		self.token = LoadToken(self.id)
		self._traceback: TracebackType | None = None

	def start(self, work: Callable[[], None]) -> None:
		"""Run in a thread of its own."""
		threading.Thread(target=work, name=f'load {self.id}', daemon=True).start()

	def tell(self, phase: Phase, done: int = 0, total: int = 0, state: LoadState = 'loading') -> None:
		"""Tell those who wait how far it has come: each phase and its end, and not too often between."""
		now = time.monotonic()
		same = phase == self.phase and state == 'loading' and done and (not total or done < total)
		self.phase, self.done, self.total = phase, done, total
		if same and now - self._told < TELL_SECONDS:
			return
		self._told = now
		self.pass_on(LoadStep(self.id, self.ref, self.name, self.place, phase, done, total, state))

	def end(self, state: LoadState) -> None:
		"""Tell, and log, how it ended."""
		self.tell(self.phase, self.done, self.total, state)
		seconds = time.monotonic() - self.began
		log.info('Loading %s of %s for %s: %s after %.2f s.', self.ref.part, self.name, self.place, state, seconds)

	def pass_on(self, step: LoadStep) -> None:
		"""Tell a step, of this load or of another that it needs."""
		for asker in tuple(self.askers):
			asker.watch(step)

	def fail(self, error: BaseException) -> None:
		"""Keep an error for those who wait, but nothing of what was read when it came."""
		told: BaseException | None = error
		while told is not None:
			traceback.clear_frames(told.__traceback__)
			told = told.__cause__ or told.__context__
		self.error, self._traceback = error, error.__traceback__

	def check(self) -> None:
		"""Raise what the load has failed with. Raises `ModelLoadCancelled` as soon as its stop is asked for."""
		self.token.check()
		if self.error is not None:
			# Each who waits raises it: what the others added to it is taken off.
			raise self.error.with_traceback(self._traceback)
