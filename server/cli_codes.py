"""The exit codes of all commands."""

from __future__ import annotations

OK, FAILED, BAD_INPUT, UNREACHABLE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141
TOLD = (
	'exit codes: 0 all went well; 1 a node failed; 2 bad input: the workflow, a value or a flag; '
	'3 the server cannot be reached or lets nobody in; 130 cancelled'
)
