"""Texts with variants."""

from __future__ import annotations

import random

import pytest

from engine.declaration import Input, Text
from engine.formats.convert import beside_prompt, converted
from engine.formats.dynamic import choose, chosen_graph, with_choices
from engine.formats.workflow import read_workflow
from engine.graph import Call, Constant, Graph, Link, NodeId
from tests.engine.formats.editor.canvas import canvas, info, text


def variants(template: str) -> set[str]:
	"""All that a text becomes in many tries."""
	return {choose(template, random.Random(seed)) for seed in range(200)}


class TestChoosing:
	@pytest.mark.parametrize(
		('template', 'wanted'),
		[
			('a {red|green} circle', {'a red circle', 'a green circle'}),
			('{a|{b|c}} {d|}', {f'{one} {two}' for one in 'abc' for two in ('d', '')}),
			('{only}', {'only'}),
			('{}', {''}),
			('a | b }', {'a | b }'}),
			('{never|closed', {'{never|closed'}),
			('{x|{y|z}', {'{x|y', '{x|z'}),
			(r'\{a\|b\} {c\|d|e}', {'{a|b} c|d', '{a|b} e'}),
			('a\\', {'a\\'}),
			('keep // not this\nand /* nor\nthis */this', {'keep \nand this'}),
		],
	)
	def test_variants(self, template: str, wanted: set[str]) -> None:
		"""Nested ones too; braces that do not close, and signs behind a backslash, are text."""
		assert variants(template) == wanted

	def test_a_seed_decides(self) -> None:
		"""The same seed chooses the same."""
		template = '{a|b|c|d} ' * 20

		assert choose(template, random.Random(3)) == choose(template, random.Random(3))

	def test_deep_and_long(self) -> None:
		"""Text that nobody would write does not end the program."""
		assert choose('{' * 5000, random.Random(0)).count('{') == 5000
		assert choose('{a' * 2000 + '}' * 2000, random.Random(0)).startswith('a')


def test_as_files_of_the_editor_form_are_run() -> None:
	"""The file itself keeps all variants, and so does what is written into pictures; other forms run as they are written."""
	nodes = {'Prompt': info('Prompt', Input(name='words', type='STRING', widget=Text(dynamic_prompts=True)))}
	drawn = canvas([{'id': 1, 'type': 'Prompt', 'widgets_values': ['{a|a}']}], [])
	workflow = read_workflow(drawn, nodes)
	native = read_workflow(converted(workflow, 'native', nodes), nodes)

	assert chosen_graph(workflow, nodes, random.Random(0)).calls[NodeId('1')].inputs == {'words': Constant('a')}
	assert beside_prompt(workflow, nodes) == {'workflow': drawn}
	assert chosen_graph(native, nodes, random.Random(0)).calls[NodeId('1')].inputs == {'words': Constant('{a|a}')}


def test_only_widgets_that_ask_for_it() -> None:
	"""Other texts, and links, stay as they are; the graph that was given is not changed."""
	nodes = {
		'Prompt': info('Prompt', Input(name='words', type='STRING', widget=Text(dynamic_prompts=True))),
		'Write': info('Write', text('words')),
	}
	graph = Graph(
		{
			NodeId('1'): Call('Prompt', {'words': Constant('{a|a}')}),
			NodeId('2'): Call('Write', {'words': Constant('{a|a}')}),
			NodeId('3'): Call('Prompt', {'words': Link(NodeId('2'), 0)}),
			NodeId('4'): Call('Gone', {'words': Constant('{a|a}')}),
		}
	)
	chosen = with_choices(graph, nodes, random.Random(0)).calls

	assert chosen[NodeId('1')].inputs == {'words': Constant('a')}
	assert [chosen[NodeId(node)] for node in '234'] == [graph.calls[NodeId(node)] for node in '234']
	assert graph.calls[NodeId('1')].inputs == {'words': Constant('{a|a}')}
