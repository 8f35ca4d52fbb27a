"""A graph checked with the worker's help: its declarations, and what nodes say of their own values."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aiohttp import web

from engine.check import Checked, check, with_refusals
from engine.declaration import NodeInfo
from engine.graph import Graph
from server.bounds import check_graph
from server.keys import LIMITS, STORAGE, SUPERVISOR
from server.worker import current_nodes, known_nodes


async def judge(
	app: web.Application, graph: Graph, *, targets: Collection[str] | None = None, tolerant: bool = False
) -> tuple[Mapping[str, NodeInfo], Checked]:
	"""Check a graph, and let nodes judge their own values. Foreign lists are read anew before a value is refused.

	Raises `TooLarge` for a graph beyond the limits, `WorkerLost` if no worker comes up or if it dies over the question.
	"""
	check_graph(graph, app[LIMITS])
	supervisor, storage = app[SUPERVISOR], app[STORAGE]
	nodes = await known_nodes(supervisor)
	checked = check(graph, nodes, storage, targets=targets, tolerant=tolerant)
	if any(problem.code == 'value_not_in_list' and nodes[problem.kind].foreign for problem in checked.problems):
		nodes = await current_nodes(supervisor)
		checked = check(graph, nodes, storage, targets=targets, tolerant=tolerant)
	if checked.validations and not any(problem.code == 'missing_node_type' for problem in checked.problems):
		checked = with_refusals(checked, await supervisor.validate(checked.validations))
	return nodes, checked
