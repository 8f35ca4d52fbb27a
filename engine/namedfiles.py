"""Which files a graph names: models, and what lies in the input folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.declaration import Choice, NodeInfo
from engine.dynamic import live_inputs
from engine.files import annotated
from engine.graph import Constant, Graph, NodeId


@dataclass(frozen=True, slots=True)
class NamedFile:
	"""A file that an input of a node names. `folder` is that of models, or `input`, `output`, `temp`."""

	node: NodeId
	input: str
	folder: str
	name: str
	is_model: bool


def named_files(graph: Graph, nodes: Mapping[str, NodeInfo]) -> Iterator[NamedFile]:
	"""The files that the constants of a graph name, whether they are there or not; node by node, repeated ones too."""
	choices: dict[str, tuple[tuple[str, str], ...]] = {}
	for node, call in graph.calls.items():
		info = nodes.get(call.kind)
		if info is None:
			continue
		if info.is_dynamic:
			wanted = _choices(info, call.inputs)
		else:
			known = choices.get(call.kind)
			wanted = choices[call.kind] = _choices(info, {}) if known is None else known
		for name, source in wanted:
			given = call.inputs.get(name)
			if isinstance(given, Constant) and isinstance(given.value, str):
				kind, _, folder = source.partition(':')
				if kind == 'models':
					yield NamedFile(node, name, folder, given.value, True)
				else:
					plain, root = annotated(given.value)
					yield NamedFile(node, name, root, plain, False)


def _choices(info: NodeInfo, given: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
	"""The inputs that choose among files: their names, and where the files lie."""
	return tuple(
		(item.name, item.widget.files_from)
		for item in live_inputs(info, given)
		if isinstance(item.widget, Choice) and item.widget.files_from
	)
