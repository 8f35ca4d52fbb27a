"""`/history`: what has been run."""

from __future__ import annotations

from typing import Literal

from pydantic import RootModel

from engine.events import Ui
from server.schemas.base import Reply
from server.schemas.messages import HistoryMessage
from server.schemas.queue import JobItem


class HistoryStatus(Reply):
	"""How a job ended; a cancelled one counts as an error here."""

	status_str: Literal['success', 'error']
	completed: bool
	messages: list[HistoryMessage]


class NodeMeta(Reply):
	"""Which node of the submitted graph an output belongs to."""

	node_id: str
	display_node: str
	parent_node: str | None
	real_node_id: str


class HistoryEntry(Reply):
	"""One job that is over."""

	prompt: JobItem
	outputs: dict[str, Ui]
	status: HistoryStatus
	meta: dict[str, NodeMeta]


class History(RootModel[dict[str, HistoryEntry]]):
	"""Job id → entry, oldest first."""
