"""What is another in one workflow than in an earlier one, in what it computes: places on the canvas and ids do not count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import JsonValue

from engine.declaration import Model, NodeInfo
from engine.formats.document import NamedInput, NamedOutput
from engine.formats.matching import match_nodes, same_constant
from engine.formats.workflow import Workflow
from engine.graph import Argument, BadLink, Call, Constant, Graph, Link, NodeId

InputChangeCode = Literal['added', 'removed', 'changed', 'rewired']
NamedChangeCode = Literal['added', 'removed', 'changed']


class Source(Model):
	"""Where a link comes from: a node, and one of its outputs by name (by number, where its kind is not known)."""

	node: str
	output: str


class GivenAs(Model):
	"""What an input is given: a link, or else a constant."""

	link: Source | None = None
	value: JsonValue = None


class InputChange(Model):
	"""An input that is given something else. `rewired`: a link is involved, before or after; null where it is not given."""

	input: str
	change: InputChangeCode
	before: GivenAs | None
	after: GivenAs | None


class NodeMark(Model):
	"""A node that is in one of the workflows only."""

	node: str
	kind: str
	title: str


class NodeChange(Model):
	"""A node that is in both, under the ids `before` and `after`, and is another."""

	before: NodeMark
	after: NodeMark
	inputs: tuple[InputChange, ...]


class NamedChange(Model):
	"""A workflow input or output that was added, removed, or stands for something else. Their entries as the files have them."""

	name: str
	change: NamedChangeCode
	before: dict[str, JsonValue] | None
	after: dict[str, JsonValue] | None


class TextChange(Model):
	"""The workflow's title or description is another."""

	field: Literal['title', 'description']
	before: str
	after: str


class Difference(Model):
	"""All that is another; `same` if nothing is. `renumbered` tells the new ids of nodes that have another one, which is no
	difference itself."""

	same: bool
	added: tuple[NodeMark, ...]
	removed: tuple[NodeMark, ...]
	changed: tuple[NodeChange, ...]
	inputs: tuple[NamedChange, ...]
	outputs: tuple[NamedChange, ...]
	texts: tuple[TextChange, ...]
	renumbered: dict[str, str]


def difference(before: Workflow, after: Workflow, nodes: Mapping[str, NodeInfo]) -> Difference:
	"""Compare two workflows, of whatever forms.

	Titles count where both are of one form, named inputs and outputs where both are native: other forms cannot say them.
	"""
	became = match_nodes(before.graph, after.graph)
	taken = set(became.values())
	added = tuple(_mark(node, call) for node, call in after.graph.calls.items() if node not in taken)
	removed = tuple(_mark(node, call) for node, call in before.graph.calls.items() if node not in became)
	changed = tuple(_Comparison(before, after, became, nodes).changes())
	native = before.form == after.form == 'native'
	inputs = tuple(_named(before.inputs, after.inputs, became)) if native else ()
	outputs = tuple(_named(before.outputs, after.outputs, became)) if native else ()
	texts = tuple(_texts(before, after)) if native else ()
	return Difference(
		same=not (added or removed or changed or inputs or outputs or texts),
		added=added,
		removed=removed,
		changed=changed,
		inputs=inputs,
		outputs=outputs,
		texts=texts,
		renumbered={old: new for old, new in became.items() if old != new},
	)


class _Comparison:
	"""Two graphs and which node of one became which of the other."""

	def __init__(
		self, before: Workflow, after: Workflow, became: Mapping[NodeId, NodeId], nodes: Mapping[str, NodeInfo]
	) -> None:
		self._before = before.graph
		self._after = after.graph
		self._titles_count = before.form == after.form
		self._became = became
		self._nodes = nodes

	def changes(self) -> Iterator[NodeChange]:
		for old, new in self._became.items():
			one, other = self._before.calls[old], self._after.calls[new]
			inputs = tuple(self._inputs(one, other))
			if inputs or one.kind != other.kind or (self._titles_count and one.title != other.title):
				yield NodeChange(before=_mark(old, one), after=_mark(new, other), inputs=inputs)

	def _inputs(self, one: Call, other: Call) -> Iterator[InputChange]:
		for name in dict.fromkeys((*one.inputs, *other.inputs)):
			old, new = one.inputs.get(name), other.inputs.get(name)
			code = self._code(old, new)
			if code is not None:
				before, after = _given(old, self._before, self._nodes), _given(new, self._after, self._nodes)
				yield InputChange(input=name, change=code, before=before, after=after)

	def _code(self, old: Argument | None, new: Argument | None) -> InputChangeCode | None:
		if old is None:
			return 'added'
		if new is None:
			return 'removed'
		if isinstance(old, Link) and isinstance(new, Link):
			same = self._became.get(old.node, old.node) == new.node and old.output == new.output
			return None if same else 'rewired'
		if isinstance(old, Link) or isinstance(new, Link):
			return 'rewired'
		return None if same_constant(old, new) else 'changed'


def _mark(node: NodeId, call: Call) -> NodeMark:
	return NodeMark(node=node, kind=call.kind, title=call.title)


def _given(argument: Argument | None, graph: Graph, nodes: Mapping[str, NodeInfo]) -> GivenAs | None:
	match argument:
		case Link(node, output):
			call = graph.calls.get(node)
			info = nodes.get(call.kind) if call is not None else None
			known = info is not None and 0 <= output < len(info.outputs)
			name = info.outputs[output].name if info is not None and known else str(output)
			return GivenAs(link=Source(node=node, output=name))
		case Constant(value) | BadLink(value):
			return GivenAs(value=value)
		case _:
			return None


def _named(
	before: Mapping[str, NamedInput] | Mapping[str, NamedOutput],
	after: Mapping[str, NamedInput] | Mapping[str, NamedOutput],
	became: Mapping[NodeId, NodeId],
) -> Iterator[NamedChange]:
	for name in dict.fromkeys((*before, *after)):
		old, new = before.get(name), after.get(name)
		told = old.model_dump(mode='json', exclude_unset=True) if old is not None else None
		tells = new.model_dump(mode='json', exclude_unset=True) if new is not None else None
		if told is None or tells is None:
			yield NamedChange(name=name, change='added' if told is None else 'removed', before=told, after=tells)
			continue
		node = str(told['node'])
		if {**told, 'node': became.get(NodeId(node), node)} != tells:
			yield NamedChange(name=name, change='changed', before=told, after=tells)


def _texts(before: Workflow, after: Workflow) -> Iterator[TextChange]:
	if before.title != after.title:
		yield TextChange(field='title', before=before.title, after=after.title)
	if before.description != after.description:
		yield TextChange(field='description', before=before.description, after=after.description)
