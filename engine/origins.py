"""From which nodes a step's results come although its key does not tell: an expansion may link to any node of its job.

A key names what a step is linked to, through however many links. What an expansion takes from elsewhere is known only
once it is there. Such results, and what is made of them, are never kept under the keys of their steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.calling import Made
from engine.flow import Returned
from engine.graph import Link, NodeId
from engine.plan import Step

NONE: frozenset[NodeId] = frozenset()


class Origins:
	"""Remembers for the nodes of one run which others their results come from untold."""

	def __init__(self, steps: Mapping[NodeId, Step]) -> None:
		self._steps = steps
		self._untold: dict[NodeId, frozenset[NodeId]] = {}

	def of(self, nodes: Iterable[NodeId]) -> frozenset[NodeId]:
		"""What the results of some nodes come from untold."""
		if not self._untold:
			return NONE
		return NONE.union(*(self._untold.get(node, NONE) for node in nodes))

	def borrowed(self, made: Iterable[Made]) -> frozenset[NodeId]:
		"""The nodes that expansions take from outside of themselves, and what is untold of what they give."""
		outside: set[NodeId] = set()
		for one in made:
			if not isinstance(one, Returned) or one.expand is None:
				continue
			inputs = [value for call in one.expand.calls.values() for value in call.inputs.values()]
			given = [value.node for value in one.outputs or () if type(value) is Link]
			outside.update(given, (value.node for value in inputs if type(value) is Link))
			outside.difference_update(one.expand.calls)
			outside |= self.of(given)
		return frozenset(outside)

	def settle(self, step: Step, found: frozenset[NodeId]) -> frozenset[NodeId]:
		"""Note what a step's results come from, and give what of it the step's key does not tell."""
		untold = found - self._ancestors(step, found) if found else found
		if untold:
			self._untold[step.node] = untold
		else:
			# It may have run before in this job, linked otherwise.
			self._untold.pop(step.node, None)
		return untold

	def repeat(self, node: NodeId, leader: NodeId) -> None:
		"""Note that a node has the results of its equal."""
		untold = self.of((leader,))
		if untold:
			self._untold[node] = untold

	def _ancestors(self, step: Step, wanted: frozenset[NodeId]) -> set[NodeId]:
		"""Those of some nodes that a step is linked to, through however many links."""
		found: set[NodeId] = set()
		seen: set[NodeId] = set()
		stack = [*step.upstream, *step.lazy]
		while stack and not wanted <= found:
			node = stack.pop()
			if node not in seen:
				seen.add(node)
				if node in wanted:
					found.add(node)
				stack += (*self._steps[node].upstream, *self._steps[node].lazy)
		return found
