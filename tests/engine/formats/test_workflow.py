import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import JsonValue

from engine.dynamic import Grow, Vary
from engine.errors import BadDocument, WrongInputs
from engine.formats.workflow import open_workflow, parse_json, read_workflow
from engine.graph import Constant, Link, NodeId
from engine.problems import Problem
from engine.spec import node
from tests.engine.tools import registry_of


@dataclass(frozen=True)
class Exactly:
	"""A size in pixels."""

	width: int
	height: int


@dataclass(frozen=True)
class Times:
	"""A size as a factor."""

	factor: float


@node(category='test')
def scale(
	size: Annotated[Exactly | Times, Vary({'exactly': Exactly, 'times': Times})],
	values: Annotated[Mapping[str, int], Grow(names=('a', 'b', 'c'))],
) -> int:
	"""Inputs that stand for others."""
	return 0


NODES = registry_of(scale).infos
TOLERANT: dict[str, JsonValue] = {
	'sum': {'class_type': 'Add', 'inputs': {'a': 1, 'b': 2, 'beside': 3}},
	'foreign': {'class_type': 'Foreign', 'inputs': {'a': 1}},
	'3': {'class_type': 'Scale', 'inputs': {'size': 'times', 'size.factor': 2.0, 'values.a': 1}},
}
NATIVE: JsonValue = {
	'lumengraph': 2,
	'title': 'A sum',
	'inputs': {'first': {'node': 'sum', 'input': 'a'}, 'lost': {'node': 'gone', 'input': 'a'}},
	'nodes': {
		'one': {'kind': 'Number', 'inputs': {'value': 1}},
		'sum': {'kind': 'Add', 'inputs': {'a': {'node': 'one', 'output': 'INT'}, 'b': 2}},
		'a.b': {'kind': 'Number', 'inputs': {'value': 3}},
	},
}


def written(folder: Path, content: bytes | JsonValue) -> Path:
	"""A workflow file with this content."""
	path = folder / 'flow.json'
	path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
	return path


class TestForms:
	def test_a_native_file(self, tmp_path: Path) -> None:
		"""A native file has a title, named inputs, and is checked strictly."""
		workflow = open_workflow(written(tmp_path, NATIVE), NODES)

		assert workflow.title == 'A sum'
		assert list(workflow.inputs) == ['first', 'lost']
		assert workflow.graph.calls[NodeId('sum')].inputs['a'] == Link(NodeId('one'), 0)
		assert not workflow.tolerant

	def test_the_api_form(self, tmp_path: Path) -> None:
		"""The API form may carry inputs that no node declares, so it is checked tolerantly."""
		workflow = open_workflow(written(tmp_path, {'1': {'class_type': 'Number', 'inputs': {'value': 1}}}), NODES)

		assert workflow.graph.calls[NodeId('1')].kind == 'Number'
		assert workflow.tolerant

	def test_the_editor_form(self, tmp_path: Path) -> None:
		"""The editor's form is read too, and tells which kinds are missing here, and from which pack they are."""
		node: JsonValue = {'id': 1, 'type': 'Number', 'widgets_values': [5]}
		foreign: JsonValue = {'id': 2, 'type': 'Foreign', 'properties': {'cnr_id': 'a-pack'}}
		path = written(tmp_path, {'nodes': [node, foreign], 'links': [], 'version': 0.4})
		workflow = open_workflow(path, NODES)

		assert workflow.graph.calls[NodeId('1')].inputs == {'value': Constant(5)}
		assert [(missing.kind, missing.nodes, missing.pack) for missing in workflow.missing] == [
			('Foreign', ('2',), 'a-pack')
		]
		assert workflow.tolerant

	@pytest.mark.parametrize(
		('document', 'found'),
		[([1], 'a list'), ('x', 'text'), (5, 'a number'), (None, 'null'), ({}, 'an object'), ({'a': 1}, 'an object')],
	)
	def test_anything_else_is_refused(self, document: JsonValue, found: str) -> None:
		"""The message says what the document is instead."""
		with pytest.raises(BadDocument, match=f'This is no workflow file: {found}'):
			read_workflow(document, NODES)


