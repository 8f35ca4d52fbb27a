"""What a refused request is told."""

from __future__ import annotations

from pydantic import Field

from server.schemas.base import Reply
from server.schemas.check import ProblemReply


class Misfit(Reply):
	"""A place of the request that does not fit, such as `query.limit` or `body.nodes.4.kind`, and what is wrong there."""

	place: str
	message: str


class ErrorDetail(Reply):
	"""`code` is for programs, `message` a sentence for people.

	`details` name every single thing that is wrong, where there are several: places of the request, or problems of a
	workflow.
	"""

	code: str
	message: str
	details: list[Misfit | ProblemReply] = Field(default_factory=list)


class PlainError(Reply):
	"""A refusal where the official front end shows `error` as it is."""

	error: str


class BadJobIds(PlainError):
	"""Some of the jobs that were named cannot be jobs."""

	invalid_ids: list[str]


class ErrorBody(Reply):
	"""The body of every other refusal but those of `POST /prompt`, which have `PromptRefused`."""

	error: ErrorDetail
