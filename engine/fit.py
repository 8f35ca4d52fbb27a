"""Which worker a job goes to: one that has the job's models already, else the one that has rested longest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from engine.declaration import NodeInfo
from engine.graph import Constant, Graph

MODEL_SOCKETS = frozenset({'MODEL', 'CLIP', 'VAE'})
Models = frozenset[str]
"""The nodes of a graph that give models: each its kind and constants, as text."""


def models_of(graph: Graph, nodes: Mapping[str, NodeInfo]) -> Models:
	"""What a graph will have loaded."""
	found: set[str] = set()
	for call in graph.calls.values():
		info = nodes.get(call.kind)
		if info is not None and not MODEL_SOCKETS.isdisjoint(output.type for output in info.outputs):
			constants = {name: value.value for name, value in call.inputs.items() if isinstance(value, Constant)}
			found.add(json.dumps([call.kind, constants], sort_keys=True))
	return frozenset(found)


class Resting(Protocol):
	"""A worker that waits for a job: what the last one had loaded, and since when it rests, in whatever counts up."""

	@property
	def loaded(self) -> Models: ...

	@property
	def rests_since(self) -> int: ...


W = TypeVar('W', bound=Resting)


def best_of(resting: Sequence[W], wanted: Models) -> W:
	"""The worker that shares the most models with a job; among equals the one that rests longest."""
	return min(resting, key=lambda worker: (-len(worker.loaded & wanted), worker.rests_since))
