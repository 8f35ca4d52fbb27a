"""`/v1/workflows`: workflows by name. A workflow itself is the native document of the engine."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from engine.formats.interface import InputSignature, OutputSignature
from engine.formats.workflow import Form
from server.schemas.base import Parameters, Reply, Request
from server.schemas.check import MissingKindReply

# Spelled out, since `\w` is not the same to everybody who reads the schema.
INSIDE = r'[^\x00-\x1f\x7f/\\:*?"<>|]'
EDGE = r'[^\x00-\x20\x7f/\\:*?"<>|.]'


class WorkflowPath(Parameters):
	"""Which workflow."""

	name: str


class NewWorkflowPath(Parameters):
	"""The name of a workflow that is saved."""

	name: Annotated[
		str,
		Field(
			max_length=60,
			pattern=f'^{EDGE}({INSIDE}*{EDGE})?$',
			description='what every file system takes: no control characters and none of `/ \\ : * ? " < > |`, '
			'neither a space nor a full stop at its ends',
		),
	]


class WorkflowSummary(Reply):
	"""A workflow, without its nodes. One that is `built_in` comes with the program and cannot be changed.

	`form` is that of its file; whoever asks for the workflow gets it in ours all the same. `pictured`: there is a picture of
	what it gives.
	"""

	name: str
	title: str
	description: str
	built_in: bool
	form: Form
	pictured: bool


class WorkflowListing(Reply):
	"""All workflows, those of the program first."""

	workflows: list[WorkflowSummary]


class InterfaceReply(Reply):
	"""What a workflow takes and gives, to make a form of."""

	name: str
	title: str
	description: str
	inputs: list[InputSignature]
	outputs: list[OutputSignature]


class ConvertQuery(Parameters):
	"""Which form is wanted."""

	to: Annotated[Form, Field(description="our own, ComfyUI's API form, or what its editor saves")] = 'native'


class ConvertedReply(Reply):
	"""The workflow in the form that was asked for, what was left out or guessed, and the kinds not known here."""

	workflow: dict[str, JsonValue]
	warnings: list[str]
	missing: list[MissingKindReply]


class DiffRequest(Request):
	"""Two workflows to compare, the earlier one first, each in any form (`AnyWorkflow`)."""

	before: dict[str, JsonValue]
	after: dict[str, JsonValue]
