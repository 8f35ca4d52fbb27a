"""A graph drawn as SVG: boxes in layers, links in the colours of their types. It needs no styles, scripts or fonts of others."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from engine.declaration import NodeInfo
from engine.graph import Argument, Call, Graph, Link, NodeId
from engine.layering import Lane, Layout, Place, Size, lay_out

COLOURS: Mapping[str, str] = {
	'MODEL': '#8a80ff',
	'CLIP': '#d9a800',
	'VAE': '#ec6257',
	'CONDITIONING': '#f0883e',
	'LATENT': '#d95fb0',
	'IMAGE': '#3f97f0',
	'MASK': '#3da35d',
	'CONTROL_NET': '#00a38d',
	'INT': '#6c8a99',
	'FLOAT': '#6c8a99',
	'STRING': '#7d8f3a',
	'BOOLEAN': '#a0708c',
	'COMBO': '#7d8f3a',
}
"""Socket type → colour; that of other types is made from their name."""
UNKNOWN, WRONG = '#8b949e', '#d1242f'
PAPER, BOX, EDGE, TITLE, INK, PALE = '#ffffff', '#f6f8fa', '#afb8c1', '#dfe5ec', '#1f2328', '#59636e'
FONT = 'ui-sans-serif, system-ui, sans-serif'
MARGIN, PAD, HEAD, ROW = 24.0, 12.0, 42.0, 20.0
LETTER, SMALL = 7.0, 6.2
"""Pixels that a letter takes, of titles and of the rest; they are only counted on, so boxes have some room to spare."""
NARROWEST, LONGEST_VALUE, LONGEST_NAME = 140.0, 34, 30
MOST_OUTPUTS = 100
"""Of a node whose kind is not known, so many outputs are drawn at most: a link may name any number."""
# XML 1.0 can hold no others, not even escaped.
NOT_XML = re.compile('[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]')


@dataclass(frozen=True, slots=True)
class Box:
	"""What is written in a node's box. `inputs` come in by links; `values` are constants; an output has a name and a type."""

	title: str
	subtitle: str
	inputs: tuple[str, ...]
	outputs: tuple[tuple[str, str], ...]
	values: tuple[tuple[str, str], ...]
	known: bool

	@property
	def size(self) -> Size:
		"""The room that it takes."""
		sides = max(len(self.inputs), len(self.outputs))
		widths = [
			len(self.title) * LETTER,
			len(self.subtitle) * SMALL,
			*(len(name + value) * SMALL + 2 * PAD for name, value in self.values),
			*(
				(len(name) + len(output)) * SMALL + 2 * PAD
				for name, output in zip_longest(self.inputs, (name for name, _ in self.outputs), fillvalue='')
			),
		]
		rows = sides + len(self.values)
		return Size(max(NARROWEST, *widths) + 2 * PAD, HEAD + rows * ROW + (PAD / 2 if rows else 0))


def draw_svg(graph: Graph, nodes: Mapping[str, NodeInfo]) -> str:
	"""An SVG document that shows a graph, whatever is wrong with it; `nodes` are the kinds that are known."""
	used: dict[NodeId, int] = {}
	for _, _, link in graph.links():
		used[link.node] = max(used.get(link.node, 0), link.output + 1)
	boxes = {node: box_of(node, call, nodes.get(call.kind), used.get(node, 0)) for node, call in graph.calls.items()}
	layout = lay_out(graph, {node: box.size for node, box in boxes.items()})
	width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
	lines = [
		f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
		f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}" font-size="11" role="img">',
		f'<title>A workflow of {len(boxes)} nodes</title>',
		f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
		f'<g transform="translate({MARGIN:.0f} {MARGIN:.0f})">',
		*_links(graph, boxes, layout),
		*(line for node, box in boxes.items() for line in _box(box, layout.places[node], graph.calls[node])),
		'</g>',
		'</svg>',
	]
	return '\n'.join(lines) + '\n'


def box_of(node: NodeId, call: Call, info: NodeInfo | None, used: int) -> Box:
	"""What to write in a node's box. A node of a kind that is not known has as many outputs as are `used`."""
	title = call.title or (info.title if info is not None else '') or call.kind
	outputs = (
		[(str(number), '') for number in range(min(used, MOST_OUTPUTS))]
		if info is None
		else [(output.name, output.type) for output in info.outputs]
	)
	linked = tuple(name for name, given in call.inputs.items() if isinstance(given, Link))
	return Box(
		title=cut(title, LONGEST_NAME),
		subtitle=cut(call.kind if node == call.kind else f'{call.kind} · {node}', LONGEST_NAME + 10),
		inputs=linked,
		outputs=tuple((cut(name, LONGEST_NAME), type) for name, type in outputs),
		values=tuple(
			(cut(name, LONGEST_NAME), cut(value_of(given), LONGEST_VALUE))
			for name, given in call.inputs.items()
			if not isinstance(given, Link)
		),
		known=info is not None,
	)


def value_of(given: Argument) -> str:
	"""A constant in one line: texts as they are, others as JSON."""
	value = getattr(given, 'value', None)
	text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
	return ' '.join(text.split())


