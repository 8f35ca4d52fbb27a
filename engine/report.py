"""What became of each node of a run, and why: a line of JSON per run, in files beside the cache.

Each process appends to files of its own, so that nobody writes between another's lines; the oldest files are dropped.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from engine.declaration import Model
from engine.events import Why

log = logging.getLogger(__name__)

ENDING = '.jsonl'
KEPT_RUNS = 100
RUNS_A_FILE = 20


@dataclass(slots=True)
class InputTrace:
	"""What an input was given: a constant as text (cut short) with its digest, or a link with its upstream key.

	Nobody changes one, nor a `StepReport`. There is one for each input of a run: frozen, they would be slower to make.
	"""

	constant: str | None = None
	digest: str = ''
	source: str | None = None
	output: int = 0


@dataclass(slots=True)
class StepReport:
	"""One node of a run. `seconds` are those of its last real call, in this run or an earlier one."""

	node: str
	kind: str
	ran: bool
	why: Why
	key: str
	seconds: float = 0.0
	version: str = ''
	fingerprint: str = ''
	inputs: dict[str, InputTrace] = field(default_factory=dict)


class RunReport(Model):
	"""A whole run; steps in the order in which they were done."""

	job: str
	at: float = Field(default_factory=time.time)
	state: Literal['succeeded', 'failed', 'cancelled']
	seconds: float
	steps: tuple[StepReport, ...]


class Reports:
	"""The folder of reports: at least the newest `KEPT_RUNS`."""

	def __init__(self, folder: Path) -> None:
		self._folder = folder
		self._file = folder
		self._saved = 0

	def save(self, report: RunReport) -> None:
		"""Keep a report; trouble with the disk is logged, since the run itself is done."""
		line = report.model_dump_json(exclude_defaults=True).encode() + b'\n'
		try:
			if self._saved % RUNS_A_FILE == 0:
				self._begin_file()
			with self._file.open('ab') as stream:
				stream.write(line)
			self._saved += 1
		except OSError as error:
			self._saved = 0
			log.warning('The report of run %s cannot be kept: %s', report.job, error)

	def last(self) -> RunReport | None:
		"""The newest report."""
		return next(iter(self.newest(1)), None)

	def newest(self, count: int) -> list[RunReport]:
		"""The newest reports, newest first; damaged lines are passed over."""
		files = [_reports(path) for path in self._files()]
		return list(islice(heapq.merge(*files, key=lambda report: -report.at), count))

	def of_job(self, job: str) -> RunReport | None:
		"""The newest report of one job, if it is still kept."""
		name = f'"job":{json.dumps(job, ensure_ascii=False)}'.encode()
		for path in self._files():
			for report in _reports(path, holding=name):
				if report.job == job:
					return report
		return None

	def _begin_file(self) -> None:
		"""Begin a file, and drop those beyond which newer ones have all that is kept."""
		self._folder.mkdir(parents=True, exist_ok=True)
		runs = 0
		for path in self._files():
			if runs >= KEPT_RUNS:
				path.unlink(missing_ok=True)
			runs += len(_lines(path))
		stamp = f'{time.time_ns():020d}-{os.getpid()}'
		self._file = self._folder / f'{stamp}{ENDING}'

	def _files(self) -> list[Path]:
		"""The files, the one begun last first."""
		try:
			return sorted((path for path in self._folder.iterdir() if path.suffix == ENDING), reverse=True)
		except OSError:
			return []


def _reports(path: Path, *, holding: bytes = b'') -> Iterator[RunReport]:
	"""The reports of a file, newest first: those whose lines hold some bytes."""
	for line in reversed(_lines(path)):
		if holding in line:
			with suppress(ValidationError):
				yield RunReport.model_validate_json(line)


def _lines(path: Path) -> list[bytes]:
	try:
		return path.read_bytes().splitlines()
	except OSError:
		return []
