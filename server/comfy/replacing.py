"""Nodes of kinds that are no more, replaced by what their packs name as successors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from aiohttp import web

from engine.graph import Argument, Call, Constant, Graph, Link
from server.comfy.pack_files import pack_folders, replacements
from server.keys import SETTINGS, SUPERVISOR
from server.schemas.packs import Replacement
from server.worker import known_nodes


async def with_replacements(app: web.Application, graph: Graph) -> Graph:
	"""The graph with successors in the places of unknown kinds, where there are any."""
	nodes = await known_nodes(app[SUPERVISOR])
	if all(call.kind in nodes for call in graph.calls.values()):
		return graph
	folders = app[SETTINGS].pack_folders
	named = await asyncio.to_thread(lambda: replacements(pack_folders(folders)))
	return replaced(graph, nodes, named)


def replaced(graph: Graph, nodes: Mapping[str, object], named: Mapping[str, Sequence[Replacement]]) -> Graph:
	"""The graph in which each node of a kind that is not among `nodes` is one of the first successor that is."""
	chosen: dict[str, Replacement] = {}
	for node, call in graph.calls.items():
		fitting = [entry for entry in named.get(call.kind, ()) if entry.new_node_id in nodes]
		if call.kind not in nodes and fitting:
			chosen[node] = fitting[0]
	if not chosen:
		return graph
	calls = {
		node: Call(
			chosen[node].new_node_id if node in chosen else call.kind,
			{
				name: relinked(argument, chosen)
				for name, argument in (given(call, chosen[node]) if node in chosen else call.inputs).items()
			},
			call.title,
		)
		for node, call in graph.calls.items()
	}
	return Graph(calls)


def given(call: Call, successor: Replacement) -> Mapping[str, Argument]:
	"""The inputs of the new node. Inputs that the old one was not given stay out."""
	if successor.input_mapping is None:
		return call.inputs
	inputs: dict[str, Argument] = {}
	for entry in successor.input_mapping:
		if 'set_value' in entry.model_fields_set:
			inputs[entry.new_id] = Constant(entry.set_value)
		elif entry.old_id is not None and entry.old_id in call.inputs:
			inputs[entry.new_id] = call.inputs[entry.old_id]
	return inputs


def relinked(argument: Argument, chosen: Mapping[str, Replacement]) -> Argument:
	"""A link to an output of a replaced node leads to the one that stands for it."""
	if not isinstance(argument, Link) or argument.node not in chosen:
		return argument
	for entry in chosen[argument.node].output_mapping or ():
		if entry.old_idx == argument.output:
			return Link(argument.node, entry.new_idx)
	return argument
