"""A node as data: all that server, editor, checker and other processes know of it. JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine.sockets import joins

Lane = Literal['device', 'cpu', 'disk', 'network']
Hidden = Literal[
	'prompt',
	'dynprompt',
	'extra_pnginfo',
	'unique_id',
	'auth_token_comfy_org',
	'api_key_comfy_org',
	'comfy_usage_source',
]
Caching = Literal['value', 'identity', 'never']
OpenInputs = Literal['no', 'links', 'all']
Option = str | int | float | bool


class Model(BaseModel):
	"""Base of the frozen data classes that cross process borders."""

	model_config = ConfigDict(frozen=True, extra='forbid', json_schema_serialization_defaults_required=True)

	def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
		"""A copy with some fields changed. What was worked out from the fields is worked out anew."""
		copied = super().model_copy(update=update, deep=deep)
		for name in copied.__dict__.keys() - type(self).model_fields.keys():
			del copied.__dict__[name]  # A cached property, which pydantic copies like a field.
		return copied


class Number(Model):
	"""A number typed or dragged; `min` and `max` are inclusive. `display` says how: `color` is a colour as 0xRRGGBB."""

	type: Literal['number'] = 'number'
	default: int | float | None = None
	min: int | float | None = None
	max: int | float | None = None
	step: int | float | None = None
	round: float | None = None
	seed: bool = False
	display: Literal['', 'color', 'slider'] = ''


class Text(Model):
	"""A line of text, or several. `display` says how: `curve` is the points of a curve, as JSON `[[x, y], …]`."""

	type: Literal['text'] = 'text'
	default: str = ''
	multiline: bool = False
	dynamic_prompts: bool = False
	display: Literal['', 'curve'] = ''


class Toggle(Model):
	"""On or off."""

	type: Literal['toggle'] = 'toggle'
	default: bool = False


class Choice(Model):
	"""One of several values: fixed ones, or the names of files that lie in a folder when asked.

	`files_from` is `models:<folder>` or `input:<image|video|audio|latent>`; `options` is then filled when described. An
	`open` choice takes other values too, since its options are found elsewhere; of a `several` one a list may be chosen.
	"""

	type: Literal['choice'] = 'choice'
	options: tuple[Option, ...] = ()
	default: Option | None = None
	files_from: str = ''
	upload: bool = False
	open: bool = False
	several: bool = False


Widget = Annotated[Number | Text | Toggle | Choice, Field(discriminator='type')]


class Input(Model):
	"""One input of a node. With a `widget` it may be given as a constant; without one only by a link.

	`lazy`: computed only when the node asks for it. `is_list`: all items of a list arrive at once; for other inputs the
	node is called once per item. `raw_link`: the node gets the link itself, not its value. `takes_skips`: a value that was
	skipped reaches the node as a `Skip` instead of having it passed over, and a job goes on for it when a node that feeds
	it fails. Inputs and outputs that name
	the same `generic` have one type, whichever comes. `dynamic`: it stands for other inputs, whose names begin with its
	own and a dot. `options` are those of a foreign declaration, untouched.
	"""

	name: str
	type: str
	widget: Widget | None = None
	required: bool = True
	tooltip: str = ''
	lazy: bool = False
	is_list: bool = False
	raw_link: bool = False
	takes_skips: bool = False
	generic: str = ''
	dynamic: Growing | Varying | None = Field(default=None, discriminator='type')
	options: dict[str, JsonValue] = Field(default_factory=dict)


class Growing(Model):
	"""As many inputs as are linked, each like `item`, called `names` in this order; the first `min` are required.

	Where the names are a `prefix` and a number from 0 on, it is told beside them.
	"""

	type: Literal['growing'] = 'growing'
	item: Input
	names: tuple[str, ...]
	min: int = 0
	prefix: str = ''


class Variant(Model):
	"""One value of a choice, and the inputs that belong to it."""

	key: str
	inputs: tuple[Input, ...] = ()


class Varying(Model):
	"""A choice that has other inputs for each of its values."""

	type: Literal['varying'] = 'varying'
	variants: tuple[Variant, ...]


class FromInput(Model):
	"""A fact that an output takes over from what comes in at one of the node's inputs. `input` names that input."""

	type: Literal['input'] = 'input'
	input: str


class FromConstant(Model):
	"""A fact that is the constant given at an input."""

	type: Literal['constant'] = 'constant'
	input: str


class FromFile(Model):
	"""A fact that the chosen model file tells by the names and shapes of its tensors."""

	type: Literal['file'] = 'file'
	input: str


class Fixed(Model):
	"""A fact that always holds."""

	type: Literal['fixed'] = 'fixed'
	value: str | int


Source = Annotated[FromInput | FromConstant | FromFile | Fixed, Field(discriminator='type')]


