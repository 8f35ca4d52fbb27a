"""A graph as text."""

from __future__ import annotations

import json

from engine.formats.workflow import read_workflow
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.outline import draw_text
from engine.settings import PROJECT
from tests.engine.formats.declared import infos


def chain(length: int) -> Graph:
	"""Nodes each of which reads the one before."""
	calls = {NodeId('0'): Call('X')}
	for number in range(1, length):
		calls[NodeId(str(number))] = Call('X', {'of': Link(NodeId(str(number - 1)), 0)})
	return Graph(calls)


class TestText:
	"""Trees that grow from what nobody reads."""

	def test_demo_workflow(self) -> None:
		"""Every node once, with its values; what is read again is pointed at."""
		document = json.loads((PROJECT / 'workflows' / 'text_to_image.json').read_text())
		lines = draw_text(read_workflow(document, infos()).graph, infos()).splitlines()

		assert lines[0] == 'save · SaveImage  filename_prefix=text_to_image'
		assert lines[1] == '└─ images ← decode · VAEDecode'
		assert '   │  │  └─ clip ← model.CLIP ↑' in lines
		assert lines[-1] == '   └─ vae ← model.VAE ↑'
		assert sum(' · ' in line for line in lines) == 7

	def test_several_trees(self) -> None:
		"""Each sink has its own, with an empty line between."""
		graph = Graph(
			{NodeId('a'): Call('X'), NodeId('b'): Call('X', {'of': Link(NodeId('a'), 0)}), NodeId('c'): Call('Y')}
		)

		assert draw_text(graph, {}).splitlines() == [
			'b · X (not known here)',
			'└─ of ← a.0 · X (not known here)',
			'',
			'c · Y (not known here)',
		]

	def test_deep_graphs_go_on_below(self) -> None:
		"""A chain of a thousand nodes is drawn in full, and no line is long."""
		lines = draw_text(chain(1000), {}).splitlines()

		assert sum(' · ' in line for line in lines) == 1000
		assert max(map(len, lines)) < 100

	def test_circles_and_lost_links(self) -> None:
		"""They are drawn as far as there is something, and end."""
		graph = Graph(
			{NodeId('a'): Call('X', {'of': Link(NodeId('b'), 0), 'z': Link(NodeId('gone'), 0)})}
			| {NodeId('b'): Call('X', {'of': Link(NodeId('a'), 0)})}
		)
		drawn = draw_text(graph, {})

		assert 'of ← a.0 ↑' in drawn
		assert 'z ← gone.0 ✗' in drawn

	def test_a_terminal_takes_nothing_for_a_command(self) -> None:
		"""Control characters, escape sequences and line ends are gone."""
		bad = 'x\x1b[31m\ny\x9b1m'
		drawn = draw_text(Graph({NodeId(bad): Call(bad, {bad: Constant(bad)}, bad)}), {})

		assert drawn.count('\n') == 1
		assert drawn.rstrip('\n').isprintable()

	def test_empty(self) -> None:
		"""Nothing is nothing."""
		assert draw_text(Graph({}), {}) == ''
