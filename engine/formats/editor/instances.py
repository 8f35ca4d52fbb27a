"""Instances of subgraphs as the editor sees them: nodes of a kind that the definition declares."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from pydantic import JsonValue

from engine.declaration import Input, NodeInfo, Number, Output, Text, Toggle, Widget
from engine.formats.arguments import FromOutside, read_argument
from engine.formats.document import SUBGRAPH, NodeEntry, SubgraphDefinition, WorkflowDocument
from engine.formats.editor.widgets import has_widget

COMFY = 'comfy'
"""The block of a part of a native file that holds what a form of ComfyUI says of it and ours has no place for."""


class Instances:
	"""Declarations of all kinds that the nodes of a document are of."""

	def __init__(self, document: WorkflowDocument, nodes: Mapping[str, NodeInfo]) -> None:
		self.nodes = nodes
		self._subgraphs = document.subgraphs
		self._promoted: dict[str, frozenset[str]] = {}
		self._infos: dict[str, NodeInfo] = {}

	def id(self, name: str) -> str:
		"""The id of a definition: the one that it had in the editor form, or one made of its name."""
		told = (self._subgraphs[name].model_extra or {}).get(COMFY)
		known = told.get('id') if isinstance(told, dict) else None
		return known if isinstance(known, str) and known else str(uuid5(NAMESPACE_URL, f'{SUBGRAPH}{name}'))

	def info(self, entry: NodeEntry) -> NodeInfo | None:
		"""The declaration of a node's kind; None if that is not known."""
		name = entry.kind.removeprefix(SUBGRAPH)
		if name == entry.kind or name not in self._subgraphs:
			return self.nodes.get(entry.kind)
		if name not in self._infos:
			self._infos[name] = self._declared(name, self._subgraphs[name])
		return self._infos[name]

	def _declared(self, name: str, definition: SubgraphDefinition) -> NodeInfo:
		promoted = self.promoted(name)
		return NodeInfo(
			kind=self.id(name),
			title=definition.title or name,
			category='',
			inputs=tuple(
				Input(
					name=given,
					type=item.type or '*',
					widget=_widget(item.default) if given in promoted else None,
					# Nothing beside its value: what becomes of it after a run is the node's inside.
					options={'control_after_generate': False},
				)
				for given, item in definition.inputs.items()
			),
			outputs=tuple(Output(name=given, type=item.type or '*') for given, item in definition.outputs.items()),
		)

	def promoted(self, name: str, within: tuple[str, ...] = ()) -> frozenset[str]:
		"""The inputs of a definition that feed a widget inside: instances have widgets for them."""
		if name in within or name not in self._subgraphs:
			return frozenset()
		if name not in self._promoted:
			found: set[str] = set()
			for entry in self._subgraphs[name].nodes.values():
				for given, value in entry.inputs.items():
					argument = read_argument(value)
					if isinstance(argument, FromOutside) and self._is_widget(entry, given, (*within, name)):
						found.add(argument.name)
			self._promoted[name] = frozenset(found)
		return self._promoted[name]

	def _is_widget(self, entry: NodeEntry, given: str, within: tuple[str, ...]) -> bool:
		nested = entry.kind.removeprefix(SUBGRAPH)
		if nested != entry.kind and nested in self._subgraphs:
			return given in self.promoted(nested, within)
		info = self.nodes.get(entry.kind)
		item = info.inputs_by_name.get(given) if info is not None else None
		return item is not None and has_widget(item)


def _widget(default: JsonValue) -> Widget:
	match default:
		case bool():
			return Toggle(default=default)
		case int() | float():
			return Number(default=default)
		case _:
			return Text(default=default if isinstance(default, str) else '')
