"""Random graphs for property tests: lists, lazy inputs, expansions, skipped values; and what they must give.

Every value is a whole number. `expected` says what a graph gives by evaluating it plainly, without engine, order or
cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from engine.flow import Expand, Lazy, Skip, Subgraph
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.spec import Context, node

calls: list[str] = []
"""The ids of the nodes whose functions were called, in order."""
LIMIT = 40


@node(category='random')
def give(context: Context, value: int) -> int:
	"""A number."""
	calls.append(context.node)
	return value


@node(category='random')
def plus(context: Context, a: int, b: int) -> int:
	"""A sum, kept small."""
	calls.append(context.node)
	return (a + b) % LIMIT


@node(category='random', lane='cpu')
def parity(context: Context, a: int) -> int:
	"""Forgets most of what comes in, so that a change may end here."""
	calls.append(context.node)
	return a % 2


@node(category='random')
def several(context: Context, a: int) -> list[int]:
	"""One to three items."""
	calls.append(context.node)
	return list(range(a, a + 1 + a % 3))


@node(category='random', lane='cpu')
def total(context: Context, values: list[int]) -> int:
	"""All items at once."""
	calls.append(context.node)
	return sum(values) % LIMIT


@node(category='random')
def either(context: Context, first: int, a: Lazy[int], b: Lazy[int]) -> int:
	"""One of two, of which only one is computed."""
	calls.append(context.node)
	return a.get() if first % 2 else b.get()


@node(category='random')
def small(context: Context, a: int) -> int | Skip:
	"""Large numbers do not come through."""
	calls.append(context.node)
	return a if a < LIMIT // 2 else Skip()


@node(category='random')
def times(context: Context, a: int, n: int) -> int | Expand:
	"""A product, by adding again and again: a loop by expansion."""
	calls.append(context.node)
	if n % 4 == 0:
		return 0
	graph = Subgraph(context.node, context.index or 0)
	rest = graph.add('Times', a=a, n=n % 4 - 1)
	return graph.expand(graph.add('Plus', a=rest.output(0), b=a).output(0))


@node(category='random')
async def later(context: Context, a: int) -> int:
	"""The next number, by a coroutine."""
	calls.append(context.node)
	return (a + 1) % LIMIT


@node(category='random', sink=True)
def watch(context: Context, values: list[int]) -> None:
	"""Shows what comes in."""
	calls.append(context.node)
	context.show(values=list(values))


@node(category='random')
def say(context: Context, value: int, tag: str) -> str:
	"""A text that tells what came in."""
	calls.append(context.node)
	return f'{tag}:{value}'


@node(category='random')
def join(context: Context, a: str, b: str, tag: str) -> str:
	"""A text that tells what came in; long ones by their digest."""
	calls.append(context.node)
	return hashlib.sha256(f'{tag}({a},{b})'.encode()).hexdigest()


@node(category='random', sink=True)
def tell(context: Context, text: str) -> None:
	"""Shows a text."""
	calls.append(context.node)
	context.show(text=[text])


TELLING = (say, join, tell)
FUNCTIONS = (give, plus, parity, several, total, either, small, times, later, watch)
INPUTS: Mapping[str, tuple[str, ...]] = {
	'Plus': ('a', 'b'),
	'Parity': ('a',),
	'Several': ('a',),
	'Total': ('values',),
	'Either': ('first', 'a', 'b'),
	'Small': ('a',),
	'Times': ('a', 'n'),
	'Later': ('a',),
}


@dataclass(frozen=True)
class Edit:
	"""Another number at one of the nodes that give numbers."""

	node: NodeId
	value: int


@st.composite
def telling_graphs(draw: st.DrawFn) -> Graph:
	"""A graph in which no two nodes are equal, and every node's output tells what came in."""
	found = {
		NodeId(f'n{index}'): Call('Say', {'value': Constant(draw(st.integers(0, 5))), 'tag': Constant(f'n{index}')})
		for index in range(draw(st.integers(1, 3)))
	}
	for index in range(draw(st.integers(0, 10))):
		sources = list(found)
		inputs = {name: Link(draw(st.sampled_from(sources)), 0) for name in ('a', 'b')}
		found[NodeId(f'j{index}')] = Call('Join', {**inputs, 'tag': Constant(f'j{index}')})
	sources = list(found)
	for index in range(draw(st.integers(1, 3))):
		found[NodeId(f't{index}')] = Call('Tell', {'text': Link(draw(st.sampled_from(sources)), 0)})
	return Graph(found)


