"""Any workflow file: which form it is in, its graph, and its named inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import JsonValue
from pydantic_core import from_json

from engine.declaration import NodeInfo
from engine.errors import BadDocument, InputMisfit, WrongInputs
from engine.formats.document import NamedInput, NamedOutput, Requirements
from engine.formats.editor.models import needed_models
from engine.formats.editor.read import EditorReading, MissingKind, is_editor, read_editor
from engine.formats.embedded import embedded, workflow_texts
from engine.formats.flatten import OutputPlace, Target, flatten
from engine.formats.migrate import migrated
from engine.formats.naming import cuts, inputs_of, no_input, takes
from engine.formats.native import is_native, read_document
from engine.formats.prompt import describe, is_prompt, read_prompt
from engine.formats.requirements import missing_kinds, version_warnings
from engine.graph import Constant, Graph, Link, NodeId
from engine.problems import Problem

FROM_ELSEWHERE = ('editor', 'comfy')
"""Blocks of native files that were made of other forms."""
Form = Literal['native', 'api', 'editor']


@dataclass(frozen=True)
class Workflow:
	"""A workflow as read from a file. `tolerant` forms may carry inputs that their nodes do not declare.

	`source` is the document that it was read from, in its `form`. `targets`: for an input of an instance of a subgraph,
	(id of the instance, input), the inputs of the flat graph that take it over. `sources`: for a named output that stands at
	an instance or a bypassed node, (its id, output), what gives it, None if nothing does. `off`: nodes that are muted or
	bypassed, `idle`: inputs of instances that therefore nothing takes. `missing` are kinds that are not known here,
	`warnings` what of the file had to be left out or guessed, `requires` the packs and models that it names. `reading` is
	what was read of a document of the editor form, for whoever writes it in another form. `kinds` are those that are known
	here.
	"""

	graph: Graph
	title: str = ''
	description: str = ''
	inputs: Mapping[str, NamedInput] = field(default_factory=dict)
	outputs: Mapping[str, NamedOutput] = field(default_factory=dict)
	targets: Mapping[tuple[str, str], tuple[Target, ...]] = field(default_factory=dict)
	sources: Mapping[OutputPlace, Link | None] = field(default_factory=dict)
	off: frozenset[str] = frozenset()
	idle: frozenset[tuple[str, str]] = frozenset()
	tolerant: bool = False
	form: Form = 'native'
	source: Mapping[str, JsonValue] = field(default_factory=dict)
	missing: tuple[MissingKind, ...] = ()
	warnings: tuple[str, ...] = ()
	requires: Requirements = field(default_factory=Requirements)
	reading: EditorReading | None = field(default=None, repr=False, compare=False)
	kinds: Mapping[str, NodeInfo] = field(default_factory=dict, repr=False, compare=False)

	def with_values(self, values: Mapping[str, JsonValue]) -> Workflow:
		"""Set several inputs, as `with_value` does. Raises `WrongInputs` with all that the nodes do not have."""
		changed = self
		misfits: list[InputMisfit] = []
		for name in self.in_order(values):
			try:
				changed = changed.with_value(name, values[name])
			except WrongInputs as error:
				misfits += error.misfits
		if misfits:
			raise WrongInputs(misfits)
		return changed

	def in_order(self, names: Iterable[str]) -> list[str]:
		"""The names of inputs in the order to set them: a choice before the inputs that only belong to what is chosen."""
		return sorted(names, key=lambda name: self.said(name)[1].count('.'))

	def with_value(self, name: str, value: JsonValue) -> Workflow:
		"""Set a named workflow input, or `NODE.INPUT`.

		Raises `BadDocument` if there is no such name or node, `WrongInputs` if the node has no such input.
		"""
		changes: dict[NodeId, dict[str, Constant]] = {}
		for node, given in self.places(name):
			changes.setdefault(node, {})[given] = Constant(value)
		return replace(self, graph=self.graph.with_inputs(changes))

	def with_hints(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
		"""Problems as the checker found them, and what the file knows of them.

		That is which pack has an unknown kind, and where a model is found that is not here.
		"""
		whence = {missing.kind: missing.whence for missing in self.missing if missing.whence}
		found: list[Problem] = []
		for problem in problems:
			hint = ''
			if problem.code == 'missing_node_type':
				hint = whence.get(problem.kind, '')
			elif problem.code == 'value_not_in_list' and isinstance(problem.value, str):
				model = self.requires.models.get(problem.value)
				hint = f'the file is found at {model.url}' if model is not None and model.url else ''
			found.append(problem.model_copy(update={'expected': f'{problem.expected} ({hint})'}) if hint else problem)
		return tuple(found)

	def place(self, name: str) -> Target:
		"""The node and input that a name stands for; the first, if it stands for several."""
		return self.places(name)[0]

	def places(self, name: str) -> tuple[Target, ...]:
		"""The nodes and inputs that a name stands for: a workflow input, or `NODE.INPUT`.

		There are several where the node is an instance of a subgraph, and several nodes inside take the input over. Raises
		`BadDocument` if there is no such name or node, `WrongInputs` if the node has no such input.
		"""
		node, given = self.said(name)
		found = self._targets_of(node, given)
		if name in self.inputs:
			if not found:
				why = 'switched off' if self.is_idle(self.inputs[name]) else 'not there'
				raise BadDocument(
					f'The workflow input {name!r} points at node {node!r} (input {given!r}), which is {why}.'
				)
			return found
		call = self.graph.calls.get(NodeId(node))
		if (node, given) in self.idle:
			raise BadDocument(f'Whatever takes the input {given!r} of node {node!r} is switched off.')
		if call is None and not found:
			raise WrongInputs([no_input(node, '', given, self._inputs_of_instance(node))])
		info = self.kinds.get(call.kind) if call is not None else None
		if call is not None and info is not None and not takes(info, call, given):
			raise WrongInputs([no_input(node, call.kind, given, inputs_of(info, call))])
		return found

	def said(self, name: str) -> tuple[str, str]:
		"""The node or the instance, and the input of it, that a name stands for in the file.

		Raises `BadDocument` if there is no such name or node. Whether the node has such an input is not looked at.
		"""
		named = self.inputs.get(name)
		if named is not None:
			return named.node, named.input
		for node, given in cuts(name):
			if node in self.graph.calls or self._inputs_of_instance(node):
				return node, given
		known = ', '.join(self.inputs) or 'none'
		raise BadDocument(
			f'There is no workflow input {name!r}. Named inputs: {known}. '
			f'NODE.INPUT reaches any other; nodes: {", ".join(self.graph.calls)}.'
		)

	def _inputs_of_instance(self, node: str) -> list[str]:
		return [given for instance, given in (*self.targets, *self.idle) if instance == node]

	def is_idle(self, named: NamedInput) -> bool:
		"""Whether what an input stands for is there, but switched off: the node itself, one around it, or all inside."""
		if self._targets_of(named.node, named.input):
			return False
		return self.is_off(named.node) or (named.node, named.input) in self.idle

	def is_off(self, node: str) -> bool:
		"""Whether a node is muted or bypassed, or an instance around it is."""
		parts = node.split(':')
		return any(':'.join(parts[:count]) in self.off for count in range(1, len(parts) + 1))

	def _targets_of(self, node: str, given: str) -> tuple[Target, ...]:
		if node in self.graph.calls:
			return ((NodeId(node), given),)
		return self.targets.get((node, given), ())


def parse_json(text: str | bytes, where: str = '') -> JsonValue:
	"""Parse JSON; `BadDocument` says where it goes wrong. NaN and Infinity are read.

	What nests deeper than 200 levels, or could not be written again as UTF-8, is refused, as by the server.
	"""
	try:
		plain = text.decode('utf-8-sig') if isinstance(text, bytes) else text
		parsed: JsonValue = from_json(plain)
	except UnicodeDecodeError as error:
		raise BadDocument(f'This is not UTF-8 text: {error.reason} at byte {error.start}.', where=where) from error
	except (TypeError, ValueError) as error:
		raise BadDocument(f'This is not JSON: {error}.', where=where) from error
	return parsed


def form_of(document: JsonValue) -> Form | None:
	"""Which form a document seems to be of; None if none."""
	if is_native(document):
		return 'native'
	# Before the API form: a single node that is called "nodes" is less likely than a list of nodes.
	if is_editor(document):
		return 'editor'
	return 'api' if is_prompt(document) else None


def read_workflow(document: JsonValue, nodes: Mapping[str, NodeInfo]) -> Workflow:
	"""Read a workflow in any known form. Raises `BadDocument` for anything else."""
	if not isinstance(document, dict):
		raise BadDocument(f'This is no workflow file: {describe(document)}.')
	form = form_of(document)
	if form == 'native':
		native = read_document(document)
		flat = flatten(native, nodes)
		return Workflow(
			flat.graph,
			native.title,
			native.description,
			native.inputs,
			native.outputs,
			flat.targets,
			flat.sources,
			flat.off,
			flat.idle,
			tolerant=any(block in document for block in FROM_ELSEWHERE),
			source=migrated(document),
			missing=missing_kinds(native, flat.graph, nodes),
			warnings=version_warnings(native, nodes),
			requires=native.requires,
			kinds=nodes,
		)
	if form == 'editor':
		read = read_editor(document, nodes)
		return Workflow(
			read.graph,
			targets=read.targets,
			tolerant=True,
			form='editor',
			source=document,
			missing=read.missing,
			warnings=read.warnings,
			requires=Requirements(models=needed_models(document)),
			reading=read,
			kinds=nodes,
		)
	if form == 'api':
		return Workflow(read_prompt(document), tolerant=True, form='api', source=document, kinds=nodes)
	raise BadDocument(
		'This is no workflow file: an object without "lumengraph", without nodes that have a "class_type", '
		'and without a list of "nodes".'
	)


def open_workflow(path: Path, nodes: Mapping[str, NodeInfo]) -> Workflow:
	"""Read a workflow file from disk, or the workflow that a picture carries. Raises `BadDocument`, naming the file."""
	try:
		texts = embedded(path)
		content = path.read_bytes() if texts is None else b''
	except FileNotFoundError:
		raise BadDocument('There is no such file.', where=str(path)) from None
	except OSError as error:
		raise BadDocument(f'The file cannot be read: {error.strerror}.', where=str(path)) from error
	try:
		return read_workflow(parse_json(content), nodes) if texts is None else read_embedded(texts, nodes)
	except BadDocument as error:
		raise BadDocument(str(error), where=str(path)) from error


def read_embedded(texts: Mapping[str, str], nodes: Mapping[str, NodeInfo]) -> Workflow:
	"""The workflow among the texts that a file carries: our own document, the editor's form, or the API form.

	Raises `BadDocument` if none of them is one.
	"""
	reasons: list[str] = []
	for name, text in workflow_texts(texts):
		try:
			return read_workflow(parse_json(text), nodes)
		except BadDocument as error:
			reasons.append(f'{name!r}: {error}')
	if reasons:
		raise BadDocument(f'This file carries no workflow that can be read. {" ".join(reasons)}')
	others = ', '.join(map(repr, texts))
	raise BadDocument('This file carries no workflow' + (f', only {others}.' if others else '.'))
