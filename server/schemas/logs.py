"""`/v1/logs` and `/internal/logs`: the last log lines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel

from server.logring import LogLine
from server.schemas.base import Parameters, Reply, Request
from server.schemas.paging import Page, PageQuery

LogLevel = Literal['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']
LEAST = 'only lines of this level or a graver one'


class NumberedLine(Reply):
	"""A log line. Numbers go up, and begin anew with the server."""

	number: int
	line: LogLine


class LogFilter(Parameters):
	"""Which lines: those for which all of this holds."""

	level: Annotated[LogLevel, Field(description=LEAST)] = 'DEBUG'
	text: Annotated[str, Field(max_length=500, description='every word of it is in the text or the source')] = ''
	job: Annotated[str | None, Field(max_length=500, description='only those about this job')] = None


class LogsQuery(PageQuery, LogFilter):
	"""Which page of which lines, the newest first."""


class LogStreamQuery(LogFilter):
	"""Which lines, and from where on. Without `after` the stream begins with what comes next."""

	after: Annotated[int | None, Field(ge=0, lt=2**63, description='the `number` of the last line that is known')] = (
		None
	)


class LogPage(Page[NumberedLine]):
	"""Some of the lines that are kept, newest first."""


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
