"""Loops: what lies between a start and an end is run again and again.

The end is a node that becomes a graph: if the loop goes on, it expands to another start, a copy of the nodes between,
and another end. Equal rounds are cached like all else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypeVar

from engine.declaration import Number
from engine.errors import BadInput
from engine.flow import Expand, Subgraph, SubgraphNode
from engine.graph import Argument, BadLink, Call, Link, NodeId
from engine.sockets import socket
from engine.spec import Context, node

T = TypeVar('T')
U = TypeVar('U')
V = TypeVar('V')
START = 'LoopStart'
END = 'LoopEnd'
VALUES = ('value', 'value2', 'value3')
MOST = 10_000


@socket('LOOP')
@dataclass(frozen=True)
class Loop:
	"""One round of a loop: the node that began it, and its number from 0 on."""

	start: str
	index: int


class Begun(NamedTuple):
	"""What a round begins with."""

	loop: Loop
	number: int
	value: object
	value2: object
	value3: object


@node(
	kind=START,
	title='Loop Start',
	category='utilities/loop',
	lane='cpu',
	caching='identity',
	outputs=('loop', 'index', *VALUES),
)
def start(
	context: Context,
	value: Annotated[T | None, 'What the first round begins with; later ones with what the one before gave.'] = None,
	value2: Annotated[U | None, 'Another such value.'] = None,
	value3: Annotated[V | None, 'Another such value.'] = None,
	index: Annotated[int, Number(min=0), 'The number of the first round.'] = 0,
) -> Begun:
	"""Begin a loop. What is between here and the loop's end is run in each round; `index` counts them."""
	return Begun(Loop(context.node, index), index, value, value2, value3)


class Ended(NamedTuple):
	"""What the last round gave."""

	value: object
	value2: object
	value3: object


@node(kind=END, title='Loop End', category='utilities/loop', lane='cpu', outputs=VALUES)
def end(
	context: Context,
	loop: Annotated[Loop, 'From the start.'],
	rounds: Annotated[int, Number(default=4, min=1, max=MOST), 'At most so many rounds.'],
	again: Annotated[bool, 'Goes on while this is true. It may come from within the loop.'] = True,
	value: Annotated[T | None, 'What the next round begins with, and what comes out of the last.'] = None,
	value2: Annotated[U | None, 'Another such value.'] = None,
	value3: Annotated[V | None, 'Another such value.'] = None,
) -> Ended | Expand:
	"""End a loop, after so many rounds, or when `again` is false."""
	if not again or loop.index + 1 >= rounds:
		return Ended(value, value2, value3)
	here = NodeId(context.node)
	calls = context.graph.calls
	between = _between(calls, NodeId(loop.start), here)
	graph = Subgraph(context.node, context.index or 0)
	new: dict[NodeId, SubgraphNode] = {
		NodeId(loop.start): graph.add(
			START, id=None, index=loop.index + 1, **dict(zip(VALUES, (value, value2, value3), strict=True))
		)
	}
	for copied in (*between, here):
		new[copied] = graph.add(calls[copied].kind, id=None, **_relinked(calls[copied].inputs, new))
	return graph.expand(*(new[here].output(index) for index in range(len(VALUES))))


def _relinked(inputs: Mapping[str, Argument], new: Mapping[NodeId, SubgraphNode]) -> dict[str, object]:
	"""A node's inputs, with links to nodes that were copied leading to the copies."""
	found: dict[str, object] = {}
	for name, value in inputs.items():
		if isinstance(value, Link):
			found[name] = Link(new[value.node].id, value.output) if value.node in new else value
		elif not isinstance(value, BadLink):
			found[name] = value.value
	return found


def _between(calls: Mapping[NodeId, Call], first: NodeId, last: NodeId) -> list[NodeId]:
	"""The nodes on the ways from one node to another, each after those that it needs. Raises `BadInput` if none leads."""
	order: list[NodeId] = []
	leads: dict[NodeId, bool] = {first: True}
	stack = [last]
	while stack:
		node = stack[-1]
		sources = list(_sources(calls[node].inputs.values())) if node not in leads else []
		missing = [source for source in sources if source not in leads]
		if missing:
			stack += missing
			continue
		stack.pop()
		if node not in leads:
			leads[node] = any(leads[source] for source in sources)
			if leads[node] and node != last:
				order.append(node)
	if not leads[last]:
		raise BadInput('loop', f'a link from a {START} of this graph', f'one of node {first!r}')
	return order


def _sources(arguments: Iterable[Argument]) -> Iterable[NodeId]:
	return (value.node for value in arguments if isinstance(value, Link))