def cut(text: str, length: int) -> str:
	"""Text that is no longer than that."""
	return text if len(text) <= length else f'{text[: length - 1]}…'


def colour_of(type: str) -> str:
	"""The colour of a socket type; of a union, that of its first member."""
	first = type.partition(',')[0].strip()
	if first in ('', '*'):
		return UNKNOWN
	known = COLOURS.get(first)
	if known is not None:
		return known
	hue = sum(ord(letter) * (place + 7) for place, letter in enumerate(first)) * 47 % 360
	return f'hsl({hue} 55% 50%)'


def escaped(text: str) -> str:
	"""Text for XML: nothing in it can be markup, and nothing makes the document ill-formed."""
	return html.escape(NOT_XML.sub('\N{REPLACEMENT CHARACTER}', text), quote=True)


def _box(box: Box, place: Place, call: Call) -> Iterator[str]:
	size = box.size
	dashes = '' if box.known else ' stroke-dasharray="5 4"'
	edge = EDGE if box.known else WRONG
	yield f'<g transform="translate({place.x:.1f} {place.y:.1f})">'
	yield f'<title>{escaped(_hint(box, call))}</title>'
	yield (
		f'<rect width="{size.width:.1f}" height="{size.height:.1f}" rx="7" fill="{BOX}" stroke="{edge}"{dashes}/>'
		f'<path d="M0 {HEAD - 6:.0f}V7a7 7 0 0 1 7-7H{size.width - 7:.1f}a7 7 0 0 1 7 7V{HEAD - 6:.0f}z" fill="{TITLE}"/>'
	)
	yield _text(PAD, 16, box.title, INK, 'font-size="12" font-weight="600"')
	yield _text(PAD, 30, box.subtitle, PALE, 'font-size="10"')
	for number, name in enumerate(box.inputs):
		yield _text(PAD, _row(number) + 4, name, INK)
	for number, (name, type) in enumerate(box.outputs):
		yield _text(size.width - PAD, _row(number) + 4, name, INK, 'text-anchor="end"')
		yield _dot(size.width, _row(number), type)
	first = max(len(box.inputs), len(box.outputs))
	for number, (name, value) in enumerate(box.values, first):
		yield _text(PAD, _row(number) + 4, name, PALE)
		yield _text(size.width - PAD, _row(number) + 4, value, INK, 'text-anchor="end"')
	yield '</g>'


def _hint(box: Box, call: Call) -> str:
	"""What a browser shows over the box: all values, uncut."""
	values = [f'{name}: {value_of(given)}' for name, given in call.inputs.items() if not isinstance(given, Link)]
	return '\n'.join([box.subtitle if box.known else f'{box.subtitle} (not known here)', *values])


def _links(graph: Graph, boxes: Mapping[NodeId, Box], layout: Layout) -> Iterator[str]:
	"""The curves, below the boxes. What several share on their way is drawn once."""
	for link, lanes in layout.lanes.items():
		if type := _type(link, boxes):
			yield _line(_path(_start(link, boxes, layout), lanes), *type)
	for reader, box in boxes.items():
		at = layout.places[reader]
		for number, name in enumerate(box.inputs):
			given = graph.calls[reader].inputs[name]
			end = at.x, at.y + _row(number)
			type = _type(given, boxes) if isinstance(given, Link) else ()
			if not isinstance(given, Link) or not type:
				yield f'<circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="5" fill="none" stroke="{WRONG}" stroke-width="2"/>'
				continue
			lanes = layout.lanes_to(given, reader)
			start = (lanes[-1].right, lanes[-1].y) if lanes else _start(given, boxes, layout)
			yield _line(f'M{start[0]:.1f} {start[1]:.1f}{_curve(*start, *end)}', *type)
			yield _dot(*end, *type)


def _type(link: Link, boxes: Mapping[NodeId, Box]) -> tuple[str, ...]:
	"""The type of what a link brings; nothing if it leads nowhere."""
	source = boxes.get(link.node)
	return (source.outputs[link.output][1],) if source and 0 <= link.output < len(source.outputs) else ()


def _start(link: Link, boxes: Mapping[NodeId, Box], layout: Layout) -> tuple[float, float]:
	place = layout.places[link.node]
	return place.x + boxes[link.node].size.width, place.y + _row(link.output)


def _line(path: str, type: str) -> str:
	return f'<path d="{path}" fill="none" stroke="{colour_of(type)}" stroke-width="2"/>'


def _path(start: tuple[float, float], lanes: Sequence[Lane]) -> str:
	x, y = start
	path = f'M{x:.1f} {y:.1f}'
	for lane in lanes:
		path += _curve(x, y, lane.left, lane.y) + f'H{lane.right:.1f}'
		x, y = lane.right, lane.y
	return path


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
	bend = max(30.0, abs(to_x - x) / 2)
	return f'C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}'


def _row(number: int) -> float:
	return HEAD + (number + 0.5) * ROW


def _dot(x: float, y: float, type: str) -> str:
	return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour_of(type)}" stroke="{PAPER}"/>'


def _text(x: float, y: float, text: str, colour: str, more: str = '') -> str:
	return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}"{" " if more else ""}{more}>{escaped(text)}</text>'
