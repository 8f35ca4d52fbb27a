"""What the seats of workers have in common, and what is told of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from engine.causes import Cause
from engine.queue import JobQueue
from engine.running import WakingClock
from engine.settings import Settings
from engine.wire import Described, Ready

State = Literal['starting', 'idle', 'busy', 'stopping']


@dataclass(frozen=True)
class WorkerSnapshot:
	"""How a worker is doing.

	`seconds` is for how long its node has been at work; `jobs` are those that this process has done, `restarts` counts the
	processes that were here before it.
	"""

	name: str
	device: str
	state: State
	pid: int | None
	job: str | None
	node: str | None
	kind: str
	seconds: float
	jobs: int
	restarts: int


@dataclass(frozen=True)
class Office:
	"""Settings, queue and clock of all seats, and whom they tell what happens.

	`limit_of` gives the seconds that a kind of node may take. `rested` is called when a worker may be idle, `ended` with
	the cause of each end, `wrote` with lines that a worker has written. `rests` counts how often some worker came to rest.
	"""

	settings: Settings
	pack: str
	queue: JobQueue
	clock: WakingClock
	limit_of: Callable[[str], float | None]
	described: Callable[[Described], None]
	ready: Callable[[Ready], None]
	rested: Callable[[], None]
	ended: Callable[[Cause], None]
	wrote: Callable[[str, list[str]], None]
	rests: Iterator[int] = field(default_factory=itertools.count)
