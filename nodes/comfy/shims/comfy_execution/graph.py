"""`comfy_execution.graph`: what stops an output, and the error for a node that is not there."""

from __future__ import annotations


class ExecutionBlocker:
	"""As an output: every node that would take it is passed over, with `message` told once, or silently if None."""

	def __init__(self, message: str | None) -> None:
		self.message = message


class NodeNotFoundError(KeyError):
	"""The running graph has no such node."""
