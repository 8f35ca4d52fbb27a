"""Sweeps: one graph for all combinations, in which what they share is there once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import JsonValue, TypeAdapter

from engine.axes import AXES, MOST_CELLS, Range, Values, axes_from
from engine.context import Context
from engine.declaration import Number, Text
from engine.dynamic import Grow
from engine.errors import BadDocument, WrongInputs
from engine.events import NodeFinished
from engine.flow import Skip
from engine.formats.workflow import Workflow, read_workflow
from engine.graph import Constant, Link, NodeId
from engine.sockets import socket
from engine.spec import node
from engine.sweep import GRID_KIND, Swept, sweep
from tests.engine.tools import Bench


@socket('IMAGE')
class Sketch:
	"""A picture, as a text."""

	def __init__(self, text: str) -> None:
		self.text = text


@node(category='test')
def load(name: Annotated[str, Text()]) -> str:
	"""What everything is made with."""
	return name


@node(category='test')
def draw(
	tool: str,
	seed: Annotated[int, Number(min=0)],
	size: Annotated[float, Number(max=9.0)],
) -> Sketch:
	"""A picture of a seed; a size of nine breaks the pencil."""
	if size == 9:
		raise ValueError('the pencil broke')
	return Sketch(f'{tool} {seed} {size:g}')


@node(category='test', sink=True)
def keep(context: Context, images: Sketch, filename_prefix: str = 'x') -> None:
	"""Shows a picture."""
	context.show(text=[f'{filename_prefix}: {images.text}'])


@node(kind=GRID_KIND, category='test')
def grid(
	images: Annotated[Mapping[str, Sketch | Skip], Grow(prefix='image', max=MOST_CELLS)],
	columns: int,
	column_labels: str = '',
	row_labels: str = '',
	labels: str = '',
) -> Sketch:
	"""All pictures as one."""
	cells = ['-' if isinstance(image, Skip) else image.text for image in images.values()]
	return Sketch(f'{columns} [{" | ".join(cells)}] {column_labels!r} {row_labels!r} {labels!r}')


@node(category='test', sink=True)
def gather(context: Context, values: Annotated[Mapping[str, int], Grow(names=('a', 'b'))]) -> None:
	"""Shows numbers."""
	context.show(text=[str(values)])


NODES: JsonValue = {
	'tool': {'kind': 'Load', 'inputs': {'name': 'pen'}},
	'draw': {'kind': 'Draw', 'inputs': {'tool': {'node': 'tool', 'output': 'STRING'}, 'seed': 1, 'size': 2.0}},
	'keep': {
		'kind': 'Keep',
		'inputs': {'images': {'node': 'draw', 'output': 'IMAGE'}, 'filename_prefix': 'out'},
	},
}
DOCUMENT: JsonValue = {
	'lumengraph': 1,
	'inputs': {
		'seed': {'node': 'draw', 'input': 'seed'},
		'size': {'node': 'draw', 'input': 'size'},
		'tool': {'node': 'tool', 'input': 'name'},
	},
	'nodes': NODES,
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""The nodes above."""
	return Bench(tmp_path, load, draw, keep, grid)


@pytest.fixture
def workflow(bench: Bench) -> Workflow:
	"""A tool, a drawing, and what keeps it."""
	return read_workflow(DOCUMENT, bench.registry.infos)


def swept(bench: Bench, workflow: Workflow, **axes: Values) -> Swept:
	"""A sweep of named inputs."""
	return sweep(workflow, axes, bench.registry.infos, bench.storage)


def shown(bench: Bench) -> dict[str, str]:
	"""Node → the text that it showed."""
	return {
		event.node: str(event.ui.root['text'][0])
		for event in bench.events
		if isinstance(event, NodeFinished) and event.ui is not None
	}