class TestBrokenFiles:
	def test_malformed_json_is_told_with_its_line(self, tmp_path: Path) -> None:
		"""The message names the file, the line and the column."""
		with pytest.raises(BadDocument, match=r'flow\.json: This is not JSON: .* line 3 column 7'):
			open_workflow(written(tmp_path, b'{\n "nodes": {},\n "a": }'), NODES)

	def test_an_empty_file(self, tmp_path: Path) -> None:
		"""An empty file is no JSON."""
		with pytest.raises(BadDocument, match='This is not JSON'):
			open_workflow(written(tmp_path, b''), NODES)

	def test_a_missing_file(self, tmp_path: Path) -> None:
		"""The message names the file and where it was looked for."""
		with pytest.raises(BadDocument, match='There is no such file') as caught:
			open_workflow(tmp_path / 'nothing.json', NODES)

		assert caught.value.where == str(tmp_path / 'nothing.json')

	def test_a_folder(self, tmp_path: Path) -> None:
		"""What cannot be read is told with the system's reason."""
		with pytest.raises(BadDocument, match='cannot be read: Is a directory'):
			open_workflow(tmp_path, NODES)

	def test_another_encoding(self, tmp_path: Path) -> None:
		"""Only UTF-8 is read, with or without a byte order mark."""
		with pytest.raises(BadDocument, match=r'This is not UTF-8 text: .* at byte 2'):
			open_workflow(written(tmp_path, '{"é": 1}'.encode('latin-1')), NODES)
		assert parse_json(b'\xef\xbb\xbf{}') == {}

	@pytest.mark.parametrize('depth', [300, 100_000])
	def test_deep_nesting(self, tmp_path: Path, depth: int) -> None:
		"""A document nested without end is refused, not a crash."""
		with pytest.raises(BadDocument, match='recursion limit'):
			open_workflow(written(tmp_path, b'[' * depth + b']' * depth), NODES)

	@pytest.mark.parametrize('text', ['9' * 5000, '"\\ud800"', '\udcff'])
	def test_what_could_not_be_written_again(self, text: str) -> None:
		"""A number of thousands of digits and half a character are refused."""
		with pytest.raises(BadDocument, match='This is not JSON'):
			parse_json(text)

	def test_numbers_that_are_none_are_read(self) -> None:
		"""Python writers put NaN and Infinity into JSON."""
		assert str(parse_json('[NaN, -Infinity]')) == '[nan, -inf]'


class TestHints:
	"""What the file knows of problems."""

	@pytest.mark.parametrize(
		('pack', 'words'), [('a-pack', "the pack 'a-pack' has it"), ('comfy-core', 'it comes with ComfyUI')]
	)
	def test_of_unknown_kinds(self, pack: str, words: str) -> None:
		"""The pack that has one; what comes with ComfyUI is no pack that anybody could install."""
		node: JsonValue = {'id': 2, 'type': 'Foreign', 'properties': {'cnr_id': pack}}
		workflow = read_workflow({'nodes': [node], 'links': [], 'version': 0.4}, NODES)
		unknown = Problem(
			code='missing_node_type', node='2', kind='Foreign', expected='a known kind', received='Foreign'
		)
		[hinted] = workflow.with_hints([unknown])

		assert hinted.expected.startswith(f'a known kind ({words}')
		assert words in workflow.missing[0].sentence

	def test_of_missing_models(self) -> None:
		"""Where the file is found; other values are as they were told."""
		models: JsonValue = {'big.safetensors': {'folder': 'checkpoints', 'url': 'https://models.example/big'}}
		workflow = read_workflow({'lumengraph': 2, 'requires': {'models': models}, 'nodes': {}}, NODES)
		missing, other = (
			Problem(code='value_not_in_list', node='a', expected='one of: x', received=repr(value), value=value)
			for value in ('big.safetensors', 'y')
		)

		assert workflow.with_hints([missing, other]) == (
			missing.model_copy(update={'expected': 'one of: x (the file is found at https://models.example/big)'}),
			other,
		)


