"""What a foreign node gives → `Returned`: outputs in native form, what it shows, and the graph that it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.declaration import NodeInfo, Output
from engine.errors import NodeUsage
from engine.flow import Expand, Returned, Skip, as_argument
from engine.graph import Argument, Call, Link, NodeId
from nodes.comfy import plain
from nodes.comfy.shims.comfy_execution.graph import ExecutionBlocker
from nodes.comfy.shims.comfy_execution.graph_utils import is_link
from nodes.comfy.values import to_native


def returned(result: object, info: NodeInfo, node: str) -> Returned:
	"""Read one call's result: a tuple or list, a dict of `result`, `ui` and `expand`, a blocker, or None.

	Outputs beyond the declared ones are left out. Raises `NodeUsage`, naming the node, for anything else.
	"""
	if not isinstance(result, dict):
		return Returned(_outputs(result, info, node, linked=False))
	ui = None if result.get('ui') is None else plain.shown(result['ui'], node)
	graph = result.get('expand')
	outputs = _outputs(result.get('result'), info, node, linked=graph is not None)
	if graph is None:
		return Returned(outputs, ui)
	calls, displays = _graph(graph, node)
	return Returned(outputs, ui, Expand(calls, outputs or (), displays))


def _outputs(result: object, info: NodeInfo, node: str, *, linked: bool) -> tuple[object, ...] | None:
	if result is None:
		return None
	if isinstance(result, ExecutionBlocker):
		return (Skip(result.message),) * len(info.outputs)
	if not isinstance(result, list | tuple):
		if not info.outputs:
			return ()
		raise NodeUsage(f'Node {node!r} ({info.kind}) gave a {type(result).__name__}; a tuple of outputs is expected.')
	return tuple(
		_link(value) if linked and is_link(value) else _output(value, output)
		for value, output in zip(result, info.outputs, strict=False)
	)


def _output(value: object, output: Output) -> object:
	if output.is_list and isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
		return [to_native(item, output.type) for item in value]
	return to_native(value, output.type)


def _graph(graph: object, node: str) -> tuple[dict[NodeId, Call], dict[NodeId, str]]:
	if not isinstance(graph, Mapping):
		raise NodeUsage(f'Node {node!r} expands to a {type(graph).__name__}; a graph in API form is expected.')
	calls: dict[NodeId, Call] = {}
	displays: dict[NodeId, str] = {}
	for key, told in graph.items():
		inputs = told.get('inputs', {}) if isinstance(told, Mapping) else None
		if not isinstance(inputs, Mapping) or not isinstance(told.get('class_type'), str):
			raise NodeUsage(
				f'Node {node!r} expands to a graph whose node {key!r} is none: class_type or inputs are bad.'
			)
		new = NodeId(str(key))
		calls[new] = Call(told['class_type'], {str(name): _argument(value) for name, value in inputs.items()})
		if told.get('override_display_id') is not None:
			displays[new] = str(told['override_display_id'])
	return calls, displays


def _argument(value: object) -> Argument:
	if is_link(value):
		return _link(value)
	if isinstance(value, str):
		return as_argument(str.__str__(value))
	return as_argument(Skip(value.message) if isinstance(value, ExecutionBlocker) else value)


def _link(value: list[object]) -> Link:
	node, output = value
	return Link(NodeId(str(node)), int(str(output).partition('.')[0]))
