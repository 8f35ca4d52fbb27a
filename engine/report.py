"""What became of each node of a run, and why: kept as one JSON file per run, beside the cache.

The files are written when a run is over (to another name first, then renamed) and the oldest are dropped.
"""

from __future__ import annotations

import logging
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from engine.declaration import Model
from engine.events import Why

log = logging.getLogger(__name__)

KEPT_RUNS = 100
UNSAFE = re.compile(r'[^A-Za-z0-9_-]')


@dataclass(frozen=True, slots=True)
class InputTrace:
	"""What an input was given: a constant as text (cut short) with its digest, or a link with its upstream key."""

	constant: str | None = None
	digest: str = ''
	source: str | None = None
	output: int = 0


@dataclass(frozen=True, slots=True)
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
	"""The folder of reports."""

	def __init__(self, folder: Path) -> None:
		self._folder = folder

	def save(self, report: RunReport) -> None:
		"""Keep a report; trouble with the disk is logged, since the run itself is done."""
		stamp = f'{int(report.at * 1e6):018d}'
		target = self._folder / f'{stamp}-{UNSAFE.sub("_", report.job)[:80]}.json'
		partial = target.with_name(f'.{target.name}.{os.getpid()}')
		try:
			self._folder.mkdir(parents=True, exist_ok=True)
			partial.write_text(report.model_dump_json(exclude_defaults=True), encoding='utf-8')
			partial.replace(target)
			for old in self._files()[KEPT_RUNS:]:
				old.unlink(missing_ok=True)
		except OSError as error:
			log.warning('The report of run %s cannot be kept: %s', report.job, error)

	def last(self) -> RunReport | None:
		"""The newest report."""
		return next(iter(self.newest(1)), None)

	def newest(self, count: int) -> list[RunReport]:
		"""The newest reports, newest first; damaged files are passed over."""
		found: list[RunReport] = []
		for path in self._files():
			report = _read(path)
			if report is not None:
				found.append(report)
			if len(found) == count:
				break
		return found

	def of_job(self, job: str) -> RunReport | None:
		"""The report of one job, if it is still kept."""
		name = UNSAFE.sub('_', job)[:80]
		for path in self._files():
			if path.stem.partition('-')[2] == name:
				report = _read(path)
				if report is not None and report.job == job:
					return report
		return None

	def _files(self) -> list[Path]:
		try:
			return sorted((path for path in self._folder.iterdir() if path.suffix == '.json'), reverse=True)
		except OSError:
			return []


def _read(path: Path) -> RunReport | None:
	try:
		return RunReport.model_validate_json(path.read_bytes())
	except (OSError, ValidationError):
		return None
