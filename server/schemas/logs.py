"""`/internal/logs`: the last log lines."""

from __future__ import annotations

from pydantic import Field, RootModel

from server.schemas.base import Reply, Request


class LogText(RootModel[str]):
	"""All lines as one text."""


class LogEntry(Reply):
	"""One line; `t` is its time as ISO 8601, `m` its text with the line's end."""

	t: str
	m: str


class TerminalSize(Reply):
	"""How wide and high the server's terminal is."""

	cols: int
	rows: int


class LogEntries(Reply):
	"""Lines, oldest first. The size is told once, not with every further line."""

	entries: list[LogEntry]
	size: TerminalSize | None = None


class LogSubscription(Request):
	"""Whether a socket is told of further lines."""

	client: str = Field(alias='clientId', min_length=1)
	enabled: bool
