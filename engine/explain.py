"""What a workflow does, told before it runs: node by node what comes in, what would be computed and why, what is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from engine.catalogue import Catalogue
from engine.declaration import Model, NodeInfo, Number
from engine.errors import EngineError
from engine.events import Why
from engine.forecast import Forecast
from engine.formats.workflow import Form, Workflow
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.namedfiles import NamedFile, named_files
from engine.needs import dependency_order
from engine.problems import Problem
from engine.recorder import root_of, size_of
from engine.runner import Runner

Fate = Literal['cached', 'runs', 'asked', 'spared', 'unused', 'unknown']


class Incoming(Model):
	"""A link that comes in: from which node, which output (a number, where its kind is not known), of which type."""

	input: str
	node: str
	output: str
	type: str


class NodeExplanation(Model):
	"""One node: what it is, what comes in, what would become of it now.

	`cached`: its results are kept. `runs`: it would be computed, unless what comes in turns out to be what it was; `why` tells
	the reason, `seconds` how long its kind took before. `asked`: it runs only if a node that does asks for it. `spared`: nothing that runs needs it. `unused`: nothing that is saved
	or shown needs it. `unknown`: the workflow cannot be run as it is, or not before files are copied.
	"""

	node: str
	kind: str
	title: str
	what: str
	known: bool
	values: dict[str, JsonValue]
	links: tuple[Incoming, ...]
	fate: Fate
	why: Why | None = None
	seconds: float | None = None


class FileExplanation(Model):
	"""A file that the workflow names: a model, or what lies in the input folder. `damage` says why it cannot be read."""

	folder: str
	name: str
	nodes: tuple[str, ...]
	is_model: bool
	there: bool
	size: int = 0
	family: str = ''
	damage: str = ''


class SeedExplanation(Model):
	"""A seed, by NODE.INPUT."""

	place: str
	value: JsonValue


class NamedInputExplanation(Model):
	"""A named input of the workflow, and what it stands for."""

	name: str
	place: str
	description: str


class Explanation(Model):
	"""All of it; nodes in an order in which they can run. `memory` is null where nothing can be told."""

	title: str
	description: str
	form: Form
	inputs: tuple[NamedInputExplanation, ...]
	nodes: tuple[NodeExplanation, ...]
	files: tuple[FileExplanation, ...]
	seeds: tuple[SeedExplanation, ...]
	problems: tuple[str, ...]
	warnings: tuple[str, ...]
	memory: Forecast | None = None


def explain(workflow: Workflow, runner: Runner, beside: Mapping[str, Path] | None = None) -> Explanation:
	"""Explain a workflow, whatever is wrong with it. Nothing is run.

	`beside` are files by NODE.INPUT that a run will first copy into the input folder: warnings tell that, and they are no
	problems. What becomes of nodes that need them is not known before.
	"""
	beside = beside or {}
	nodes = runner.kit.nodes.infos
	checked = runner.check(workflow.graph, tolerant=workflow.tolerant)
	lasting = (problem for problem in checked.problems if f'{problem.node}.{problem.input}' not in beside)
	problems: tuple[Problem, ...] = tuple(workflow.with_hints(lasting))
	fates: Mapping[NodeId, tuple[Fate, Why | None]] = {}
	memory: Forecast | None = None
	trouble: tuple[str, ...] = ()
	if checked.good_sinks:
		try:
			fates = runner.foresee(checked.graph, checked.good_sinks)
			memory = runner.forecast(checked.graph, checked.good_sinks)
		except EngineError as error:
			trouble = (str(error),)
	order, _ = dependency_order(workflow.graph.calls, workflow.graph.calls)
	graph = checked.graph if checked.good_sinks else workflow.graph
	needed = set(graph.closure(checked.good_sinks).calls)
	return Explanation(
		title=workflow.title,
		description=workflow.description,
		form=workflow.form,
		inputs=tuple(
			NamedInputExplanation(name=name, place=f'{named.node}.{named.input}', description=named.description)
			for name, named in workflow.inputs.items()
		),
		nodes=tuple(
			_node(
				node, workflow.graph, nodes, *_fate(node, fates, needed, complete=not checked.problems), runner=runner
			)
			for node in order
		),
		files=tuple(_files(workflow.graph, runner)),
		seeds=tuple(_seeds(workflow.graph, nodes)),
		problems=(*(problem.sentence for problem in problems), *trouble),
		warnings=(
			*workflow.warnings,
			*(missing.sentence for missing in workflow.missing),
			*(f'{place}: {path} is not in the input folder; run copies it there' for place, path in beside.items()),
		),
		memory=memory if memory is not None and memory.nodes else None,
	)


def _fate(
	node: NodeId, fates: Mapping[NodeId, tuple[Fate, Why | None]], needed: set[NodeId], *, complete: bool
) -> tuple[Fate, Why | None]:
	found = fates.get(node)
	if found is not None:
		return found
	return ('unused' if complete and node not in needed else 'unknown'), None


def _node(
	node: NodeId, graph: Graph, nodes: Mapping[str, NodeInfo], fate: Fate, why: Why | None, *, runner: Runner
) -> NodeExplanation:
	call = graph.calls[node]
	info = nodes.get(call.kind)
	return NodeExplanation(
		node=node,
		kind=call.kind,
		title=call.title or (info.title if info is not None else ''),
		what=info.description.partition('\n')[0] if info is not None else '',
		known=info is not None,
		values={name: given.value for name, given in call.inputs.items() if isinstance(given, Constant)},
		links=tuple(_links(call, graph, nodes)),
		fate=fate,
		why=why,
		seconds=runner.expected_seconds(call.kind) if fate == 'runs' else None,
	)


def _links(call: Call, graph: Graph, nodes: Mapping[str, NodeInfo]) -> Iterator[Incoming]:
	for name, given in call.inputs.items():
		if isinstance(given, Link):
			source = graph.calls.get(given.node)
			info = nodes.get(source.kind) if source is not None else None
			output = info.outputs[given.output] if info is not None and 0 <= given.output < len(info.outputs) else None
			yield Incoming(
				input=name,
				node=given.node,
				output=output.name if output is not None else str(given.output),
				type=output.type if output is not None else '',
			)


def _files(graph: Graph, runner: Runner) -> Iterator[FileExplanation]:
	found: dict[tuple[str, str], list[NamedFile]] = {}
	for file in named_files(graph, runner.kit.nodes.infos):
		found.setdefault((file.folder, file.name), []).append(file)
	for files in found.values():
		explained = FileExplanation(
			folder=files[0].folder,
			name=files[0].name,
			nodes=tuple(dict.fromkeys(file.node for file in files)),
			is_model=files[0].is_model,
			there=False,
		)
		try:
			yield explained.model_copy(update=_told(files[0], runner))
		except (EngineError, OSError):
			yield explained


def _told(file: NamedFile, runner: Runner) -> dict[str, object]:
	"""What there is to say of a file. Raises if it is not there."""
	if not file.is_model:
		path = runner.storage.files.find(file.name, root_of(file.folder))
		return {'there': True, 'size': path.stat().st_size}
	catalogue: Catalogue = runner.storage.catalogue
	path = catalogue.path(file.folder, file.name)
	family = catalogue.facts(path).get('family', '')
	return {'there': True, 'size': size_of(path), 'family': str(family), 'damage': catalogue.damage(path) or ''}


def _seeds(graph: Graph, nodes: Mapping[str, NodeInfo]) -> Iterator[SeedExplanation]:
	for node, call in graph.calls.items():
		for item in nodes[call.kind].inputs if call.kind in nodes else ():
			given = call.inputs.get(item.name)
			if isinstance(item.widget, Number) and item.widget.seed and isinstance(given, Constant):
				yield SeedExplanation(place=f'{node}.{item.name}', value=given.value)
