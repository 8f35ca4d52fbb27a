"""A graph as SVG."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.drawing import COLOURS, UNKNOWN, colour_of, draw_svg
from engine.formats.workflow import read_workflow
from engine.graph import BadLink, Call, Constant, Graph, Link, NodeId
from engine.settings import PROJECT
from tests.engine.formats.declared import infos

SVG = '{http://www.w3.org/2000/svg}'
FOLDERS = (PROJECT / 'workflows', Path(__file__).parent / 'formats' / 'real')
FILES = sorted(path for folder in FOLDERS for path in folder.glob('*.json') if not path.name.endswith('.expect.json'))


def drawn(graph: Graph) -> ElementTree.Element:
	"""The drawing, read as XML."""
	return ElementTree.fromstring(draw_svg(graph, infos()))


def texts(svg: ElementTree.Element) -> list[str]:
	"""What is written in it."""
	return [element.text or '' for element in svg.iter(f'{SVG}text')]


class TestDrawing:
	"""What is to be seen."""

	@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
	def test_every_node_and_link_is_there(self, path: Path) -> None:
		"""A box per node with its kind, a curve per link, in a document that is well-formed."""
		graph = read_workflow(json.loads(path.read_text()), infos()).graph
		svg = drawn(graph)
		# What several links share on a long way is a curve of its own, with straight parts.
		curves = [
			path for path in svg.iter(f'{SVG}path') if path.get('fill') == 'none' and 'H' not in path.get('d', '')
		]
		sources = ((graph.calls[link.node].kind, link.output) for _, _, link in graph.links())
		known = [kind not in infos() or output < len(infos()[kind].outputs) for kind, output in sources]

		assert len(svg.findall(f'{SVG}g/{SVG}g')) == len(graph.calls)
		assert len(curves) == sum(known)
		assert {call.kind for call in graph.calls.values()} <= {text.partition(' · ')[0] for text in texts(svg)}

	def test_links_have_the_colour_of_their_type(self) -> None:
		"""The type is that of the output."""
		model = Call('CheckpointLoaderSimple', {'ckpt_name': Constant('x')})
		graph = Graph({NodeId('m'): model, NodeId('d'): Call('VAEDecode', {'vae': Link(NodeId('m'), 2)})})
		[curve] = [element for element in drawn(graph).iter(f'{SVG}path') if element.get('fill') == 'none']

		assert curve.get('stroke') == COLOURS['VAE']

	def test_other_types_have_colours_too(self) -> None:
		"""Made from their name; a union has that of its first member, any type a grey one."""
		assert colour_of('SOMETHING') != colour_of('ANOTHER_THING')
		assert colour_of('IMAGE,MASK') == COLOURS['IMAGE']
		assert colour_of('*') == colour_of('') == UNKNOWN

	def test_values_are_shown(self) -> None:
		"""Short ones in the box, long ones cut there and whole in the hint."""
		long = 'a red star\n' * 20
		svg = drawn(Graph({NodeId('p'): Call('CLIPTextEncode', {'text': Constant(long)}, 'My words')}))

		assert 'My words' in texts(svg)
		assert any(text.startswith('a red star a red') and text.endswith('…') for text in texts(svg))
		assert any(' '.join(long.split()) in (title.text or '') for title in svg.iter(f'{SVG}title'))


class TestBadGraphs:
	"""Whatever is wrong with a graph, it is drawn."""

	def test_nothing_becomes_markup(self) -> None:
		"""Ids, kinds, titles and values with brackets, quotes and control characters stay text."""
		bad = '</text><script>alert("1")</script>&\x00\x1b\ud800'
		graph = Graph({NodeId(bad): Call(bad, {bad: Constant(bad), 'x': Link(NodeId(bad), 0)}, bad)})
		svg = drawn(graph)

		assert list(svg.iter(f'{SVG}script')) == []
		assert any(text.startswith('</text><script>') for text in texts(svg))

	def test_odd_links(self) -> None:
		"""Circles, links to nodes and outputs that are not there, and what is no link at all."""
		call = Call(
			'VAEDecode',
			{'samples': Link(NodeId('a'), 0), 'vae': Link(NodeId('gone'), 1), 'z': BadLink(['a'], 'no output')},
		)
		graph = Graph({NodeId('a'): call, NodeId('b'): Call('Strange', {'x': Link(NodeId('a'), 10**9)})})
		graph = Graph({**graph.calls, NodeId('c'): Call('X', {'of': Link(NodeId('b'), 10**9)})})

		assert len(drawn(graph).findall(f'{SVG}g/{SVG}g')) == 3

	def test_empty(self) -> None:
		"""No nodes are a drawing too."""
		assert drawn(Graph({})).tag == f'{SVG}svg'

	def test_a_thousand_nodes(self) -> None:
		"""A large graph is drawn as well: a chain, with a source that all read."""
		calls = {NodeId('m'): Call('CheckpointLoaderSimple')}
		for number in range(1, 1000):
			before = Link(NodeId(str(number - 1)), 0)
			calls[NodeId(str(number))] = Call('KSampler', {'model': Link(NodeId('m'), 0), 'latent_image': before})

		assert len(drawn(Graph(calls)).findall(f'{SVG}g/{SVG}g')) == 1000
