"""In which order ready steps are taken: the longest chain first, branch by branch, one model's work after the other's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.estimate import UNKNOWN_SECONDS, Timings
from engine.graph import Link, NodeId
from engine.plan import Step

MODEL = 'MODEL'


def order_of(
	pending: Iterable[Step], sinks: Sequence[NodeId], steps: Mapping[NodeId, Step], timings: Timings
) -> dict[NodeId, int]:
	"""Pending node → its place.

	Sinks that come from one model follow each other; the model with the longest chain is first. From each sink the
	graph is walked depth first, longest chain first, so that a branch ends before the next begins.
	"""
	wanted = {step.node: step for step in pending}
	if len(wanted) == 1:
		return dict.fromkeys(wanted, 0)
	# `steps` has dependencies first, which one pass needs; those that came by expansion may not be in it.
	lengths: dict[NodeId, float] = {}
	seconds: dict[str, float] = {}
	for node, step in steps.items():
		if node in wanted:
			longest = max((lengths.get(source, 0.0) for source in step.upstream), default=0.0)
			kind = step.spec.info.kind
			lengths[node] = longest + (
				seconds.get(kind) or seconds.setdefault(kind, timings.of(kind) or UNKNOWN_SECONDS)
			)
	roots = [sink for sink in sinks if sink in wanted]
	if len(roots) > 1:
		roots = _by_model(roots, steps, lengths)
	places: dict[NodeId, int] = {}
	opened: set[NodeId] = set()
	stack = list(reversed(roots or list(wanted)))
	while stack:
		node = stack[-1]
		if node in places:
			stack.pop()
			continue
		ahead = (
			[]
			if node in opened
			else [source for source in wanted[node].upstream if source in wanted and source not in places]
		)
		if not ahead:
			stack.pop()
			places[node] = len(places)
			continue
		opened.add(node)
		if len(ahead) > 1:
			ahead.reverse()  # of equally long ones, the first input comes first
			ahead.sort(key=lambda source: lengths.get(source, 0.0))
		stack.extend(ahead)
	for node in wanted:
		places.setdefault(node, len(places))
	return places


def _by_model(sinks: list[NodeId], steps: Mapping[NodeId, Step], lengths: Mapping[NodeId, float]) -> list[NodeId]:
	"""Sinks of one model side by side; the groups, and the sinks in each, longest chain first, else as they came."""
	models = model_of(steps)
	groups: dict[NodeId | None, list[NodeId]] = {}
	for sink in sinks:
		groups.setdefault(models.get(sink), []).append(sink)
	for group in groups.values():
		group.sort(key=lambda sink: -lengths.get(sink, 0.0))
	ordered = sorted(groups.values(), key=lambda group: -lengths.get(group[0], 0.0))
	return [sink for group in ordered for sink in group]


def model_of(steps: Mapping[NodeId, Step]) -> dict[NodeId, NodeId]:
	"""Node → the step that loads the model which it works with, for nodes that come from one."""
	found: dict[NodeId, NodeId] = {}
	for node, step in steps.items():
		links = [(name, value) for name, value in step.inputs.items() if isinstance(value, Link)]
		by_name = step.spec.info.inputs_by_name
		through = [value.node for name, value in links if name in by_name and by_name[name].type == MODEL]
		source = next((found[one] for one in (*through, *(value.node for _, value in links)) if one in found), None)
		if not through and any(output.type == MODEL for output in step.spec.info.outputs):
			source = node
		if source is not None:
			found[node] = source
	return found
