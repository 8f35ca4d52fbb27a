"""Between jobs and their rows. What somebody has damaged in the file is logged and left out, and the rest is read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field, JsonValue, TypeAdapter
from pydantic_core import from_json, to_json

from engine.errors import EngineError
from engine.events import AnyEvent, Event, Failure, JobDropped, JobQueued, Ui
from engine.formats.prompt import read_prompt
from engine.graph import NodeId
from engine.jobs import Job, JobId, JobState, Submission
from engine.previews import preview_method
from server.store.tables import JobRow, SubmissionRow

log = logging.getLogger(__name__)

Kept = Annotated[AnyEvent | JobQueued | JobDropped, Field(discriminator='type')]
"""The events that are kept."""
numbered: TypeAdapter[list[tuple[int, Kept]]] = TypeAdapter(list[tuple[int, Kept]])
singly: TypeAdapter[list[tuple[int, JsonValue]]] = TypeAdapter(list[tuple[int, JsonValue]])
kept: TypeAdapter[AnyEvent | JobQueued | JobDropped] = TypeAdapter(Kept)
DAMAGE = (EngineError, ValueError, TypeError, AttributeError)
"""What reading raises when a column does not hold what was written here."""


def row_of(job: Job, ended: int | None = None) -> dict[str, object]:
	"""A job, but for what is large."""
	submission = job.submission
	return {
		'id': job.id,
		'client': submission.client,
		'previews': submission.previews != 'none',
		'preview_method': 'auto' if submission.previews == 'none' else submission.previews,
		'key': submission.key or None,
		'webhook': submission.webhook,
		'workflow': workflow_of(submission),
		'created': job.created,
		**changing(job, ended),
	}


def submission_row(job: Job) -> dict[str, object]:
	"""What was submitted as a job."""
	submission = job.submission
	return {
		'job': job.id,
		'prompt_json': submission.prompt_json,
		'targets_json': text_of(submission.targets),
		'extra_json': text_of(submission.extra),
	}


def changing(job: Job, ended: int | None = None) -> dict[str, object]:
	"""What of a job's row changes while it lives."""
	return {
		# Whole numbers may be larger than those of SQLite.
		'number': float(job.number),
		'arrival': float(job.arrival),
		'state': job.state.value,
		'started': job.started,
		'finished': job.finished,
		'attempts': job.attempts,
		'losses': job.losses,
		'failure_json': None if job.failure is None else job.failure.model_dump_json(),
		'ended': ended,
	}


def output_rows(job: Job) -> list[dict[str, object]]:
	"""What a job's nodes showed."""
	return [
		{'job': job.id, 'position': position, 'node': node, 'ui_json': ui.model_dump_json()}
		for position, (node, ui) in enumerate(job.outputs.items())
	]


def event_row(events: Sequence[tuple[int, Event]]) -> dict[str, object]:
	"""Numbered events of one job that came together."""
	body = ','.join(f'[{number},{event.model_dump_json()}]' for number, event in events)
	return {'last': events[-1][0], 'job': events[-1][1].job, 'body_json': f'[{body}]'}


def job_of(found: JobRow, asked: SubmissionRow, outputs: Mapping[str, Ui], events: Iterable[Event]) -> Job:
	"""A job from its rows. Raises one of `DAMAGE` if they cannot be read."""
	return Job(
		JobId(found.id),
		queue_number(found.number),
		Submission(
			graph=read_prompt(object_of(asked.prompt_json)),
			targets=tuple(NodeId(target) for target in from_json(asked.targets_json)),
			client=found.client,
			extra=object_of(asked.extra_json),
			previews=preview_method(found.preview_method, 'auto') if found.previews else 'none',
			key=found.key or '',
			webhook=found.webhook,
		),
		found.arrival,
		found.created,
		JobState(found.state),
		found.started,
		found.finished,
		found.attempts,
		found.losses,
		read_failure(found.id, found.failure_json),
		dict(outputs),
		list(events),
	)


def read_job(
	found: JobRow, asked: SubmissionRow | None, outputs: Mapping[str, Ui], events: Iterable[Event]
) -> Job | None:
	"""A job from its rows; None if they are damaged, or not all there."""
	try:
		if asked is None:
			raise ValueError('What was submitted is gone.')
		return job_of(found, asked, outputs, events)
	except DAMAGE as error:
		log.error('Job %r cannot be read, and is left out: %s', found.id, error)
		return None


def read_failure(job: str, text: str | None) -> Failure | None:
	"""Why a job failed."""
	try:
		return None if text is None else Failure.model_validate_json(text)
	except DAMAGE as error:
		log.error('Why job %r failed cannot be read: %s', job, error)
		return None


def read_ui(job: str, node: str, text: str) -> Ui | None:
	"""What a node of a job showed."""
	try:
		return Ui.model_validate_json(text)
	except DAMAGE as error:
		log.error('What node %r of job %r showed cannot be read: %s', node, job, error)
		return None


def read_events(bodies: Iterable[str]) -> list[tuple[int, Event]]:
	"""The events of some rows, with their numbers."""
	found: list[tuple[int, Event]] = []
	for body in bodies:
		try:
			found += numbered.validate_json(body)
		except DAMAGE:
			found += _readable_events(body)
	return found


def _readable_events(body: str) -> list[tuple[int, Event]]:
	"""Those events of a row that can be read: another version may tell of what this one does not know."""
	found: list[tuple[int, Event]] = []
	try:
		for number, event in singly.validate_json(body):
			try:
				found.append((number, kept.validate_python(event)))
			except DAMAGE as error:
				log.error('Event %d cannot be read, and is left out: %s', number, error)
	except DAMAGE as error:
		log.error('Some events cannot be read, and are left out: %s', error)
	return found


def last_attempt(events: Iterable[tuple[int, Event]]) -> list[Event]:
	"""What was told of a job since it was queued last: of an attempt that came to nothing, no history tells."""
	found: list[Event] = []
	for _, event in events:
		if isinstance(event, JobQueued | JobDropped):
			found.clear()
		else:
			found.append(event)
	return found


def object_of(text: str) -> dict[str, JsonValue]:
	"""A JSON object that was written here."""
	found = from_json(text)
	if not isinstance(found, dict):
		raise TypeError(f'A JSON object was expected, not {type(found).__name__}.')
	return found


def text_of(value: object) -> str:
	"""A value as JSON text."""
	return to_json(value, inf_nan_mode='constants').decode()


def workflow_of(submission: Submission) -> str | None:
	"""The id of the workflow that a job was made from, as editors write it."""
	workflow = submission.extra_pnginfo.get('workflow')
	found = workflow.get('id') if isinstance(workflow, dict) else None
	return found if isinstance(found, str) else None


def queue_number(number: float) -> float:
	"""A queue number as it was given: SQLite knows no whole ones in this column."""
	return int(number) if number.is_integer() and abs(number) < 2**53 else number
