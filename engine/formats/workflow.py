"""Any workflow file: which form it is in, its graph, and its named inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import JsonValue
from pydantic_core import from_json

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.document import NamedInput, NamedOutput, Requirements
from engine.formats.editor.models import needed_models
from engine.formats.editor.read import EditorReading, MissingKind, is_editor, read_editor
from engine.formats.embedded import embedded, workflow_texts
from engine.formats.flatten import Target, flatten
from engine.formats.migrate import migrated
from engine.formats.native import is_native, read_document
from engine.formats.prompt import describe, is_prompt, read_prompt
from engine.formats.requirements import missing_kinds, version_warnings
from engine.graph import Constant, Graph, NodeId
from engine.problems import Problem

FROM_ELSEWHERE = ('editor', 'comfy')
"""Blocks of native files that were made of other forms."""
Form = Literal['native', 'api', 'editor']


@dataclass(frozen=True)
class Workflow:
	"""A workflow as read from a file. `tolerant` forms may carry inputs that their nodes do not declare.

	`source` is the document that it was read from, in its `form`. `targets`: for an input of an instance of a subgraph,
	(id of the instance, input), the inputs of the flat graph that take it over. `missing` are kinds that are not known
	here, `warnings` what of the file had to be left out or guessed, `requires` the packs and models that it names.
	`reading` is what was read of a document of the editor form, for whoever writes it in another form.
	"""

	graph: Graph
	title: str = ''
	description: str = ''
	inputs: Mapping[str, NamedInput] = field(default_factory=dict)
	outputs: Mapping[str, NamedOutput] = field(default_factory=dict)
	targets: Mapping[tuple[str, str], tuple[Target, ...]] = field(default_factory=dict)
	tolerant: bool = False
	form: Form = 'native'
	source: Mapping[str, JsonValue] = field(default_factory=dict)
	missing: tuple[MissingKind, ...] = ()
	warnings: tuple[str, ...] = ()
	requires: Requirements = field(default_factory=Requirements)
	reading: EditorReading | None = field(default=None, repr=False, compare=False)

	def with_value(self, name: str, value: JsonValue) -> Workflow:
		"""Set a named workflow input, or `NODE.INPUT`. Raises `BadDocument` if there is no such input."""
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
		`BadDocument` if there is no such input.
		"""
		named = self.inputs.get(name)
		if named is not None:
			found = self._targets_of(named.node, named.input)
			if not found:
				raise BadDocument(
					f'The workflow input {name!r} points at node {named.node!r} (input {named.input!r}), '
					'which does not exist or is switched off.'
				)
			return found
		node, dot, given = name.rpartition('.')
		if dot and (found := self._targets_of(node, given)):
			return found
		known = ', '.join(self.inputs) or 'none'
		raise BadDocument(
			f'There is no workflow input {name!r}. Named inputs: {known}. '
			f'NODE.INPUT reaches any other; nodes: {", ".join(self.graph.calls)}.'
		)

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
			tolerant=any(block in document for block in FROM_ELSEWHERE),
			source=migrated(document),
			missing=missing_kinds(native, flat.graph, nodes),
			warnings=version_warnings(native, nodes),
			requires=native.requires,
		)
	if form == 'editor':
		read = read_editor(document, nodes)
		return Workflow(
			read.graph,
			tolerant=True,
			form='editor',
			source=document,
			missing=read.missing,
			warnings=read.warnings,
			requires=Requirements(models=needed_models(document)),
			reading=read,
		)
	if form == 'api':
		return Workflow(read_prompt(document), tolerant=True, form='api', source=document)
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
