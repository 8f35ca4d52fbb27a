"""What a refused request is told."""

from __future__ import annotations

from server.schemas.base import Reply


class ErrorDetail(Reply):
	"""`code` is for programs, `message` a sentence for people."""

	code: str
	message: str


class ErrorBody(Reply):
	"""The body of every refusal but those of `POST /prompt`, which have `PromptRefused`."""

	error: ErrorDetail
