"""What packs bring beside their nodes: `/i18n`, `/workflow_templates`, `/global_subgraphs`, `/node_replacements`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, model_serializer

from server.schemas.base import Reply


class Translations(RootModel[dict[str, JsonValue]]):
	"""Language → texts."""


class TemplateNames(RootModel[dict[str, list[str]]]):
	"""Pack → names of its example workflows."""


class SubgraphInfo(Reply):
	"""Which pack offers a subgraph."""

	node_pack: str


class SubgraphSummary(Reply):
	"""A subgraph that every workflow can use."""

	source: Literal['custom_node'] = 'custom_node'
	name: str
	info: SubgraphInfo


class Subgraph(SubgraphSummary):
	"""The same with the JSON text of a graph that defines it."""

	data: str


class Subgraphs(RootModel[dict[str, SubgraphSummary]]):
	"""Id → subgraph."""


class Entry(BaseModel):
	"""Base of the entries that say what becomes what; what else packs write into them is dropped."""

	model_config = ConfigDict(extra='ignore', frozen=True)


class InputMapping(Entry):
	"""Where an input of the new node has its value from: from an input of the old one, or it is always the same."""

	new_id: str
	old_id: str | None = None
	set_value: JsonValue = None

	@model_serializer
	def as_written(self) -> dict[str, JsonValue]:
		"""Only what was given: front ends look which of the two there is."""
		return {
			name: getattr(self, name) for name in ('new_id', 'old_id', 'set_value') if name in self.model_fields_set
		}


class OutputMapping(Entry):
	"""Which output of the new node stands for one of the old."""

	new_idx: int
	old_idx: int


class Replacement(Entry):
	"""A kind of node that can stand in for one that is no more.

	Without mappings, inputs and outputs are those of the old one. `old_widget_ids` names the old node's widgets in the
	order in which saved workflows list their values.
	"""

	new_node_id: str = Field(min_length=1)
	old_node_id: str
	old_widget_ids: list[str] | None = None
	input_mapping: list[InputMapping] | None = None
	output_mapping: list[OutputMapping] | None = None


class Replacements(RootModel[dict[str, list[Replacement]]]):
	"""Kind that is no more → what can stand in for it."""


class TemplateIndex(RootModel[list[JsonValue]]):
	"""The categories of the template browser."""


class TemplateLogos(RootModel[dict[str, str]]):
	"""The logos of the template browser."""
