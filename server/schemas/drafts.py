"""`/v1/drafts`: workflows that are being edited and are not saved yet."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.formats.document import WorkflowDocument
from server.schemas.base import Parameters, Reply, Request

DraftId = Annotated[str, Field(pattern='^[A-Za-z0-9_-]{1,64}$')]


class DraftPath(Parameters):
	"""Which draft."""

	id: DraftId


class DraftBody(Request):
	"""A draft. `workflow` is the saved workflow that it began as, or null, and `etag` what that had then.

	`client` is the id with which its editor opens its WebSocket: a draft whose client is connected is at work.
	"""

	document: WorkflowDocument
	workflow: Annotated[str | None, Field(max_length=4096)] = None
	etag: Annotated[str | None, Field(max_length=200)] = None
	client: Annotated[str, Field(max_length=200)] = ''


class DraftSummary(Reply):
	"""A draft, without its nodes but for how many there are.

	`saved` is when it was put here, in seconds since the epoch. `open`: its editor is connected now.
	"""

	id: str
	title: str
	nodes: int
	workflow: str | None
	etag: str | None
	client: str
	saved: float
	open: bool


class DraftReply(DraftSummary):
	"""A draft as a whole."""

	document: WorkflowDocument


class DraftListing(Reply):
	"""All drafts, the newest first."""

	drafts: list[DraftSummary]
