"""`comfy_execution.utils`: who is running."""

from __future__ import annotations

from typing import NamedTuple

from engine.context import current


class ExecutionContext(NamedTuple):
	"""The running call: its job, its node, and its place among the calls of a node that is called once per item."""

	prompt_id: str
	node_id: str
	list_index: int | None


def get_executing_context() -> ExecutionContext | None:
	"""The call that asks; None outside of any."""
	context = current.get()
	return None if context is None else ExecutionContext(context.job.id, context.node, context.index)