class TestNamedInputs:
	def test_a_named_input_is_set(self) -> None:
		"""A link is replaced by the value too; the workflow itself is unchanged."""
		workflow = read_workflow(NATIVE, NODES)
		changed = workflow.with_value('first', 5)

		assert changed.graph.calls[NodeId('sum')].inputs == {'a': Constant(5), 'b': Constant(2)}
		assert workflow.graph.calls[NodeId('sum')].inputs['a'] == Link(NodeId('one'), 0)

	def test_any_input_is_reached_through_its_node(self) -> None:
		"""NODE.INPUT reaches every input; the longest id of a node counts, since ids may hold dots, as inputs may."""
		workflow = read_workflow(NATIVE, NODES)

		assert workflow.place('sum.b') == ('sum', 'b')
		assert workflow.place('a.b.value') == ('a.b', 'value')
		assert read_workflow(TOLERANT, NODES).place('3.size.factor') == ('3', 'size.factor')

	def test_an_unknown_name_is_refused(self) -> None:
		"""The message lists what could be set."""
		with pytest.raises(BadDocument, match=r"no workflow input 'second'.*first, lost.*one, sum, a\.b"):
			read_workflow(NATIVE, NODES).with_value('second', 1)

	def test_a_name_that_points_nowhere_is_refused(self) -> None:
		"""A named input of a node that is gone cannot be set."""
		with pytest.raises(BadDocument, match="'lost' points at node 'gone'"):
			read_workflow(NATIVE, NODES).with_value('lost', 1)


class TestInputsThatAreNotThere:
	"""`NODE.INPUT` of a node that does not take such an input."""

	@pytest.mark.parametrize(
		('name', 'words'),
		[
			('sum.aa', r"'sum.aa': expected an input of node 'sum' \(Add\): a, b, beside, got 'aa' .*mean 'sum.a'\?"),
			('3.size.facter', r"got 'size.facter' \(did you mean '3.size.factor'\?\)"),
			('3.size.width', r'expected .*: size, size.factor, values.a, got'),
			('3.values.d', r"got 'values.d' \(did you mean '3.values.a'\?\)"),
		],
	)
	def test_refused(self, name: str, words: str) -> None:
		"""Also in forms that may carry what no node declares; the nearest input is named."""
		with pytest.raises(WrongInputs, match=words):
			read_workflow(TOLERANT, NODES).with_value(name, 1)

	@pytest.mark.parametrize('name', ['sum.b', 'sum.beside', 'foreign.any', '3.values.b', '3.size.factor'])
	def test_taken(self, name: str) -> None:
		"""What is declared, what the file has already, and anything of an unknown kind."""
		node, _, given = name.partition('.')
		changed = read_workflow(TOLERANT, NODES).with_value(name, 7)

		assert changed.graph.calls[NodeId(node)].inputs[given] == Constant(7)

	@pytest.mark.parametrize('open_inputs', ['no', 'links', 'all'])
	def test_kinds_that_take_more(self, open_inputs: str) -> None:
		"""Any name is taken where all inputs reach the node, and those that are known but not offered."""
		info = NODES['Add'].model_copy(update={'open_inputs': open_inputs, 'unlisted': ('quiet',)})
		workflow = read_workflow(TOLERANT, {**NODES, 'Add': info})
		workflow.with_value('sum.quiet', 1)

		if open_inputs == 'all':
			assert workflow.place('sum.any') == ('sum', 'any')
		else:
			with pytest.raises(WrongInputs):
				workflow.place('sum.any')

	def test_all_are_told_at_once(self) -> None:
		"""Several values are set together, or none."""
		with pytest.raises(WrongInputs) as caught:
			read_workflow(TOLERANT, NODES).with_values({'sum.x': 1, 'sum.a': 2, '3.x': 3})

		assert [misfit.input for misfit in caught.value.misfits] == ['sum.x', '3.x']

	def test_a_choice_comes_first(self) -> None:
		"""What belongs to a choice may be given before it."""
		values: dict[str, JsonValue] = {'3.size.width': 5, '3.size': 'exactly'}
		changed = read_workflow(TOLERANT, NODES).with_values(values)

		assert changed.graph.calls[NodeId('3')].inputs['size.width'] == Constant(5)
