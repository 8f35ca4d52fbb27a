"""The text frames of the WebSocket. `type` comes first: clients know such a frame by its first eight bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from engine.events import Ui
from server.schemas.base import Reply
from server.schemas.features import Features
from server.schemas.prompt import QueueStatus


class JobAt(Reply):
	"""A job and a moment, in milliseconds since the epoch."""

	prompt_id: str
	timestamp: int


class CachedData(Reply):
	nodes: list[str]
	prompt_id: str
	timestamp: int


class ErrorData(Reply):
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
	status: QueueStatus


class WelcomeData(Reply):
	status: QueueStatus
	sid: str


class ExecutingData(Reply):
	node: str
	display_node: str
	prompt_id: str


class ExecutingNothing(Reply):
	"""The job is over."""

	node: None = None
	prompt_id: str


class NodeState(Reply):
	value: int
	max: int
	state: Literal['running', 'finished', 'error']
	node_id: str
	prompt_id: str
	display_node_id: str
	parent_node_id: str | None
	real_node_id: str


class ProgressStateData(Reply):
	prompt_id: str
	nodes: dict[str, NodeState]


class ProgressData(Reply):
	value: int
	max: int
	prompt_id: str
	node: str


class ExecutedData(Reply):
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
	type: Literal['status'] = 'status'
	data: WelcomeData


class Status(Reply):
	type: Literal['status'] = 'status'
	data: StatusData


class FeatureFlags(Reply):
	type: Literal['feature_flags'] = 'feature_flags'
	data: Features


class ExecutionStart(Reply):
	type: Literal['execution_start'] = 'execution_start'
	data: JobAt


class ExecutionCached(Reply):
	type: Literal['execution_cached'] = 'execution_cached'
	data: CachedData


class Executing(Reply):
	type: Literal['executing'] = 'executing'
	data: ExecutingData | ExecutingNothing


class ProgressState(Reply):
	type: Literal['progress_state'] = 'progress_state'
	data: ProgressStateData


class Progress(Reply):
	type: Literal['progress'] = 'progress'
	data: ProgressData


class Executed(Reply):
	type: Literal['executed'] = 'executed'
	data: ExecutedData


class ExecutionSuccess(Reply):
	type: Literal['execution_success'] = 'execution_success'
	data: JobAt


class ExecutionError(Reply):
	type: Literal['execution_error'] = 'execution_error'
	data: ErrorData


class ExecutionInterrupted(Reply):
	type: Literal['execution_interrupted'] = 'execution_interrupted'
	data: InterruptedData


Told = ExecutionStart | ExecutionCached | ExecutionSuccess | ExecutionError | ExecutionInterrupted
"""The messages that the history keeps too."""

Message = Told | Welcome | Status | FeatureFlags | Executing | ProgressState | Progress | Executed
