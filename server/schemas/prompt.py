"""`/prompt`: a graph is handed in, and taken or refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat, JsonValue, SkipValidation

from server.schemas.base import Reply, Request
from server.schemas.nodes import InputSpec

MOST = 2**53
Number = Annotated[int, Field(ge=-MOST, le=MOST)] | FiniteFloat
"""A place in the queue. A whole number that is larger than floats tell apart becomes one of these."""


class PromptRequest(Request):
	"""A graph in API form to run. `prompt` is read by `engine.formats.prompt`.

	What was just parsed from JSON is JSON: graphs of thousands of nodes are not looked through again.
	"""

	prompt: Annotated[JsonValue, SkipValidation] = None
	client_id: str | None = None
	prompt_id: str | None = None
	number: Number | None = None
	front: bool | None = None
	extra_data: dict[str, Annotated[JsonValue, SkipValidation]] | None = None
	partial_execution_targets: list[str] | None = None


class ReasonInfo(Reply):
	"""The facts of a reason. Only those that apply are set, and only what is set is sent."""

	input_name: str | None = None
	input_config: InputSpec | None = None
	received_value: JsonValue = None
	received_type: str | None = None
	linked_node: tuple[str, int] | None = None
	exception_message: str | None = None
	node_id: str | None = None
	cycle_nodes: list[str] | None = None


class Reason(Reply):
	"""One thing that is wrong with one node."""

	type: str
	message: str
	details: str
	extra_info: ReasonInfo


class NodeErrors(Reply):
	"""All that is wrong with one node, and the sinks that cannot run for it."""

	errors: list[Reason]
	dependent_outputs: list[str]
	class_type: str


class PromptErrorInfo(Reply):
	"""The node that a `missing_node_type` is about; empty for other errors."""

	node_id: str | None = None
	class_type: str | None = None
	node_title: str | None = None


class PromptError(Reply):
	"""Why the graph as a whole was refused."""

	type: str
	message: str
	details: str = ''
	extra_info: PromptErrorInfo = Field(default_factory=PromptErrorInfo)


class PromptRefused(Reply):
	"""400: nothing was queued."""

	error: PromptError
	node_errors: dict[str, NodeErrors]


class PromptAccepted(Reply):
	"""200: the job is queued, for the sinks that `node_errors` does not speak of."""

	prompt_id: str
	number: int | float
	node_errors: dict[str, NodeErrors]


class ExecInfo(Reply):
	"""How much there is to do; waiting and running jobs together."""

	queue_remaining: int


class QueueStatus(Reply):
	"""The answer to `GET /prompt`, and the status of the WebSocket."""

	exec_info: ExecInfo
