"""The native workflow file as data: what stands in it, and what each part means.

Models keep keys that they do not know, so what a newer program or another tool wrote survives. `workflows/README.md`
shows the format by example; `GET /v1/workflow.schema.json` is the JSON Schema of these models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictFloat, StrictInt, model_validator

from engine.formats.migrate import VERSION, migrated

SUBGRAPH = 'subgraph:'
"""What the kind of an instance begins with; the name of its definition follows."""

FIRST_VERSION = '1'
"""The version that a kind has from the start; nodes of it need not say so."""

Mode = Literal['run', 'mute', 'bypass']
Measure = StrictInt | StrictFloat
Argument = Annotated[
	JsonValue,
	Field(
		description=(
			'A constant, or a link `{"node": id, "output": name or number}`, or inside of a subgraph `{"input": name}`: '
			'what its instance has there. Both may have a `value` beside, which holds if nothing comes that way. A '
			'constant that is an object is wrapped: `{"value": {…}}`.'
		)
	),
]


class Part(BaseModel):
	"""A part of the file. Keys that are not known are kept."""

	model_config = ConfigDict(extra='allow')


class NodeEntry(Part):
	"""One node: what it is and what its inputs are given.

	The kind of an instance of a subgraph is `subgraph:NAME`. `version` is that of the kind when the file was written.
	A node that is `mute`d gives nothing; of one that is `bypass`ed each output hands on what comes in at an input of the
	same type, unless `passes` names the input (output → input, or null for none).
	"""

	kind: str
	title: str = ''
	version: str = Field(default='', description="the kind's version when this was written; empty: 1")
	pack: str = Field(default='', description='the pack that has the kind; empty for what comes with the program')
	mode: Mode = 'run'
	passes: dict[str, str | None] = Field(
		default_factory=dict, description='for a bypassed node: output, by name or number → the input that it hands on'
	)
	inputs: dict[str, Argument] = Field(default_factory=dict)


class Parameter(Part):
	"""What is told of an input of a workflow or of a subgraph. `default` holds where nothing is given; it may be absent."""

	type: str | None = Field(default=None, description='the socket type; null: that of the input that it stands for')
	default: JsonValue = Field(default=None, description='if this is absent there is no default')
	label: str = Field(default='', description='what people see instead of the name')
	description: str = ''
	min: Measure | None = None
	max: Measure | None = None

	@property
	def has_default(self) -> bool:
		"""Whether there is a default: null is one, too, if it is written."""
		return 'default' in self.model_fields_set


class NamedInput(Parameter):
	"""A workflow input: a name for one input of one node.

	The node may be an instance of a subgraph, or a node inside of one (`INSTANCE:INNER`). What the node itself has at the
	input is what holds if nobody gives anything; where it has nothing, `default` does.
	"""

	node: str
	input: str


class NamedOutput(Part):
	"""A workflow output: a name for what a node gives. Without `output`, what the node saves or shows is meant."""

	node: str
	output: str | int | None = None
	type: str | None = None
	description: str = ''


class SubgraphInput(Parameter):
	"""An input of a subgraph: nodes inside name it as `{"input": name}`. With a default it is a widget of instances."""


class SubgraphOutput(Part):
	"""An output of a subgraph: an output of a node inside, or (`input`) what comes in at an input of the subgraph itself."""

	node: str | None = None
	output: str | int | None = None
	input: str | None = None
	type: str | None = None
	label: str = ''
	description: str = ''


class DrawnPlace(Part):
	"""Where something lies, in pixels, and how it looks. Colours are CSS colours."""

	x: Measure
	y: Measure
	width: Measure | None = None
	height: Measure | None = None
	color: str = Field(default='', description='of the title bar')
	background: str = ''
	collapsed: StrictBool = False


class NodePlace(DrawnPlace):
	"""Where a node lies, how it looks, and what an editor does with its seeds, which is no part of what runs."""

	seeds: dict[str, str] = Field(
		default_factory=dict,
		description=(
			'input → what becomes of its value after a run: `fixed`, `increment`, `decrement`, `randomise`, '
			'`increment-wrap`; those that are not named are fixed'
		),
	)


class GroupPlace(Part):
	"""A frame around nodes."""

	title: str = ''
	x: Measure
	y: Measure
	width: Measure
	height: Measure
	color: str = ''


class NotePlace(DrawnPlace):
	"""A note on the canvas, in Markdown (`plain`: text as it is)."""

	text: str = ''
	title: str = ''
	plain: StrictBool = False


class LinkEnd(Part):
	"""Where a link ends: an input of a node."""

	node: str
	input: str


class ReroutePlace(Part):
	"""A point that links are drawn through: those that end at `links`, behind the point `after` if that is not null."""

	x: Measure
	y: Measure
	after: str | None = None
	links: list[LinkEnd] = Field(default_factory=list)


class Layout(Part):
	"""How the graph is drawn. Nothing of what runs depends on it: without it the file does the same."""

	nodes: dict[str, NodePlace] = Field(default_factory=dict)
	groups: dict[str, GroupPlace] = Field(default_factory=dict)
	notes: dict[str, NotePlace] = Field(default_factory=dict)
	reroutes: dict[str, ReroutePlace] = Field(default_factory=dict)


class SubgraphDefinition(Part):
	"""A graph that nodes of the kind `subgraph:NAME` stand for. It may have such nodes itself, but not contain itself."""

	title: str = ''
	description: str = ''
	inputs: dict[str, SubgraphInput] = Field(default_factory=dict)
	outputs: dict[str, SubgraphOutput] = Field(default_factory=dict)
	nodes: dict[str, NodeEntry] = Field(default_factory=dict)
	layout: Layout = Field(default_factory=Layout)


class ModelNeed(Part):
	"""A model file that the workflow names, and where it is found.

	`digest` is the one that the program itself knows files by (SHA-256 over the size and samples, as `lumengraph models`
	tells it), `sha256` that of the whole file; both in hexadecimal digits.
	"""

	folder: str = Field(default='', description='the folder of model files that it belongs in, such as `checkpoints`')
	digest: str = ''
	sha256: str = ''
	url: str = ''


class Requirements(Part):
	"""What must be there for the workflow to run: packs (name → version), and model files by name."""

	packs: dict[str, str] = Field(default_factory=dict)
	models: dict[str, ModelNeed] = Field(default_factory=dict)


class WorkflowDocument(Part):
	"""A native workflow file. Files of earlier versions are brought to this one as they are read."""

	lumengraph: int = Field(description=f'the version of the format: {VERSION}', json_schema_extra={'maximum': VERSION})
	title: str = ''
	description: str = ''
	requires: Requirements = Field(default_factory=Requirements)
	inputs: dict[str, NamedInput] = Field(default_factory=dict)
	outputs: dict[str, NamedOutput] = Field(default_factory=dict)
	nodes: dict[str, NodeEntry]
	subgraphs: dict[str, SubgraphDefinition] = Field(default_factory=dict)
	layout: Layout = Field(default_factory=Layout)

	@model_validator(mode='before')
	@classmethod
	def _migrate(cls, document: object) -> object:
		return migrated(document) if isinstance(document, dict) else document
