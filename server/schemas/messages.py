"""The text frames of the WebSocket. `type` comes first: clients know such a frame by its first eight bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from engine.events import Ui
from server.schemas.base import Reply
from server.schemas.features import Features
from server.schemas.load_messages import ModelLoadingMessage
from server.schemas.logs import LogEntries
from server.schemas.prompt import QueueStatus


class JobAt(Reply):
	"""A job and a moment, in milliseconds since the epoch."""

	prompt_id: str
	timestamp: int


class CachedData(Reply):
	"""Nodes that need not run."""

	nodes: list[str]
	prompt_id: str
	timestamp: int


class ErrorData(Reply):
	"""Why a job failed: where, what was raised, what the node was given."""

	prompt_id: str
	node_id: str
	node_type: str
	executed: list[str]
	exception_message: str
	exception_type: str
	traceback: list[str]
	current_inputs: dict[str, list[JsonValue]]
	current_outputs: list[str]
	timestamp: int


class InterruptedData(Reply):
	"""Where a job was stopped."""

	prompt_id: str
	node_id: str
	node_type: str
	executed: list[str]
	timestamp: int


HistoryMessage = (
	tuple[Literal['execution_start', 'execution_success'], JobAt]
	| tuple[Literal['execution_cached'], CachedData]
	| tuple[Literal['execution_error'], ErrorData]
	| tuple[Literal['execution_interrupted'], InterruptedData]
)
"""What the history keeps of a job: event name and what was sent with it."""


class StatusData(Reply):
	"""The queue."""

	status: QueueStatus


class WelcomeData(Reply):
	"""The queue, and the id under which the socket is known."""

	status: QueueStatus
	sid: str


class ExecutingData(Reply):
	"""A node has begun."""

	node: str
	display_node: str
	prompt_id: str


class ExecutingNothing(Reply):
	"""The job is over."""

	node: None = None
	prompt_id: str


class NodeState(Reply):
	"""How far one node has come."""

	value: int
	max: int
	state: Literal['running', 'finished', 'error']
	node_id: str
	prompt_id: str
	display_node_id: str
	parent_node_id: str | None
	real_node_id: str


class ProgressStateData(Reply):
	"""Nodes of a job that have begun: those that changed since the last message, or all."""

	prompt_id: str
	nodes: dict[str, NodeState]


class ProgressData(Reply):
	"""A node has come so far."""

	value: int
	max: int
	prompt_id: str
	node: str


class JobProgressData(Reply):
	"""How far a job has come as a whole, from 0 to 1, and how long it will still take."""

	prompt_id: str
	fraction: float
	seconds_left: float | None


class ExecutedData(Reply):
	"""What a node shows."""

	node: str
	display_node: str
	output: Ui | None
	prompt_id: str


class PreviewInfo(Reply):
	"""What precedes the picture in a preview frame for clients that asked for it."""

	node_id: str
	display_node_id: str
	parent_node_id: str | None
	real_node_id: str
	prompt_id: str
	image_type: Literal['image/jpeg', 'image/png']


class Welcome(Reply):
	"""The first message to a socket."""

	type: Literal['status'] = 'status'
	data: WelcomeData


class Status(Reply):
	"""To all, when the queue changes."""

	type: Literal['status'] = 'status'
	data: StatusData


class FeatureFlags(Reply):
	"""The answer to the flags of a client."""

	type: Literal['feature_flags'] = 'feature_flags'
	data: Features


class ExecutionStart(Reply):
	"""A worker has begun with the job."""

	type: Literal['execution_start'] = 'execution_start'
	data: JobAt


class ExecutionCached(Reply):
	"""The plan is made."""

	type: Literal['execution_cached'] = 'execution_cached'
	data: CachedData


class Executing(Reply):
	"""A node has begun, or the job is over."""

	type: Literal['executing'] = 'executing'
	data: ExecutingData | ExecutingNothing


class ProgressState(Reply):
	"""The progress of nodes."""

	type: Literal['progress_state'] = 'progress_state'
	data: ProgressStateData


class Progress(Reply):
	"""The progress of one node."""

	type: Literal['progress'] = 'progress'
	data: ProgressData


class JobProgressMessage(Reply):
	"""The progress of a job; only for clients that announced `job_progress`."""

	type: Literal['job_progress'] = 'job_progress'
	data: JobProgressData


class Executed(Reply):
	"""A node has its results."""

	type: Literal['executed'] = 'executed'
	data: ExecutedData


class ExecutionSuccess(Reply):
	"""The job has succeeded."""

	type: Literal['execution_success'] = 'execution_success'
	data: JobAt


class ExecutionError(Reply):
	"""The job has failed."""

	type: Literal['execution_error'] = 'execution_error'
	data: ErrorData


class ExecutionInterrupted(Reply):
	"""The job was stopped."""

	type: Literal['execution_interrupted'] = 'execution_interrupted'
	data: InterruptedData


class Logs(Reply):
	"""Lines of the server's log; only for clients that subscribed to them."""

	type: Literal['logs'] = 'logs'
	data: LogEntries


class Announcement(Reply):
	"""A message of a node's own making."""

	type: str
	data: dict[str, JsonValue]


Told = ExecutionStart | ExecutionCached | ExecutionSuccess | ExecutionError | ExecutionInterrupted
"""The messages that the history keeps too."""

Message = (
	Told
	| Welcome
	| Status
	| FeatureFlags
	| Executing
	| ProgressState
	| Progress
	| JobProgressMessage
	| ModelLoadingMessage
	| Executed
	| Announcement
	| Logs
)
