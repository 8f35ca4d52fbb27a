"""Prefixes of file names."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from pydantic import JsonValue

from engine.formats.workflow import read_workflow
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.prefixes import expand, with_prefixes
from engine.spec import node
from engine.sweep import sweep
from tests.engine.tools import Bench, registry_of


@node(category='test', sink=True)
def keep(value: int, filename_prefix: str) -> None:
	pass


NODES = registry_of(keep).infos


def filled(prefix: str, *, title: str = '', value: JsonValue = 'a/b:c') -> object:
	"""What becomes of a prefix where a number is kept that another node gives."""
	graph = Graph(
		{
			NodeId('first'): Call('Number', {'value': Constant(value)}, title),
			NodeId('sum'): Call('Add', {'a': Link(NodeId('first'), 0), 'b': Constant(2)}),
			NodeId('keep'): Call('Keep', {'value': Link(NodeId('sum'), 0), 'filename_prefix': Constant(prefix)}),
		}
	)
	given = with_prefixes(graph, NODES).calls[NodeId('keep')].inputs['filename_prefix']

	assert isinstance(given, Constant)
	return given.value


class TestWhenSaved:
	def test_size_and_place(self) -> None:
		"""Other words stay."""
		assert expand('%width%x%height%-%batch_num%', 6, 4, 2) == '6x4-2'
		assert expand('%seed% 100%', 6, 4, 0) == '%seed% 100%'

	def test_time(self) -> None:
		"""Its parts, whatever stands between them, and in any form."""
		parts = expand('%year%-%month%-%day% %hour%.%minute%_%second%', 6, 4, 0)
		date = expand('%date:yyyy-MM-dd hh.mm_ss%', 6, 4, 0)

		assert re.fullmatch(r'\d{4}-\d\d-\d\d \d\d\.\d\d_\d\d', parts)
		assert re.fullmatch(r'\d{4}-\d\d-\d\d \d\d\.\d\d_\d\d', date)

	def test_forms_of_dates(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""One letter is a number as it is, two are two digits; other letters are text."""
		monkeypatch.setattr(time, 'localtime', lambda: time.struct_time((2031, 4, 5, 6, 7, 8, 0, 0, 0)))

		assert expand('%date:yy-M-d h:m:s%/%date:yyyyMMddhhmmss%', 0, 0, 0) == '31-4-5 6:7:8/20310405060708'


class TestWhenQueued:
	@pytest.mark.parametrize('name', ['Add', 'sum'])
	def test_values_of_nodes(self, name: str) -> None:
		"""By the node's kind or id."""
		assert filled(f'%{name}.b%/x') == '2/x'

	def test_by_title(self) -> None:
		"""Which may have spaces; what a file name cannot hold becomes an underscore."""
		assert filled('x_%The first.value%_%width%', title='The first') == 'x_a_b_c_%width%'

	@pytest.mark.parametrize('prefix', ['%Other.b%', '%Add.c%', '%Add.a%', '%b%', '%.b%', '100% %', '%date:yyyy.MM%'])
	def test_what_stays(self, prefix: str) -> None:
		"""No such node, no such input, one that is linked, a date."""
		assert filled(prefix) == prefix

	@pytest.mark.parametrize(
		('prefix', 'expected'),
		[
			('%width%x%height%_v1.5_%Add.b%', '%width%x%height%_v1.5_2'),
			('%date:yyyy-MM-dd%_v1.5_%Add.b%', '%date:yyyy-MM-dd%_v1.5_2'),
			('%date:yyyy.MM%_%Add.b%', '%date:yyyy.MM%_2'),
			('%Add.b%_v1.5_%Add.b%', '2_v1.5_2'),
			('%Add.b%%Add.b%', '22'),
			('%Other.x%_%Add.b%', '%Other.x%_2'),
			('%Add.a%_%Add.b%', '%Add.a%_2'),
			('100%_of_%Add.b%', '100%_of_2'),
			('100%_v1.5_%Add.b%', '100%_v1.5_2'),
			('%Add.b%_100%', '2_100%'),
			('%%Add.b%%', '%2%'),
		],
	)
	def test_which_signs_are_a_pair(self, prefix: str, expected: str) -> None:
		"""Those around a placeholder, whatever stands between it and the next one; others are text."""
		assert filled(prefix) == expected

	@pytest.mark.parametrize(
		('value', 'expected'),
		[
			(True, 'true'),
			(8.0, '8'),
			(-2.0, '-2'),
			(1e300, '1e+300'),
			(0.5, '0.5'),
			('..', '_'),
			('../x', '_x'),
			('. a. ', 'a'),
			('', '_'),
			(None, '_'),
			('é' * 200, 'é' * 50),
			('a' + 'é' * 200, 'a' + 'é' * 49),
			('a' * 98 + ' . b', 'a' * 98),
			('a\ud800b', 'ab'),
		],
	)
	def test_how_values_are_written(self, value: JsonValue, expected: str) -> None:
		"""As ComfyUI's editor writes them, but never so that no file could be called that."""
		assert filled('%first.value%', value=value) == expected

	def test_a_linked_input_is_no_other_nodes(self) -> None:
		"""The node before the one that saves is meant, though only an unrelated one has a value there."""
		graph = Graph(
			{
				NodeId('other'): Call('Add', {'a': Constant(1), 'b': Constant(2)}),
				NodeId('one'): Call('Number', {'value': Constant(5)}),
				NodeId('sum'): Call('Add', {'a': Link(NodeId('one'), 0), 'b': Constant(3)}),
				NodeId('keep'): Call(
					'Keep', {'value': Link(NodeId('sum'), 0), 'filename_prefix': Constant('%Add.a%_%Add.b%')}
				),
			}
		)

		assert with_prefixes(graph, NODES).calls[NodeId('keep')].inputs['filename_prefix'] == Constant('%Add.a%_3')

	def test_kinds_come_before_titles(self) -> None:
		"""And titles before ids, wherever the nodes stand."""
		graph = Graph(
			{
				NodeId('Add'): Call('Number', {'b': Constant('id')}),
				NodeId('1'): Call('Number', {'b': Constant('title')}, 'Add'),
				NodeId('2'): Call('Add', {'b': Constant('kind')}),
				NodeId('keep'): Call('Keep', {'value': Link(NodeId('1'), 0), 'filename_prefix': Constant('%Add.b%')}),
			}
		)
		without = Graph({node: call for node, call in graph.calls.items() if node != '2'})

		assert with_prefixes(graph, NODES).calls[NodeId('keep')].inputs['filename_prefix'] == Constant('kind')
		assert with_prefixes(without, NODES).calls[NodeId('keep')].inputs['filename_prefix'] == Constant('title')

	def test_copies_of_a_sweep(self, tmp_path: Path) -> None:
		"""Each file is named by the values that it was made with."""
		bench = Bench(tmp_path, keep)
		nodes: JsonValue = {
			'one': {'kind': 'Number', 'inputs': {'value': 1}},
			'keep': {
				'kind': 'Keep',
				'inputs': {'value': {'node': 'one', 'output': 0}, 'filename_prefix': '%one.value%'},
			},
		}
		workflow = read_workflow({'lumengraph': 2, 'nodes': nodes}, NODES)
		swept = sweep(workflow, {'one.value': [3, 4]}, NODES, bench.storage)
		calls = with_prefixes(swept.graph, NODES).calls

		assert [calls[NodeId(f'keep#{index}')].inputs['filename_prefix'] for index in (0, 1)] == [
			Constant('3'),
			Constant('4'),
		]