@st.composite
def graphs(draw: st.DrawFn, *, kinds: tuple[str, ...] = tuple(INPUTS), most: int = 14) -> Graph:
	"""A graph of up to `most` inner nodes; every input is a link to an earlier node. One to three sinks."""
	numbers = draw(st.lists(st.integers(0, LIMIT - 1), min_size=1, max_size=4))
	found = {NodeId(f'n{index}'): Call('Give', {'value': Constant(value)}) for index, value in enumerate(numbers)}
	for index in range(draw(st.integers(1, most))):
		kind = draw(st.sampled_from(kinds))
		sources = list(found)
		inputs = {name: Link(draw(st.sampled_from(sources)), 0) for name in INPUTS[kind]}
		found[NodeId(f'{kind.lower()}{index}')] = Call(kind, inputs)
	sources = list(found)
	for index in range(draw(st.integers(1, 3))):
		values = Link(draw(st.sampled_from(sources)), 0)
		found[NodeId(f'w{index}')] = Call('Watch', {'values': values})
	return Graph(found)


@st.composite
def edits(draw: st.DrawFn, graph: Graph) -> Edit:
	"""A change of one number of a graph."""
	node = draw(st.sampled_from([node for node, call in graph.calls.items() if call.kind in ('Give', 'Say')]))
	return Edit(node, draw(st.integers(0, LIMIT - 1)))


def edited(graph: Graph, edit: Edit) -> Graph:
	"""The graph after a change."""
	return graph.with_inputs({edit.node: {'value': Constant(edit.value)}})


def descendants(graph: Graph, node: NodeId) -> set[NodeId]:
	"""A node and all that need it, lazily or not."""
	found = {node}
	for other, call in graph.calls.items():  # dependencies come first
		if any(isinstance(value, Link) and value.node in found for value in call.inputs.values()):
			found.add(other)
	return found


def expected(graph: Graph) -> dict[str, list[int] | None]:
	"""Sink → the numbers that it must show; None if it is passed over."""
	known: dict[NodeId, list[int | None]] = {}
	shown: dict[str, list[int] | None] = {}
	for id, call in graph.calls.items():
		given: dict[str, list[object]] = {
			name: list(known[value.node]) if isinstance(value, Link) else [value.value]
			for name, value in call.inputs.items()
			if isinstance(value, Link | Constant)
		}
		if call.kind == 'Either':
			given = asked(given)
		if call.kind in ('Total', 'Watch'):
			values = given['values']
			whole = [value for value in values if isinstance(value, int)]
			blocked = len(whole) < len(values)
			if call.kind == 'Watch':
				shown[id] = None if blocked else whole
			else:
				known[id] = [None] if blocked else [sum(whole) % LIMIT]
			continue
		known[id] = []
		for index in range(max(map(len, given.values()))):
			item = {name: items[min(index, len(items) - 1)] for name, items in given.items()}
			known[id].extend(one(call.kind, item))
	return shown


def asked(given: Mapping[str, list[object]]) -> dict[str, list[object]]:
	"""The inputs of a choice that it computes in the end: an item that asks for a longer list brings more items."""
	found = {'first': given['first']}
	while True:
		count = max(map(len, found.values()))
		items = [
			{name: values[min(index, len(values) - 1)] for name, values in found.items()} for index in range(count)
		]
		wanted = {
			'a' if first % 2 else 'b'
			for item in items
			if isinstance(first := item['first'], int) and None not in item.values()
		}
		if wanted <= set(found):
			return found
		found.update({name: given[name] for name in wanted})


def one(kind: str, item: Mapping[str, object]) -> list[int | None]:
	"""What one call gives; None is a skipped value."""
	numbers = {name: value for name, value in item.items() if isinstance(value, int)}
	if len(numbers) < len(item):
		return [None]
	match kind:
		case 'Either':
			return [numbers['a' if numbers['first'] % 2 else 'b']]
		case 'Give':
			return [numbers['value']]
		case 'Plus':
			return [(numbers['a'] + numbers['b']) % LIMIT]
		case 'Parity':
			return [numbers['a'] % 2]
		case 'Several':
			return list(range(numbers['a'], numbers['a'] + 1 + numbers['a'] % 3))
		case 'Small':
			return [numbers['a'] if numbers['a'] < LIMIT // 2 else None]
		case 'Times':
			return [numbers['a'] * (numbers['n'] % 4) % LIMIT]
		case _:
			return [(numbers['a'] + 1) % LIMIT]


def renamed(graph: Graph) -> Graph:
	"""The same graph under other ids."""
	names = {node: NodeId(f'{index + 100}') for index, node in enumerate(graph.calls)}
	return Graph(
		{
			names[node]: replace(
				call,
				inputs={
					name: Link(names[value.node], value.output) if isinstance(value, Link) else value
					for name, value in call.inputs.items()
				},
			)
			for node, call in graph.calls.items()
		}
	)
