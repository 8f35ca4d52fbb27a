"""`/object_info`: the declarations of the nodes, in the dialect's form."""

from __future__ import annotations

from pydantic import JsonValue, RootModel

from engine.declaration import Option
from server.schemas.base import Reply


class InputOptions(Reply):
	"""The second half of an input's spec. Only what applies is set, and only what is set is sent."""

	default: Option | None = None
	min: int | float | None = None
	max: int | float | None = None
	step: int | float | None = None
	round: float | None = None
	control_after_generate: bool | None = None
	display: str | None = None
	multiline: bool | None = None
	dynamicPrompts: bool | None = None  # noqa: N815 - the name on the wire
	image_upload: bool | None = None
	lazy: bool | None = None
	rawLink: bool | None = None  # noqa: N815 - the name on the wire
	tooltip: str | None = None


class ForeignOptions(RootModel[dict[str, JsonValue]]):
	"""The options of a foreign node's input, as its author wrote them."""


InputSpec = tuple[str | list[Option], InputOptions | ForeignOptions]
"""An input's type, or the values that may be chosen, and its options."""


class NodeInputs(Reply):
	"""The inputs of a node."""

	required: dict[str, InputSpec]
	optional: dict[str, InputSpec] | None = None
	hidden: dict[str, str] | None = None


class InputOrder(Reply):
	"""The names of the inputs, in the order in which editors show them."""

	required: list[str]
	optional: list[str] | None = None
	hidden: list[str] | None = None


class NodeEntry(Reply):
	"""One kind of node."""

	input: NodeInputs
	input_order: InputOrder
	output: list[str]
	output_is_list: list[bool]
	output_name: list[str]
	output_tooltips: list[str]
	name: str
	display_name: str
	description: str
	category: str
	python_module: str
	output_node: bool
	is_input_list: bool
	deprecated: bool
	experimental: bool
	dev_only: bool
	api_node: bool
	has_intermediate_output: bool
	search_aliases: list[str]
	essentials_category: str | None = None


class ObjectInfo(RootModel[dict[str, NodeEntry]]):
	"""Kind → entry."""