class Agreement(Model):
	"""What comes in at these inputs must agree in a fact (`family`, `channels`), as far as it is known before running.

	What has the fact `unless` is let through.
	"""

	fact: str
	inputs: tuple[str, ...]
	unless: str = ''


class Output(Model):
	"""One output of a node.

	`facts` refines its type by what is known before anything runs: fact name (`family`, `channels`, `width`, `height`)
	→ where it comes from.
	"""

	name: str
	type: str
	is_list: bool = False
	tooltip: str = ''
	generic: str = ''
	facts: dict[str, Source] = Field(default_factory=dict)


class Validator(Model):
	"""The node checks constants itself, before anything runs.

	The bounds and lists of the `inputs` it names (all, with `all_inputs`) are its own affair, and a foreign node is asked
	about no others; with `types` it also judges what types the links bring.
	"""

	inputs: tuple[str, ...] = ()
	all_inputs: bool = False
	types: bool = False

	def covers(self, name: str) -> bool:
		"""Whether it judges an input's value."""
		return self.all_inputs or name in self.inputs


class NodeInfo(Model):
	"""The declaration of a node kind.

	`version` is raised by hand when equal inputs would give other outputs; `code` is the digest of the pack's sources,
	where they are watched. A `sink` has an effect that is worth running for (it saves, it shows). `hidden` maps a name to
	what the node sees under it beside its inputs. `caching`: by `value` (equal inputs, equal outputs), by `identity`
	(the node id counts too), or `never`. `open_inputs`: whether inputs that are not declared reach the node.
	`unlisted` are names under which a constant reaches the node too, though nobody is offered them.
	`input_is_list`: all inputs arrive as lists, the undeclared too. `intermediate`: what it gives is worth showing while
	the job goes on. `essentials` is the part of an editor's short list that it belongs to; an `api_node` calls a paid
	service. `time_limit`: a call that takes more seconds is taken for hung, and its process is replaced.
	"""

	kind: str
	title: str
	category: str
	description: str = ''
	version: str = '1'
	code: str = ''
	inputs: tuple[Input, ...] = ()
	outputs: tuple[Output, ...] = ()
	lane: Lane = 'device'
	sink: bool = False
	hidden: dict[str, Hidden] = Field(default_factory=dict)
	origin: str = 'nodes'
	caching: Caching = 'value'
	open_inputs: OpenInputs = 'no'
	unlisted: tuple[str, ...] = ()
	input_is_list: bool = False
	validator: Validator | None = None
	agreements: tuple[Agreement, ...] = ()
	foreign: bool = False
	deprecated: bool = False
	experimental: bool = False
	dev_only: bool = False
	api_node: bool = False
	intermediate: bool = False
	essentials: str = ''
	aliases: tuple[str, ...] = ()
	time_limit: float | None = None

	@cached_property
	def inputs_by_name(self) -> Mapping[str, Input]:
		"""The inputs, to look up."""
		return {item.name: item for item in self.inputs}

	@cached_property
	def required_first(self) -> tuple[Input, ...]:
		"""The inputs, those that are required before the others."""
		return tuple(sorted(self.inputs, key=lambda item: not item.required))

	@cached_property
	def is_dynamic(self) -> bool:
		"""Whether some input stands for others: see `engine.dynamic.live_inputs`."""
		return any(item.dynamic is not None for item in self.inputs)

	@cached_property
	def has_lazy(self) -> bool:
		"""Whether some input is computed only when asked for."""
		return any(item.lazy for item in self.inputs)

	@cached_property
	def takes_lists(self) -> bool:
		"""Whether some input takes all items of a list at once."""
		return self.input_is_list or any(item.is_list for item in self.inputs)

	@cached_property
	def takes_skips(self) -> bool:
		"""Whether some input may bring a value that was skipped."""
		return any(
			item.takes_skips or (isinstance(item.dynamic, Growing) and item.dynamic.item.takes_skips)
			for item in self.inputs
		)

	@cached_property
	def sees_graph(self) -> bool:
		"""Whether what the node does may depend on how its graph is linked, beyond the values that come in."""
		return 'dynprompt' in self.hidden.values() or any(item.raw_link for item in self.inputs)

	@cached_property
	def sees_id(self) -> bool:
		"""Whether the node's id is part of what it computes."""
		return self.caching == 'identity' or 'unique_id' in self.hidden.values()

	def output_index(self, name: str) -> int | None:
		"""Which output bears this name, if exactly one does."""
		found = [index for index, output in enumerate(self.outputs) if output.name == name]
		return found[0] if len(found) == 1 else None


def accepts(wanted: str, offered: str) -> bool:
	"""Whether an output of one type may feed an input of another. A choice may be fed by text, and text by a choice."""
	if joins(offered, wanted):
		return True
	return {wanted, offered} == {'COMBO', 'STRING'}
