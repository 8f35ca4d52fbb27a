"""Puts jobs of one database into another that nobody else uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from pydantic import JsonValue, TypeAdapter
from sqlalchemy import Connection, bindparam, func, insert, select, update

from engine.events import FOLDERS, SavedFile
from server.store.event_log import last_number, note_last
from server.store.rows import DAMAGE, read_ui, text_of
from server.store.tables import Base, EventRow, JobRow, OutputRow, SubmissionRow

Renamed = Mapping[SavedFile, str]
"""Files that lie under another name here."""
Row = dict[str, object]
AT_ONCE = 500
outputs_of_node: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
told_events: TypeAdapter[list[tuple[int, dict[str, JsonValue]]]] = TypeAdapter(list[tuple[int, dict[str, JsonValue]]])


def job_ids(connection: Connection) -> set[str]:
	"""All jobs."""
	return set(connection.execute(select(JobRow.id)).scalars())


def files_shown(connection: Connection, jobs: Collection[str]) -> set[SavedFile]:
	"""The files that jobs show, but for those that go when a server starts."""
	found: set[SavedFile] = set()
	for job, node, text in connection.execute(select(OutputRow.job, OutputRow.node, OutputRow.ui_json)):
		ui = read_ui(job, node, text) if job in jobs else None
		if ui is not None:
			found |= {file for file in ui.files if file.type != 'temp'}
	return found


def merge(source: Connection, target: Connection, jobs: Collection[str], renamed: Renamed) -> None:
	"""Copy these jobs, with all that belongs to them; the target has none of them.

	They stand behind the target's jobs where they are equals, their ends are sorted among its own by time, and their
	events are numbered behind its own.
	"""
	highest = target.execute(select(func.max(JobRow.arrival))).scalar()
	shift = 0.0 if highest is None else highest + 1
	keys = {key for key in target.execute(select(JobRow.key)).scalars() if key is not None}
	_add(target, JobRow, (_placed(row, shift, keys) for row in _rows(source, JobRow, 'id', jobs)))
	_add(target, SubmissionRow, _rows(source, SubmissionRow, 'job', jobs))
	_add(target, OutputRow, (_renamed_output(row, renamed) for row in _rows(source, OutputRow, 'job', jobs)))
	last = last_number(target)
	_add(target, EventRow, (_renumbered(row, last, renamed) for row in _rows(source, EventRow, 'job', jobs)))
	note_last(target, last + last_number(source))
	_sort_ends(target)


def _rows(source: Connection, kind: type[Base], column: str, jobs: Collection[str]) -> Iterator[Row]:
	for row in source.execute(select(kind.__table__)).mappings():
		if row[column] in jobs:
			yield dict(row)


def _add(target: Connection, kind: type[Base], rows: Iterable[Row]) -> None:
	left = iter(rows)
	while some := list(islice(left, AT_ONCE)):
		target.execute(insert(kind), some)


def _placed(row: Row, shift: float, keys: Collection[str]) -> Row:
	"""A job behind others. A key that another job has is that other's."""
	arrival, key = row['arrival'], row['key']
	return {
		**row,
		'arrival': shift + arrival if isinstance(arrival, float | int) else shift,
		'key': None if key in keys else key,
	}


def _renamed_output(row: Row, renamed: Renamed) -> Row:
	try:
		ui = outputs_of_node.validate_json(str(row['ui_json']))
	except DAMAGE:
		return row
	return {**row, 'ui_json': text_of(_relabelled(ui, renamed))}


def _renumbered(row: Row, last: int, renamed: Renamed) -> Row:
	"""Events behind a number. Those that cannot be read are none."""
	events: list[tuple[int, dict[str, JsonValue]]] = []
	try:
		for number, event in told_events.validate_json(str(row['body_json'])):
			ui = event.get('ui')
			events.append((last + number, {**event, 'ui': _relabelled(ui, renamed)} if isinstance(ui, dict) else event))
	except DAMAGE:
		events.clear()
	own = row['last']
	return {**row, 'last': last + own if isinstance(own, int) else last, 'body_json': text_of(events)}


def _relabelled(ui: dict[str, JsonValue], renamed: Renamed) -> dict[str, JsonValue]:
	"""What a node showed, with files under the names that they have here."""
	return {
		name: [_relabelled_item(item, renamed) for item in items] if isinstance(items, list) else items
		for name, items in ui.items()
	}


def _relabelled_item(item: JsonValue, renamed: Renamed) -> JsonValue:
	if not isinstance(item, dict):
		return item
	filename, subfolder, kind = item.get('filename'), item.get('subfolder'), item.get('type')
	for root in FOLDERS:
		if kind == root and isinstance(filename, str):
			file = SavedFile(filename=filename, subfolder=subfolder if isinstance(subfolder, str) else '', type=root)
			return {**item, 'filename': renamed.get(file, filename)}
	return item


def _sort_ends(target: Connection) -> None:
	"""Count the ends anew, by time."""
	ended = select(JobRow.id).where(JobRow.ended.is_not(None)).order_by(JobRow.finished, JobRow.ended, JobRow.id)
	counted = [{'job': id, 'count': count} for count, id in enumerate(target.execute(ended).scalars())]
	if counted:
		target.execute(update(JobRow).where(JobRow.id == bindparam('job')).values(ended=bindparam('count')), counted)
