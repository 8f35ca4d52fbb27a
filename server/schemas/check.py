"""`/v1/check`: what is wrong with a workflow, before it is run."""

from __future__ import annotations

from pydantic import JsonValue, RootModel

from engine.forecast import Forecast
from engine.problems import Code, Problem
from server.schemas.base import Reply


class AnyWorkflow(RootModel[dict[str, JsonValue]]):
	"""A workflow: a native document (`WorkflowDocument`), or ComfyUI's API form (node id → `class_type`, `inputs`)."""


class ProblemReply(Reply):
	"""One thing that is wrong. `node` is null where the workflow as a whole is meant.

	`sentence` says all of it. `source` is the node and output number that a wrong link comes from; `cycle` the nodes
	of a circle of links.
	"""

	code: Code
	node: str | None
	kind: str
	input: str | None
	expected: str
	received: str
	sentence: str
	source: tuple[str, int] | None
	cycle: list[str]

	@classmethod
	def of(cls, problem: Problem) -> ProblemReply:
		"""A problem as the checker found it."""
		return cls(
			code=problem.code,
			node=problem.node,
			kind=problem.kind,
			input=problem.input,
			expected=problem.expected,
			received=problem.received,
			sentence=problem.sentence,
			source=problem.source,
			cycle=list(problem.cycle),
		)


class CheckReply(Reply):
	"""Everything that is wrong, and the nodes that save or show something and could run all the same.

	`memory` is what these will need, in bytes: of each node that uses models, their weights, what is needed to work with
	them, and how that will be managed. It is null if there is nothing to tell, or no worker to tell it.
	"""

	problems: list[ProblemReply]
	sinks: list[str]
	memory: Forecast | None = None
