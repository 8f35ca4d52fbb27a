"""A workflow over many values of some inputs, as one graph: what no swept input reaches is in it once.

	{"seed": [1, 2, 3], "cfg": {"from": 1, "to": 8, "steps": 8}}

Each input is an axis; every combination of their values is a cell, the last axis running fastest. A node is there once
per combination of the axes that reach it: of three seeds and eight strengths, the prompt is encoded once. Copies are
called `NODE#0-2`, by the places of their values. What the workflow saves is saved for each cell, and once more as a grid
with the values at its sides.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from engine.axes import MOST_CELLS, Range, Values
from engine.cells import CELLS
from engine.declaration import Model, NodeInfo
from engine.errors import InputMisfit, WrongInputs
from engine.formats.flatten import Target
from engine.formats.interface import InputSignature, signature_of
from engine.formats.workflow import Workflow
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from engine.needs import downstream
from engine.storage import Storage

GRID_KIND = 'LabelledImageGrid'
PICTURES = 'IMAGE'
LONGEST_LABEL = 60
WIDEST_ROW = 6
"""Values of a single axis that stand side by side; more are broken into rows."""


class Cell(Model):
	"""One combination: the value of each axis, and for each node that saves or shows something its copy here."""

	values: dict[str, JsonValue]
	nodes: dict[str, str]


class SweepTable(Model):
	"""What a sweep is made of. `grids` maps nodes that save pictures to those that save all of theirs as one."""

	axes: dict[str, list[JsonValue]]
	cells: list[Cell]
	grids: dict[str, str]

	def targets(self, nodes: Iterable[str]) -> list[str]:
		"""For some of the workflow's sinks: all of their copies, and their grids."""
		wanted = list(nodes)
		copies = [cell.nodes[node] for node in wanted for cell in self.cells if node in cell.nodes]
		return [*dict.fromkeys((*copies, *(self.grids[node] for node in wanted if node in self.grids)))]


@dataclass(frozen=True)
class Axis:
	"""A swept input and its values.

	`places` are the inputs of the graph that it sets: several, where several nodes inside of a subgraph take it over.
	`node` and `input` are what it stands for in the file, which may be an instance of a subgraph.
	"""

	wanted: InputSignature
	places: tuple[Target, ...]
	node: str
	input: str
	values: tuple[JsonValue, ...]


