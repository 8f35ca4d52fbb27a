"""A graph drawn as text: trees that grow from what nobody reads back to where it comes from.

    save · SaveImage  filename_prefix=demo
    └─ images ← decode · VAEDecode
       ├─ samples ← sample · KSampler  seed=2 steps=20
       └─ vae ← model.VAE ↑

A node is drawn where it is first read; `↑` stands for one that is drawn above, `↓` for one that has a tree of its own
below, since it would be too far to the right.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from engine.declaration import NodeInfo
from engine.drawing import NOT_XML, cut, value_of
from engine.graph import Argument, Graph, Link, NodeId

DEEPEST = 12
LONGEST_VALUE = 40
ABOVE, BELOW, GONE = '↑', '↓', '✗ there is no such node'
Place = tuple[NodeId, str, str, str, int]
"""A node to draw: it, what leads to it, the branch before it, the one before what is under it, how deep it is."""


def draw_text(graph: Graph, nodes: Mapping[str, NodeInfo]) -> str:
	"""The trees of a graph, one after the other, whatever is wrong with it; `nodes` are the kinds that are known."""
	read = {link.node for _, _, link in graph.links()}
	# Those that are in circles have no root; they come last, unless they are drawn already.
	roots = deque(
		[*(node for node in graph.calls if node not in read), *(node for node in graph.calls if node in read)]
	)
	drawn: set[NodeId] = set()
	lines: list[str] = []
	postponed: deque[NodeId] = deque()
	while roots or postponed:
		root = postponed.popleft() if postponed else roots.popleft()
		if root not in drawn:
			lines += [*([''] if lines else []), *_tree(root, graph, nodes, drawn, postponed)]
	return '\n'.join(lines) + ('\n' if lines else '')


def _tree(
	root: NodeId, graph: Graph, nodes: Mapping[str, NodeInfo], drawn: set[NodeId], postponed: deque[NodeId]
) -> Iterator[str]:
	"""The lines of one tree. Marks what it draws, and adds what it leaves for later to `postponed`."""
	waiting: list[Place] = [(root, node_name(root), '', '', 0)]
	while waiting:
		node, reached, branch, under, depth = waiting.pop()
		if node not in graph.calls:
			yield f'{branch}{reached} {GONE}'
		elif node in drawn:
			yield f'{branch}{reached} {ABOVE}'
		elif depth > DEEPEST:
			yield f'{branch}{reached} {BELOW}'
			postponed.append(node)
		else:
			drawn.add(node)
			yield f'{branch}{reached} · {_described(node, graph, nodes)}'
			links = [(name, given) for name, given in graph.calls[node].inputs.items() if isinstance(given, Link)]
			places: list[Place] = []
			for number, (name, link) in enumerate(links):
				last = number == len(links) - 1
				text = f'{plain(name)} ← {_source(link, graph, nodes)}'
				places.append(
					(link.node, text, under + ('└─ ' if last else '├─ '), under + ('   ' if last else '│  '), depth + 1)
				)
			waiting += reversed(places)


def _described(node: NodeId, graph: Graph, nodes: Mapping[str, NodeInfo]) -> str:
	call = graph.calls[node]
	words = [plain(call.kind) if call.kind in nodes else f'{plain(call.kind)} (not known here)']
	if call.title:
		words.append(f'"{plain(call.title)}"')
	values = [f'{plain(name)}={_value(given)}' for name, given in call.inputs.items() if not isinstance(given, Link)]
	return ' '.join(words) + ('  ' + ' '.join(values) if values else '')


def _value(given: Argument) -> str:
	text = cut(plain(value_of(given)), LONGEST_VALUE)
	return f'"{text}"' if ' ' in text or not text else text


def _source(link: Link, graph: Graph, nodes: Mapping[str, NodeInfo]) -> str:
	"""The node that a link comes from; with the output, where there are several."""
	call = graph.calls.get(link.node)
	info = nodes.get(call.kind) if call is not None else None
	if info is not None and len(info.outputs) == 1 and link.output == 0:
		return node_name(link.node)
	known = info is not None and 0 <= link.output < len(info.outputs)
	return (
		f'{node_name(link.node)}.{plain(info.outputs[link.output].name) if info is not None and known else link.output}'
	)


def node_name(node: str) -> str:
	"""A node's id in a line; one that is empty or has spaces is quoted."""
	return plain(node) if node and ' ' not in node else f'"{plain(node)}"'


def plain(text: str) -> str:
	"""Text in one line, without what a terminal would take for a command."""
	return ''.join(letter if letter.isprintable() else ' ' for letter in NOT_XML.sub('\N{REPLACEMENT CHARACTER}', text))
