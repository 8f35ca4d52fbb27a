"""What log lines are about: the request, job and node at hand, carried along by context variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST: ContextVar[str] = ContextVar('request', default='')
JOB: ContextVar[str] = ContextVar('job', default='')
NODE: ContextVar[str] = ContextVar('node', default='')


@contextmanager
def about(*, request: str | None = None, job: str | None = None, node: str | None = None) -> Iterator[None]:
	"""Have the lines that are logged inside say what they are about. What is not given stays as it is."""
	given = [
		(variable, value) for variable, value in ((REQUEST, request), (JOB, job), (NODE, node)) if value is not None
	]
	before = [(variable, variable.set(value)) for variable, value in given]
	try:
		yield
	finally:
		for variable, token in reversed(before):
			variable.reset(token)
