"""What `lumengraph run` tells programs: the lines of `--json`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from engine.events import Event, Failure, JobFinished, Why
from engine.jobs import PASSING
from engine.record import RunRecord
from server.cli_codes import BAD_INPUT, FAILED, INTERRUPTED, OK
from server.schemas.stream import EventMessage

State = Literal['succeeded', 'failed', 'cancelled']


class NodeReport(BaseModel):
	"""What became of one node."""

	node: str
	kind: str
	cached: bool
	seconds: float
	why: Why | None


class FileReport(BaseModel):
	"""A file that a node saved."""

	node: str
	path: Path


class RunOutcome(BaseModel):
	"""One run. `seeds` are those that it ran with, by NODE.INPUT; `record` what else it ran with.

	`nodes` are those that were told of, as they were done; `cached` all whose results were in the cache.
	"""

	job: str
	state: State
	seconds: float
	seeds: dict[str, int]
	nodes: list[NodeReport]
	cached: list[str] = Field(default_factory=list)
	files: list[FileReport]
	failure: Failure | None = None
	record: RunRecord | None = None


class RunReport(BaseModel):
	"""All runs together: `state` is that of the last one, since runs end with the first that does not succeed."""

	state: State
	seconds: float
	files: list[FileReport]
	runs: list[RunOutcome]


class ResultLine(BaseModel):
	"""The last line that `--json` prints."""

	result: RunReport


class Lines:
	"""Prints events as JSON lines: each an `EventMessage`, as `/v1/events` sends them."""

	def __init__(self) -> None:
		self._number = 0

	def hear(self, event: Event) -> None:
		"""Print an event of this process; what a history keeps gets the next number."""
		if not isinstance(event, PASSING):
			self._number += 1
		self.tell(EventMessage.model_validate({'number': self._number, 'event': event}))

	@staticmethod
	def tell(message: EventMessage) -> None:
		"""Print a message that a server sent."""
		print(message.model_dump_json(), flush=True)


def exit_code(outcome: JobFinished | RunOutcome) -> int:
	"""0, 2 when a node refused what it was given, 1 when it broke, 130 when somebody stopped it."""
	if outcome.state == 'cancelled':
		return INTERRUPTED
	if outcome.failure is None:
		return OK
	return BAD_INPUT if outcome.failure.exception_type.startswith('engine.errors.') else FAILED


def report_of(runs: list[RunOutcome], seconds: float) -> RunReport:
	"""The runs as a whole; there is one at least."""
	return RunReport(
		state=runs[-1].state,
		seconds=round(seconds, 3),
		files=[file for run in runs for file in run.files],
		runs=runs,
	)
