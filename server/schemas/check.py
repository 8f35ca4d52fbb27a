"""`/v1/check`: what is wrong with a workflow, before it is run."""

from __future__ import annotations

from pydantic import Field, JsonValue, RootModel

from engine.forecast import Forecast
from engine.formats.editor.read import MissingKind
from engine.formats.requirements import MissingModel
from engine.outlook import Outlook
from engine.problems import Code, Problem
from server.schemas.base import Reply


class AnyWorkflow(RootModel[dict[str, JsonValue]]):
	"""A workflow: a native document (`WorkflowDocument`), or one of ComfyUI's forms.

	Those are the API form (node id → `class_type`, `inputs`), and what its editor saves, version 0.4 or 1.
	"""


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


class MissingKindReply(Reply):
	"""A kind of node that is not known here, and its nodes. `pack` has it, if the file says so."""

	kind: str
	nodes: list[str]
	pack: str

	@classmethod
	def of(cls, missing: MissingKind) -> MissingKindReply:
		"""A missing kind as the reader found it."""
		return cls(kind=missing.kind, nodes=list(missing.nodes), pack=missing.pack)


class MissingModelReply(Reply):
	"""A model file that the workflow asks for and that is not here, or (`differs`) is another one of the same name.

	It is found at `url`, if the file says so.
	"""

	name: str
	folder: str
	url: str
	differs: bool

	@classmethod
	def of(cls, missing: MissingModel) -> MissingModelReply:
		"""A missing model as the engine found it."""
		return cls(name=missing.name, folder=missing.folder, url=missing.url, differs=missing.differs)


class CheckReply(Reply):
	"""Everything that is wrong, and the nodes that save or show something and could run all the same.

	`memory` is what these will need, in bytes: of each node that uses models, their weights, what is needed to work with
	them, and how that will be managed. It is null if there is nothing to tell, or no worker to tell it.
	`outlook` is what a run would do now: what comes from the cache, and the seconds that the rest takes.
	`warnings` tell what of the file was left out or guessed, and which kinds are installed in another version than it was
	written for; `missing` the packs that it names for unknown kinds, `models` the model files that it asks for and that are
	not here.
	"""

	problems: list[ProblemReply]
	sinks: list[str]
	memory: Forecast | None = None
	outlook: Outlook | None = None
	warnings: list[str] = Field(default_factory=list)
	missing: list[MissingKindReply] = Field(default_factory=list)
	models: list[MissingModelReply] = Field(default_factory=list)
