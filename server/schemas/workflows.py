"""`/v1/workflows`: the workflows that come with the program."""

from __future__ import annotations

from server.schemas.base import Reply


class WorkflowSummary(Reply):
	"""A workflow, without its nodes."""

	name: str
	title: str
	description: str


class WorkflowListing(Reply):
	"""All bundled workflows."""

	workflows: list[WorkflowSummary]
