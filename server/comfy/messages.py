"""Engine events as messages of the dialect, sent now and kept in the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import DependencyCycle
from engine.events import Event, Failure, JobFinished, JobStarted, NodeBlocked, NodesCached
from engine.execute import qualified_name
from engine.jobs import Job
from server.comfy.places import Places
from server.schemas.history import HistoryEntry, HistoryStatus, NodeMeta
from server.schemas.messages import (
	CachedData,
	ErrorData,
	ExecutionCached,
	ExecutionError,
	ExecutionInterrupted,
	ExecutionStart,
	ExecutionSuccess,
	HistoryMessage,
	InterruptedData,
	JobAt,
	Status,
	StatusData,
	Told,
)
from server.schemas.prompt import ExecInfo, QueueStatus
from server.schemas.queue import JobItem

CIRCLE = qualified_name(DependencyCycle)
NO_FAILURE = Failure(message='The job failed.', exception_type='RuntimeError')


def milliseconds(at: float) -> int:
	"""Seconds since the epoch as the dialect tells them."""
	return int(at * 1000)


def queue_status(remaining: int) -> QueueStatus:
	"""How much there is to do."""
	return QueueStatus(exec_info=ExecInfo(queue_remaining=remaining))


def status(remaining: int) -> Status:
	"""The message that everybody gets when the queue changes."""
	return Status(data=StatusData(status=queue_status(remaining)))


def told(event: Event, places: Places) -> Told | None:
	"""The message of an event that the history keeps; None for other events. Nodes are named as they were submitted."""
	match event:
		case JobStarted():
			return ExecutionStart(data=JobAt(prompt_id=event.job, timestamp=milliseconds(event.at)))
		case NodesCached():
			return ExecutionCached(
				data=CachedData(nodes=list(event.nodes), prompt_id=event.job, timestamp=milliseconds(event.at))
			)
		case JobFinished(state='succeeded'):
			return ExecutionSuccess(data=JobAt(prompt_id=event.job, timestamp=milliseconds(event.at)))
		case JobFinished(state='cancelled'):
			node, kind = places.submitted(event.node, event.kind)
			return ExecutionInterrupted(
				data=InterruptedData(
					prompt_id=event.job,
					node_id=node,
					node_type=kind,
					executed=list(event.executed),
					timestamp=milliseconds(event.at),
				)
			)
		case JobFinished():
			return execution_error(event, event.failure or NO_FAILURE, places)
		case _:
			return None


def execution_error(event: JobFinished, failure: Failure, places: Places) -> ExecutionError:
	"""Why a job failed. The message ends with a newline, as clients expect that cut a hint off behind it."""
	node, kind = places.submitted(failure.node or event.node, failure.kind or event.kind)
	# A circle is nobody's exception: it has the dialect's own name, and no place in any code.
	circle = failure.exception_type == CIRCLE
	return ExecutionError(
		data=ErrorData(
			prompt_id=event.job,
			node_id=node,
			node_type=kind,
			executed=list(event.executed),
			exception_message=f'{failure.message.rstrip()}\n',
			exception_type='graph.DependencyCycleError' if circle else failure.exception_type,
			traceback=[] if circle else list(failure.traceback),
			current_inputs={
				name: value if isinstance(value, list) else [value] for name, value in failure.inputs.items()
			},
			current_outputs=list(event.executed),
			timestamp=milliseconds(event.at),
		)
	)


def blocked(event: NodeBlocked, places: Places, executed: Sequence[str]) -> ExecutionError:
	"""A node was passed over, with a message. It looks like a failure, but the run goes on, and no history keeps it."""
	node, kind = places.submitted(event.node, event.kind)
	return ExecutionError(
		data=ErrorData(
			prompt_id=event.job,
			node_id=node,
			node_type=kind,
			executed=list(executed),
			exception_message=f'{event.message.rstrip()}\n',
			exception_type='ExecutionBlocked',
			traceback=[],
			current_inputs={},
			current_outputs=[],
			timestamp=milliseconds(event.at),
		)
	)


def kept(message: Told) -> HistoryMessage:
	"""A message as the history lists it: its name, then its data."""
	match message:
		case ExecutionStart():
			return ('execution_start', message.data)
		case ExecutionCached():
			return ('execution_cached', message.data)
		case ExecutionSuccess():
			return ('execution_success', message.data)
		case ExecutionError():
			return ('execution_error', message.data)
		case ExecutionInterrupted():
			return ('execution_interrupted', message.data)


def job_item(job: Job) -> JobItem:
	"""A job as queue and history list it."""
	submission = job.submission
	extra = dict(submission.extra)
	if submission.client:
		extra.setdefault('client_id', submission.client)  # Jobs of `/v1` say it apart.
	return job.number, job.id, dict(submission.prompt), extra, list(submission.targets)


def history_entry(job: Job) -> HistoryEntry:
	"""A job that is over."""
	places = Places(job.submission.graph, job.events)
	messages: Iterator[Told] = (message for event in job.events if (message := told(event, places)) is not None)
	succeeded = job.state == 'succeeded'
	return HistoryEntry(
		prompt=job_item(job),
		outputs=dict(job.outputs),
		status=HistoryStatus(
			status_str='success' if succeeded else 'error',
			completed=succeeded,
			messages=[kept(message) for message in messages],
		),
		meta={node: node_meta(node, places) for node in job.outputs},
	)


def node_meta(node: str, places: Places) -> NodeMeta:
	"""Where an output belongs."""
	place = places.of(node)
	return NodeMeta(node_id=node, display_node=place.display, parent_node=place.parent, real_node_id=place.real)
