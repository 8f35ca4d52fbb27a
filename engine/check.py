"""The one validator: a graph and declarations in, every problem out.

Follows what ComfyUI's server checks: nodes that feed a selected sink are looked at, constants are brought into their
widget's normal form (`"5"` → 5 for an INT), links must fit their input. Beyond that it follows types through nodes that
hand any type on, and what is known of models and sizes (`engine.facts`). A sink can run when nothing it needs has a
problem, whatever is wrong elsewhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from engine.check_call import CallCheck, normal_form
from engine.declaration import NodeInfo
from engine.graph import Call, Graph, NodeId
from engine.needs import circles, dependency_order, downstream
from engine.problems import Checked, Code, Problem, shown
from engine.storage import Storage

__all__ = ['Checked', 'Code', 'Problem', 'check', 'normal_form', 'shown', 'with_refusals']


def check(
	graph: Graph,
	nodes: Mapping[str, NodeInfo],
	storage: Storage,
	*,
	targets: Collection[str] | None = None,
	tolerant: bool = False,
) -> Checked:
	"""Look at everything that the selected sinks need.

	`targets` selects sinks (all, if None; others among them are passed over). A `tolerant` check lets pass inputs that
	a node does not declare, as ComfyUI's does. Nodes that judge their constants themselves are not asked here: that is
	the caller's part, with `validations` and `with_refusals`.
	"""
	sinks: list[NodeId] = []
	unknown: list[NodeId] = []
	for node, call in graph.calls.items():
		info = nodes.get(call.kind)
		if info is None:
			unknown.append(node)
		elif info.sink and (targets is None or node in targets):
			sinks.append(node)
	problems = [_unknown_kind(node, graph.calls[node], nodes) for node in unknown]
	if not sinks and not problems:
		problems.append(_no_sink(graph, nodes, targets))
	order, circular = dependency_order(graph.calls, sinks)
	looked = CallCheck(graph, nodes, storage, tolerant)
	for node in order:
		looked.look(node)
	if looked.problems:
		place = {node: index for index, node in enumerate(graph.calls)}
		problems.extend(sorted(looked.problems, key=lambda problem: place[NodeId(str(problem.node))]))
	if circular:
		problems.extend(_circles(graph.calls, order))
	return Checked(
		Graph({**graph.calls, **looked.changed}) if looked.changed else graph,
		tuple(problems),
		tuple(sinks),
		_good(graph, sinks, problems),
		tuple(looked.validations),
	)


def with_refusals(checked: Checked, refusals: Mapping[NodeId, str]) -> Checked:
	"""What was found, once the nodes of `validations` were asked: node id → why it refuses its constants."""
	problems = list(checked.problems)
	for asked in checked.validations:
		said = refusals.get(asked.node)
		if said is None:
			continue
		name = next(iter((*asked.constants, *asked.links)), None)
		problems.append(
			Problem(
				code='custom_validation_failed',
				node=asked.node,
				kind=asked.kind,
				input=name,
				received=said,
				value=None if name is None else asked.constants.get(name),
			)
		)
	return replace(
		checked,
		problems=tuple(problems),
		good_sinks=_good(checked.graph, checked.sinks, problems),
		validations=(),
	)


def _good(graph: Graph, sinks: Sequence[NodeId], problems: Sequence[Problem]) -> tuple[NodeId, ...]:
	if not problems:
		return tuple(sinks)
	spoilt = downstream(graph, {NodeId(problem.node) for problem in problems if problem.node is not None})
	return tuple(sink for sink in sinks if sink not in spoilt)


def _unknown_kind(node: NodeId, call: Call, nodes: Mapping[str, NodeInfo]) -> Problem:
	near = difflib.get_close_matches(call.kind, nodes, n=1)
	return Problem(
		code='missing_node_type',
		node=node,
		kind=call.kind,
		expected=f'a known kind (did you mean {near[0]!r}?)' if near else 'a known kind',
		received=repr(call.kind) if call.kind else 'none',
		value=call.title or None,
	)


def _no_sink(graph: Graph, nodes: Mapping[str, NodeInfo], targets: Collection[str] | None) -> Problem:
	if not graph.calls:
		received = 'an empty graph'
	elif targets is not None and any(nodes[call.kind].sink for call in graph.calls.values()):
		received = 'none among the selected targets'
	else:
		received = 'none'
	return Problem(
		code='prompt_no_outputs', expected='a node that saves or shows something (SaveImage, …)', received=received
	)


def _circles(calls: Mapping[NodeId, Call], order: Sequence[NodeId]) -> Iterator[Problem]:
	for circle in circles(calls, order):
		told = ' -> '.join(f'{node} ({calls[node].kind})' for node in (*circle, circle[0]))
		for node in circle:
			yield Problem(
				code='dependency_cycle',
				node=node,
				kind=calls[node].kind,
				expected='links that lead in no circle',
				received=told,
				cycle=circle,
			)