class TestPlanning:
	def test_what_is_shared_is_there_once(self, bench: Bench, workflow: Workflow) -> None:
		"""A node is copied for the axes that reach it; the tool is loaded once for six drawings."""
		found = swept(bench, workflow, seed=[1, 2, 3], size=[4, 5])
		kinds = [call.kind for call in found.graph.calls.values()]

		assert {kind: kinds.count(kind) for kind in kinds} == {'Load': 1, 'Draw': 6, 'Keep': 7, GRID_KIND: 1}
		assert found.graph.calls[NodeId('draw#2-1')].inputs == {
			'tool': Link(NodeId('tool'), 0),
			'seed': Constant(3),
			'size': Constant(5.0),
		}

	def test_axes_of_different_nodes(self, bench: Bench, workflow: Workflow) -> None:
		"""What only one axis reaches is there once per value of that axis."""
		found = swept(bench, workflow, tool=['pen', 'brush'], seed=[1, 2, 3])
		kinds = [call.kind for call in found.graph.calls.values()]

		assert (kinds.count('Load'), kinds.count('Draw')) == (2, 6)
		assert found.graph.calls[NodeId('draw#1-2')].inputs['tool'] == Link(NodeId('tool#1'), 0)

	def test_cells_name_their_nodes(self, bench: Bench, workflow: Workflow) -> None:
		"""Each combination is told with the copies of what saves, the last axis running fastest."""
		table = swept(bench, workflow, seed=[1, 2], size=[4, 5]).table

		assert [(cell.values, cell.nodes) for cell in table.cells][:2] == [
			({'seed': 1, 'size': 4.0}, {'keep': 'keep#0-0'}),
			({'seed': 1, 'size': 5.0}, {'keep': 'keep#0-1'}),
		]
		assert len(table.cells) == 4
		assert table.grids == {'keep': 'keep#grid'}

	def test_any_input_can_be_swept(self, bench: Bench, workflow: Workflow) -> None:
		"""`NODE.INPUT` names those that the workflow does not."""
		table = sweep(workflow, {'keep.filename_prefix': ['a', 'b']}, bench.registry.infos, bench.storage).table

		assert [cell.nodes['keep'] for cell in table.cells] == ['keep#0', 'keep#1']

	def test_ids_that_look_like_copies(self, bench: Bench) -> None:
		"""Copies never take the id of another node."""
		nodes = dict(NODES) if isinstance(NODES, dict) else {}
		nodes['draw#0'] = {'kind': 'Load', 'inputs': {'name': 'other'}}
		workflow = read_workflow({'lumengraph': 1, 'nodes': nodes}, bench.registry.infos)
		found = sweep(workflow, {'draw.seed': [1, 2]}, bench.registry.infos, bench.storage)

		assert found.graph.calls[NodeId('draw#0')].kind == 'Load'
		assert found.graph.calls[NodeId('draw##0')].kind == 'Draw'


class TestRunning:
	def test_pictures_and_grid(self, bench: Bench, workflow: Workflow) -> None:
		"""Each combination is saved, and all together once more, with the values at the sides."""
		outcome = bench.run(swept(bench, workflow, seed=[1, 2], size=[4, 5]).graph)

		assert outcome.state == 'succeeded'
		assert shown(bench) == {
			'keep#0-0': 'out: pen 1 4',
			'keep#0-1': 'out: pen 1 5',
			'keep#1-0': 'out: pen 2 4',
			'keep#1-1': 'out: pen 2 5',
			'keep#grid': "out_grid: 2 [pen 1 4 | pen 1 5 | pen 2 4 | pen 2 5] 'size: 4\\nsize: 5' "
			"'seed: 1\\nseed: 2' ''",
		}

	def test_long_axis_is_broken_into_rows(self, bench: Bench, workflow: Workflow) -> None:
		"""Nine values of one axis are three rows of three, each cell with its value."""
		bench.run(swept(bench, workflow, seed=list(range(9))).graph)

		assert shown(bench)['keep#grid'].startswith('out_grid: 3 [pen 0 2 |')
		assert "'seed: 0\\nseed: 1" in shown(bench)['keep#grid']

	def test_failed_cell_leaves_a_gap(self, bench: Bench, workflow: Workflow) -> None:
		"""The others are made and saved, the grid shows the gap, and the job has failed."""
		outcome = bench.run(swept(bench, workflow, size=[8, 9]).graph)

		assert outcome.state == 'failed'
		assert outcome.failure is not None
		assert outcome.failure.node == 'draw#1'
		assert shown(bench)['keep#0'] == 'out: pen 1 8'
		assert shown(bench)['keep#grid'].startswith('out_grid: 2 [pen 1 8 | -]')


class TestRange:
	@pytest.mark.parametrize(
		('given', 'whole', 'values'),
		[
			({'from': 1, 'to': 8, 'steps': 8}, False, [1, 2, 3, 4, 5, 6, 7, 8]),
			({'from': 0, 'to': 0.3, 'steps': 4}, False, [0, 0.1, 0.2, 0.3]),
			({'from': 1, 'to': 4, 'steps': 7}, True, [1, 2, 3, 4]),
			({'from': 5, 'to': 1, 'steps': 2}, True, [5, 1]),
			({'from': 5, 'to': 9, 'steps': 1}, True, [5]),
			({'from': 0.5, 'to': 2.5, 'steps': 3}, True, [0, 2]),
			({'from': 2**64 - 5, 'to': 2**64 - 1, 'steps': 3}, True, [2**64 - 5, 2**64 - 3, 2**64 - 1]),
			({'from': 2**53 + 1, 'to': 2**53 + 3, 'steps': 2}, False, [2**53 + 1, 2**53 + 3]),
		],
	)
	def test_values(self, given: JsonValue, whole: bool, values: list[float]) -> None:
		"""Both ends are in it; whole numbers are there once."""
		assert TypeAdapter(Range).validate_python(given).values(whole=whole) == values

	def test_large_seeds(self, bench: Bench, workflow: Workflow) -> None:
		"""A range over seeds gives each of them with all of its digits, also when its ends came as JSON or text."""
		axes = AXES.validate_json('{"seed": {"from": 156680208700286, "to": 156680208700290, "steps": 5}}')
		found = sweep(workflow, axes, bench.registry.infos, bench.storage)

		assert found.table.axes == {'seed': list(range(156680208700286, 156680208700291))}
		assert Range.model_validate({'from': '18446744073709551615', 'to': '1', 'steps': '2'}).start == 2**64 - 1
		assert AXES.dump_python(axes, mode='json', by_alias=True)['seed']['from'] == 156680208700286

	def test_a_number_beyond_all_bounds(self) -> None:
		"""It is refused once, in words."""
		with pytest.raises(WrongInputs, match='"from" must be a number, not 1000') as caught:
			axes_from({'seed': {'from': 10**400, 'to': 1, 'steps': 2}})

		assert str(caught.value).count('must be') == 1


