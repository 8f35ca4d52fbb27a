"""What waits to be written, and how it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, insert, update

from server.store.tables import EventRow, JobRow, OutputRow, SettingRow, SubmissionRow

Row = Mapping[str, object]
CHANGING = ('number', 'arrival', 'state', 'started', 'finished', 'attempts', 'losses', 'failure_json', 'ended')


# Made once: it takes longer to put them together than to run them.
ADD_JOBS = insert(JobRow)
ADD_SUBMISSIONS = insert(SubmissionRow)
CHANGE_JOBS = update(JobRow).where(JobRow.id == bindparam('job')).values({name: bindparam(name) for name in CHANGING})
# Of a job that ends a second time, since its end could not be written as it was, the newer end counts.
PUT_OUTPUTS = insert(OutputRow).prefix_with('OR REPLACE')
ADD_EVENTS = insert(EventRow)
PUT_SETTINGS = insert(SettingRow).prefix_with('OR REPLACE')


@dataclass(frozen=True, slots=True)
class New:
	"""A new job."""

	row: dict[str, object]
	submission: Row


@dataclass
class Batch:
	"""Rows for one transaction. Of a job only the newest state matters."""

	added: dict[str, New] = field(default_factory=dict)
	changed: dict[str, dict[str, object]] = field(default_factory=dict)
	ended: dict[str, Sequence[Row]] = field(default_factory=dict)
	events: list[Row] = field(default_factory=list)
	settings: dict[str, str] = field(default_factory=dict)
	calls: list[Callable[[Connection], None]] = field(default_factory=list)

	@property
	def empty(self) -> bool:
		"""Whether there is nothing to write."""
		return not (self.added or self.changed or self.ended or self.events or self.settings or self.calls)

	def change(self, job: str, row: dict[str, object]) -> None:
		"""A job has other values in the columns of `CHANGING`."""
		if job in self.added:
			self.added[job].row.update(row)
		else:
			self.changed[job] = row

	def append(self, newer: Batch) -> None:
		"""Take over what came after all of this."""
		self.added.update(newer.added)
		for job, row in newer.changed.items():
			self.change(job, row)
		self.ended.update(newer.ended)
		self.events += newer.events
		self.settings.update(newer.settings)
		self.calls += newer.calls

	def write(self, connection: Connection) -> None:
		"""All of it."""
		for statement, rows in (
			(ADD_JOBS, [new.row for new in self.added.values()]),
			(ADD_SUBMISSIONS, [new.submission for new in self.added.values()]),
			(CHANGE_JOBS, [{**row, 'job': job} for job, row in self.changed.items()]),
			(PUT_OUTPUTS, [row for outputs in self.ended.values() for row in outputs]),
			(ADD_EVENTS, self.events),
			(PUT_SETTINGS, [{'name': name, 'value_json': value} for name, value in self.settings.items()]),
		):
			if rows:
				connection.execute(statement, rows)
		for call in self.calls:
			call(connection)

	def pieces(self) -> Iterator[Batch]:
		"""The same in parts that stand for themselves: for when one of them is bad."""
		yield from (Batch(added={job: new}) for job, new in self.added.items())
		yield from (Batch(changed={job: row}) for job, row in self.changed.items())
		yield from (Batch(ended={job: outputs}) for job, outputs in self.ended.items())
		yield from (Batch(events=[row]) for row in self.events)
		yield from (Batch(settings={name: value}) for name, value in self.settings.items())
		yield from (Batch(calls=[call]) for call in self.calls)