@dataclass(frozen=True)
class Swept:
	"""The graph of all combinations, and which of its nodes belong to which."""

	graph: Graph
	table: SweepTable
	axes: tuple[Axis, ...]

	def beside(self, told: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
		"""What is written into pictures, made of what it is for the workflow: each carries its own combination."""
		cells: dict[str, JsonValue] = {}
		for cell in self.table.cells:
			values: dict[str, dict[str, JsonValue]] = {}
			for axis in self.axes:
				values.setdefault(axis.node, {})[axis.input] = cell.values[axis.wanted.name]
			cells.update({node: {**values} for node in cell.nodes.values()})
		return {**told, CELLS: cells}


def sweep(workflow: Workflow, axes: Mapping[str, Values], nodes: Mapping[str, NodeInfo], storage: Storage) -> Swept:
	"""Plan a sweep of named inputs, or `NODE.INPUT`.

	Raises `BadDocument` for a name or node that is not there, `WrongInputs` for an input that its node does not have, for
	values that one does not take, for two axes that set the same input, and for more than 100 combinations.
	"""
	found = read_axes(workflow, axes, nodes, storage)
	copies = _Copies(workflow.graph, found)
	calls = dict(copies.calls())
	sinks = [node for node, call in workflow.graph.calls.items() if call.kind in nodes and nodes[call.kind].sink]
	grids: dict[str, str] = {}
	for sink in sinks:
		for name, call in _grid(workflow.graph, sink, found, copies, nodes):
			calls[name] = call
			grids[sink] = name
	cells = [
		Cell(
			values={axis.wanted.name: axis.values[place] for axis, place in zip(found, places, strict=True)},
			nodes={sink: copies.name(sink, places) for sink in sinks},
		)
		for places in copies.combinations()
	]
	table = SweepTable(axes={axis.wanted.name: list(axis.values) for axis in found}, cells=cells, grids=grids)
	return Swept(Graph(calls), table, found)


def read_axes(
	workflow: Workflow, axes: Mapping[str, Values], nodes: Mapping[str, NodeInfo], storage: Storage
) -> tuple[Axis, ...]:
	"""The axes with their values in normal form. Raises as `sweep` does."""
	found: list[Axis] = []
	misfits: list[InputMisfit] = []
	for name, given in axes.items():
		try:
			wanted = signature_of(workflow, nodes, name)
		except WrongInputs as error:
			misfits += error.misfits
			continue
		values = given.values(whole=wanted.type == 'INT') if isinstance(given, Range) else given
		if not values:
			misfits.append(InputMisfit(name, 'at least one value to sweep over', 'none'))
		accepted: list[JsonValue] = []
		for value in values:
			try:
				normal = wanted.accept(value, storage)
			except WrongInputs as error:
				misfits += error.misfits
				continue
			if normal not in accepted:
				accepted.append(normal)
		axis = Axis(wanted, workflow.places(name), *workflow.said(name), tuple(accepted))
		misfits += _shared(axis, found)
		found.append(axis)
	if not axes:
		misfits.append(InputMisfit('sweep', 'at least one input to sweep over', 'none'))
	count = math.prod(len(axis.values) for axis in found)
	if count > MOST_CELLS:
		product = ' × '.join(str(len(axis.values)) for axis in found)
		misfits.append(InputMisfit('sweep', f'at most {MOST_CELLS} combinations', f'{product} = {count}'))
	if misfits:
		raise WrongInputs(misfits)
	return tuple(found)


def _shared(axis: Axis, others: Sequence[Axis]) -> Iterator[InputMisfit]:
	"""What an axis sets that another one sets too: of the two, one would have no effect."""
	for other in others:
		place = next((place for place in axis.places if place in other.places), None)
		if place is not None:
			name, told = axis.wanted.name, '.'.join(place)
			yield InputMisfit(
				name, 'an input that no other axis sets', f'{told!r}, which {other.wanted.name!r} sets too'
			)


class _Copies:
	"""Which nodes there are several times, and what their copies are called."""

	def __init__(self, graph: Graph, axes: Sequence[Axis]) -> None:
		self._graph = graph
		self._axes = axes
		reached = [downstream(graph, [node for node, _ in axis.places]) for axis in axes]
		self._reaching = {
			node: tuple(index for index, nodes in enumerate(reached) if node in nodes) for node in graph.calls
		}
		self._mark = '#'
		while any(self._mark in node for node in graph.calls):
			self._mark += '#'

	def combinations(self, node: NodeId | None = None) -> Iterator[tuple[int, ...]]:
		"""The places of values on all axes: of every cell, or one for each copy of a node."""
		wanted = range(len(self._axes)) if node is None else self._reaching[node]
		yield from itertools.product(
			*(range(len(axis.values)) if index in wanted else (0,) for index, axis in enumerate(self._axes))
		)

	def name(self, node: NodeId, places: Sequence[int]) -> NodeId:
		"""What the copy of a node in a cell is called."""
		own = self._reaching.get(node, ())
		return NodeId(f'{node}{self._mark}{"-".join(str(places[index]) for index in own)}') if own else node

	def grid(self, node: NodeId) -> NodeId:
		"""What the node that draws or saves a grid is called."""
		return NodeId(f'{node}{self._mark}grid')

	def is_copied(self, node: NodeId) -> bool:
		"""Whether there are several of a node."""
		return bool(self._reaching.get(node))

	def calls(self) -> Iterator[tuple[NodeId, Call]]:
		"""All nodes of the sweep."""
		for node, call in self._graph.calls.items():
			if not self._reaching[node]:
				yield node, call
				continue
			for places in self.combinations(node):
				inputs = {name: self._argument(argument, places) for name, argument in call.inputs.items()}
				for axis, place in zip(self._axes, places, strict=True):
					inputs |= {given: Constant(axis.values[place]) for taker, given in axis.places if taker == node}
				yield self.name(node, places), Call(call.kind, inputs, call.title)

	def _argument(self, argument: Argument, places: Sequence[int]) -> Argument:
		return Link(self.name(argument.node, places), argument.output) if isinstance(argument, Link) else argument


def _grid(
	graph: Graph, sink: NodeId, axes: Sequence[Axis], copies: _Copies, nodes: Mapping[str, NodeInfo]
) -> Iterator[tuple[NodeId, Call]]:
	"""The node that draws the grid of what a sink saves, and the one that saves it; none for a sink of no pictures."""
	call = graph.calls[sink]
	taken = next((item.name for item in nodes[call.kind].inputs if item.type == PICTURES), '')
	pictures = call.inputs.get(taken)
	if not copies.is_copied(sink) or not isinstance(pictures, Link) or GRID_KIND not in nodes:
		return
	cells = list(copies.combinations())
	inputs: dict[str, Argument] = {
		f'images.image{index}': Link(copies.name(pictures.node, places), pictures.output)
		for index, places in enumerate(cells)
	}
	inputs |= {name: Constant(value) for name, value in _labels(axes).items()}
	drawn, saved = NodeId(copies.grid(sink) + '-drawn'), copies.grid(sink)
	yield drawn, Call(GRID_KIND, inputs)
	prefix = call.inputs.get('filename_prefix')
	renamed = (
		{'filename_prefix': Constant(f'{prefix.value}_grid')}
		if isinstance(prefix, Constant) and isinstance(prefix.value, str)
		else {}
	)
	first = {
		name: Link(copies.name(argument.node, cells[0]), argument.output) if isinstance(argument, Link) else argument
		for name, argument in call.inputs.items()
	}
	yield saved, Call(call.kind, {**first, **renamed, taken: Link(drawn, 0)}, call.title)


def _labels(axes: Sequence[Axis]) -> dict[str, JsonValue]:
	"""The last axis runs from left to right, the others from top to bottom; a long single one is broken into rows."""
	across = axes[-1]
	if len(axes) == 1 and len(across.values) > WIDEST_ROW:
		columns = math.ceil(math.sqrt(len(across.values)))
		return {'columns': columns, 'labels': _lines(_label(across, value) for value in across.values)}
	down = itertools.product(*([_label(axis, value) for value in axis.values] for axis in axes[:-1]))
	return {
		'columns': len(across.values),
		'column_labels': _lines(_label(across, value) for value in across.values),
		'row_labels': _lines(', '.join(labels) for labels in down),
	}


def _label(axis: Axis, value: JsonValue) -> str:
	shown = f'{value:g}' if isinstance(value, float) else str(value)
	text = ' '.join(f'{axis.wanted.name}: {shown}'.split())
	return text if len(text) <= LONGEST_LABEL else f'{text[: LONGEST_LABEL - 1]}…'


def _lines(labels: Iterator[str]) -> str:
	return '\n'.join(labels)
