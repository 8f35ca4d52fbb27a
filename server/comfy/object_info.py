"""A declaration as an entry of `/object_info`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Text, Toggle, Varying, Widget
from server.schemas.nodes import (
	ForeignOptions,
	InputOptions,
	InputOrder,
	InputSpec,
	NodeEntry,
	NodeInputs,
	ObjectInfo,
)


def object_info(nodes: Iterable[NodeInfo]) -> ObjectInfo:
	"""All entries. File choices are listed as they stand in the declarations: see `Storage.described`."""
	return ObjectInfo({node.kind: node_entry(node) for node in nodes})


def node_entry(node: NodeInfo) -> NodeEntry:
	"""One entry."""
	spec = foreign_spec if node.foreign else input_spec
	required = {item.name: spec(item) for item in node.inputs if item.required}
	optional = {item.name: spec(item) for item in node.inputs if not item.required} or None
	hidden = {name: kind.upper() for name, kind in node.hidden.items()} or None
	return NodeEntry(
		input=NodeInputs(required=required, optional=optional, hidden=hidden),
		input_order=InputOrder(
			required=list(required),
			optional=None if optional is None else list(optional),
			hidden=None if hidden is None else list(hidden),
		),
		output=[output.type for output in node.outputs],
		output_is_list=[output.is_list for output in node.outputs],
		output_name=[output.name for output in node.outputs],
		output_tooltips=[output.tooltip for output in node.outputs],
		name=node.kind,
		display_name=node.title,
		description=node.description,
		category=node.category,
		python_module=node.origin,
		output_node=node.sink,
		is_input_list=node.input_is_list,
		deprecated=node.deprecated,
		experimental=node.experimental,
		dev_only=node.dev_only,
		api_node=node.api_node,
		has_intermediate_output=node.intermediate,
		search_aliases=list(node.aliases),
		essentials_category=node.essentials or None,
	)


def input_spec(item: Input) -> InputSpec:
	"""An input's type and options. A choice is its list of values: clients look for model names there."""
	if item.dynamic is not None:
		return item.type, ForeignOptions(dynamic_options(item.dynamic, item.tooltip))
	if item.options:
		return foreign_spec(item)
	options = {
		**widget_options(item.widget),
		'lazy': item.lazy or None,
		'rawLink': item.raw_link or None,
		'tooltip': item.tooltip or None,
	}
	given = {name: value for name, value in options.items() if value is not None}
	type_or_values = list(item.widget.options) if isinstance(item.widget, Choice) else item.type
	return type_or_values, InputOptions.model_validate(given)


def dynamic_options(dynamic: Growing | Varying, tooltip: str) -> dict[str, JsonValue]:
	"""What an input that stands for others tells of them."""
	told: dict[str, JsonValue] = {'tooltip': tooltip} if tooltip else {}
	if isinstance(dynamic, Varying):
		options: list[JsonValue] = [
			{'key': variant.key, 'inputs': _group(variant.inputs)} for variant in dynamic.variants
		]
		return {**told, 'options': options}
	names: dict[str, JsonValue] = (
		{'prefix': dynamic.prefix, 'max': len(dynamic.names)} if dynamic.prefix else {'names': list(dynamic.names)}
	)
	return {**told, 'template': {'input': _group((dynamic.item,)), **names, 'min': dynamic.min}}


def _group(inputs: Iterable[Input]) -> dict[str, JsonValue]:
	"""Inputs as they stand inside of another's options. A choice is of the type COMBO there."""
	found: dict[str, dict[str, JsonValue]] = {'required': {}, 'optional': {}}
	for item in inputs:
		type_or_values, options = input_spec(item)
		told: dict[str, JsonValue] = options.model_dump(exclude_none=True)
		if isinstance(type_or_values, list):
			type_or_values, told = 'COMBO', {**told, 'options': list(type_or_values)}
		found['required' if item.required else 'optional'][item.name] = [type_or_values, told]
	return {name: group for name, group in found.items() if group or name == 'required'}


def foreign_spec(item: Input) -> InputSpec:
	"""The same of an input that was declared in the dialect itself: its options are passed on untouched."""
	options = ForeignOptions(item.options)
	# In its newer form a choice is of the type COMBO, with its values among the options.
	if isinstance(item.widget, Choice) and 'options' not in item.options:
		return list(item.widget.options), options
	return item.type, options


def widget_options(widget: Widget | None) -> Mapping[str, object]:
	"""What a widget's editor needs to know; None stands for what does not apply."""
	match widget:
		case Number():
			return {
				'default': widget.default,
				'min': widget.min,
				'max': widget.max,
				'step': widget.step,
				'round': widget.round,
				'control_after_generate': widget.seed or None,
				'display': widget.display or None,
			}
		case Text():
			return {
				'default': widget.default,
				'multiline': widget.multiline or None,
				'dynamicPrompts': widget.dynamic_prompts or None,
				'display': widget.display or None,
			}
		case Toggle():
			return {'default': widget.default}
		case Choice():
			return {'default': widget.default, 'image_upload': widget.upload or None}
		case None:
			return {}