class TestRefusals:
	@pytest.mark.parametrize(
		('axes', 'sentence'),
		[
			({'seed': [1, -1]}, "input 'seed': expected a whole number, got -1"),
			({'seed': []}, "input 'seed': expected at least one value to sweep over, got none"),
			({}, "input 'sweep': expected at least one input to sweep over, got none"),
			(
				{'seed': list(range(51)), 'size': [1, 2]},
				"input 'sweep': expected at most 100 combinations, got 51 × 2 = 102",
			),
			(
				{'seed': [1, 2], 'draw.seed': [3, 4]},
				"input 'draw.seed': expected an input that no other axis sets, got 'draw.seed', which 'seed' sets too",
			),
			(
				{'draw.sead': [1]},
				"input 'draw.sead': expected an input of node 'draw' (Draw): tool, seed, size, "
				"got 'sead' (did you mean 'draw.seed'?)",
			),
		],
	)
	def test_bad_values(
		self, bench: Bench, workflow: Workflow, axes: Mapping[str, list[JsonValue]], sentence: str
	) -> None:
		"""Values that an input does not take, none, and too many combinations are told."""
		with pytest.raises(WrongInputs) as caught:
			sweep(workflow, axes, bench.registry.infos, bench.storage)

		assert [misfit.sentence for misfit in caught.value.misfits] == [sentence]

	def test_unknown_input(self, bench: Bench, workflow: Workflow) -> None:
		"""So is an input that is not there."""
		with pytest.raises(BadDocument, match="no workflow input 'sede'"):
			swept(bench, workflow, sede=[1])


class TestDottedNames:
	def test_input_of_a_choice(self, tmp_path: Path) -> None:
		"""The node is told apart from the name of its input, in what pictures carry too."""
		bench = Bench(tmp_path, load, draw, keep, grid, gather)
		document: JsonValue = {'3': {'class_type': 'Gather', 'inputs': {'values.a': 1}}}
		found = sweep(
			read_workflow(document, bench.registry.infos),
			{'3.values.a': Range.model_validate({'from': 1, 'to': 2, 'steps': 2}), '3.values.b': [3]},
			bench.registry.infos,
			bench.storage,
		)

		assert found.graph.calls[NodeId('3#1-0')].inputs == {'values.a': Constant(2), 'values.b': Constant(3)}
		assert [(axis.node, axis.input) for axis in found.axes] == [('3', 'values.a'), ('3', 'values.b')]


class TestSubgraphs:
	def test_input_that_several_nodes_inside_take(self, bench: Bench) -> None:
		"""All of them are set; pictures carry the value at the instance."""
		inner: dict[str, JsonValue] = {}
		for name in ('one', 'two'):
			given: JsonValue = {'tool': {'input': 'tool'}, 'seed': {'input': 'seed', 'value': 1}, 'size': 2.0}
			inner[name] = {'kind': 'Draw', 'inputs': given}
			inner[f'keep_{name}'] = {'kind': 'Keep', 'inputs': {'images': {'node': name, 'output': 'IMAGE'}}}
		document: JsonValue = {
			'lumengraph': 2,
			'inputs': {'seed': {'node': 'pair', 'input': 'seed'}},
			'nodes': {
				'tool': {'kind': 'Load', 'inputs': {'name': 'pen'}},
				'pair': {
					'kind': 'subgraph:pair',
					'inputs': {'tool': {'node': 'tool', 'output': 'STRING'}, 'seed': 1},
				},
			},
			'subgraphs': {
				'pair': {
					'inputs': {'tool': {'type': 'STRING'}, 'seed': {'type': 'INT', 'default': 1}},
					'nodes': inner,
				}
			},
		}
		found = swept(bench, read_workflow(document, bench.registry.infos), seed=[5, 6])
		seeds = [call.inputs['seed'] for call in found.graph.calls.values() if call.kind == 'Draw']

		assert seeds == [Constant(5), Constant(6)] * 2
		assert found.beside({})['sweep'] == {
			f'pair:keep_{name}#{index}': {'pair': {'seed': seed}}
			for index, seed in enumerate((5, 6))
			for name in ('one', 'two')
		}
