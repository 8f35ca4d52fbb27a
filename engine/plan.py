"""From a checked graph to steps: each with a key made only from what it computes.

key = SHA-256 over tagged canonical JSON: kind, version, constants in normal form, keys of the upstream steps with the
output taken, fingerprint of outside state. Node ids, titles and positions do not enter, so a renumbered graph is the
same. Keys are known before anything runs, so a cached picture spares loading its model. Nothing here is recursive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import networkx as nx
from pydantic import JsonValue

from engine.cache import CacheKey
from engine.errors import NodeFailed
from engine.graph import Constant, Graph, Link, NodeId
from engine.registry import Registry
from engine.spec import NodeSpec
from engine.storage import Storage


@dataclass(frozen=True, slots=True)
class Step:
	"""One node's part in a plan."""

	node: NodeId
	spec: NodeSpec
	inputs: Mapping[str, Link | Constant]
	key: CacheKey

	@property
	def upstream(self) -> tuple[NodeId, ...]:
		"""The nodes whose outputs this one takes."""
		return tuple(argument.node for argument in self.inputs.values() if isinstance(argument, Link))


@dataclass(frozen=True, slots=True)
class Plan:
	"""Steps, dependencies first; `sinks` are those that the job is for."""

	steps: tuple[Step, ...]
	sinks: tuple[NodeId, ...]

	def pending(self, cached: Collection[CacheKey]) -> tuple[Step, ...]:
		"""What is left to run: walked back from the sinks, stopping at what is cached."""
		by_node = {step.node: step for step in self.steps}
		wanted: set[NodeId] = set()
		waiting = list(self.sinks)
		while waiting:
			step = by_node[waiting.pop()]
			if step.node not in wanted and step.key not in cached:
				wanted.add(step.node)
				waiting.extend(step.upstream)
		return tuple(step for step in self.steps if step.node in wanted)


def make_plan(graph: Graph, registry: Registry, storage: Storage, sinks: Collection[NodeId]) -> Plan:
	"""Plan a graph that `check` found good: order by depth first, so that a branch is finished before the next begins.

	Raises `NodeFailed` if the fingerprint of a node cannot be taken (its file has gone).
	"""
	needed = graph.closure(sinks)
	steps: dict[NodeId, Step] = {}
	for node in _order(needed, sinks):
		call = needed.calls[node]
		spec = registry[call.kind]
		inputs = {
			wanted.name: argument
			for wanted in spec.info.inputs
			if isinstance(argument := call.inputs.get(wanted.name), Link | Constant)
		}
		steps[node] = Step(node, spec, inputs, _key(node, spec, inputs, steps, storage))
	return Plan(tuple(steps.values()), tuple(sinks))


def _order(graph: Graph, sinks: Collection[NodeId]) -> list[NodeId]:
	network: nx.DiGraph[NodeId] = nx.DiGraph()
	network.add_nodes_from(sinks)
	# A link of an input that the node does not declare may lead nowhere: a tolerant check lets it pass.
	network.add_edges_from((node, link.node) for node, _, link in graph.links() if link.node in graph.calls)
	return list(nx.dfs_postorder_nodes(network))


def _key(
	node: NodeId,
	spec: NodeSpec,
	inputs: Mapping[str, Link | Constant],
	done: Mapping[NodeId, Step],
	storage: Storage,
) -> CacheKey:
	constants: dict[str, JsonValue] = {}
	arguments: list[JsonValue] = []
	for name in sorted(inputs):
		match inputs[name]:
			case Link(node=source, output=output):
				arguments.append([name, 'link', done[source].key, output])
			case Constant(value=value):
				constants[name] = value
				arguments.append([name, 'constant', value])
	structure: list[JsonValue] = ['node', spec.info.kind, spec.info.version, arguments]
	if spec.fingerprint is not None:
		try:
			structure.append(['outside', spec.fingerprint(storage, constants)])
		except Exception as error:
			raise NodeFailed(node, spec.info.kind, error) from error
	if 'unique_id' in spec.info.hidden:
		structure.append(['id', str(node)])
	text = json.dumps(structure, sort_keys=True, separators=(',', ':'))
	return CacheKey(hashlib.sha256(text.encode()).hexdigest())
