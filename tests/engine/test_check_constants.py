"""The checker: values written in the graph itself."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest

from engine.check import Checked, check, normal_form
from engine.declaration import Choice, Input, NodeInfo
from engine.graph import Constant, NodeId
from tests.engine.latents import LATENTS, kept, only
from tests.engine.tools import Bench, Nodes, graph


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes with choices of files, and a type that no constant has."""
	return Bench(tmp_path, *LATENTS)


class TestConstants:
	def test_they_are_brought_into_normal_form(self, bench: Bench) -> None:
		"""The graph that comes back holds each constant as its input's type."""
		asked = graph(
			{'add': ('Add', {'a': '5', 'b': 7.0}), 'samples': ('Empty', {})}
			| {'keep': ('Keep', {'samples': ('samples', 0), 'scale': 7, 'label': 3, 'sure': 1})}
			| {'see': ('See', {'value': ('add', 0)})}
		)
		calls = bench.check(asked).graph.calls
		label, scale, sure = (calls[NodeId('keep')].inputs[name] for name in ('label', 'scale', 'sure'))

		assert calls[NodeId('add')].inputs == {'a': Constant(5), 'b': Constant(7)}
		assert isinstance(scale, Constant)
		assert isinstance(scale.value, float)
		assert (label, scale, sure) == (Constant('3'), Constant(7.0), Constant(True))

	@pytest.mark.parametrize(
		('type', 'value', 'normal'),
		[
			('INT', '5', 5),
			('INT', 7.9, 7),
			('INT', True, 1),
			('FLOAT', 7, 7.0),
			('FLOAT', '1e-3', 0.001),
			('STRING', 7, '7'),
			('STRING', 2.5, '2.5'),
			('BOOLEAN', 0, False),
			('BOOLEAN', 'x', True),
			('COMBO', 'one', 'one'),
			('*', {'any': [1]}, {'any': [1]}),
		],
	)
	def test_normal_forms(self, type: str, value: Any, normal: Any) -> None:
		"""Values convert as ComfyUI converts them."""
		found = normal_form(type, value)

		assert found == normal
		assert found.__class__ is normal.__class__

	@pytest.mark.parametrize(
		('input', 'value'),
		[
			('scale', 'much'),
			('scale', None),
			('scale', [1.0]),
			('scale', float('nan')),
			('scale', float('inf')),
			('scale', '1e999'),
			('label', None),
			('label', {'a': 1}),
		],
	)
	def test_what_cannot_be_converted_is_refused(self, bench: Bench, input: str, value: Any) -> None:
		"""The problem names the input and carries the value."""
		problem = only(bench.check(kept({input: value})))

		assert problem.code == 'invalid_input_type'
		assert (problem.node, problem.kind, problem.input) == ('keep', 'Keep', input)
		assert repr(problem.value) == repr(value)

	@pytest.mark.parametrize('value', ['5.5', '', 'nan', float('inf'), 1e999, None, [], {}, '9' * 5000])
	def test_no_whole_number(self, bench: Bench, value: Any) -> None:
		"""Text with a fraction and numbers without end are no whole numbers."""
		problem = only(bench.check(graph({'see': ('See', {'value': value})})))

		assert problem.code == 'invalid_input_type'

	def test_a_type_without_widget_takes_no_constant(self, bench: Bench) -> None:
		"""A latent only comes along a link."""
		problem = only(bench.check(graph({'keep': ('Keep', {'samples': 'noise'})})))

		assert problem.code == 'invalid_input_type'
		assert problem.sentence == "node 'keep' (Keep), input 'samples': expected a link that gives LATENT, got 'noise'"

	def test_bounds_are_inclusive(self, bench: Bench) -> None:
		"""The bounds themselves pass; one beyond does not."""

		def code(value: object) -> str:
			asked = graph({'one': ('Number', {'value': value}), 'see': ('See', {'value': ('one', 0)})})
			return ','.join(problem.code for problem in bench.check(asked).problems)

		assert code(-1000) == code(10_000) == ''
		assert code(-1001) == code('-1001') == 'value_smaller_than_min'
		assert code(10_001) == 'value_bigger_than_max'

	def test_the_sentence_tells_the_bounds(self, bench: Bench) -> None:
		"""Node, kind, input, what was expected and what came."""
		asked = graph({'one': ('Number', {'value': 10_001}), 'see': ('See', {'value': ('one', 0)})})

		assert only(bench.check(asked)).sentence == (
			"node 'one' (Number), input 'value': expected a whole number from -1000 to 10000, got 10001"
		)

	def test_a_long_value_is_shortened(self, bench: Bench) -> None:
		"""A sentence stays readable whatever was sent."""
		problem = only(bench.check(graph({'see': ('See', {'value': 'x' * 10_000})})))

		assert len(problem.sentence) < 200
		assert problem.sentence.endswith('x…')


class TestChoices:
	def picked(self, bench: Bench, kind: str, name: object) -> Checked:
		asked: Nodes = {'it': (kind, {'name': name}), 'keep': ('Keep', {'samples': ('it', 0)})}
		return bench.check(graph(asked))

	def test_fixed_options(self, bench: Bench) -> None:
		"""Only an option may be chosen; the sentence lists them."""
		asked = graph({'pick': ('Pick', {'name': 'three'}), 'see': ('See', {'value': ('pick', 0)})})
		problem = only(bench.check(asked))

		assert problem.code == 'value_not_in_list'
		assert problem.sentence == "node 'pick' (Pick), input 'name': expected one of: one, two, got 'three'"

	def test_a_choice_may_be_linked(self, bench: Bench) -> None:
		"""A link is not looked up among the options; only text fits."""
		asked = graph(
			{'n': ('Number', {'value': 1}), 'p': ('Pick', {'name': ('n', 0)}), 's': ('See', {'value': ('p', 0)})}
		)

		assert only(bench.check(asked)).code == 'return_type_mismatch'

	def test_a_file_is_chosen_by_name(self, bench: Bench) -> None:
		"""An input picture must lie there; a subfolder and another root may be named."""
		for folder, name in (('input', 'a.png'), ('input', 'sub/b.png'), ('output', 'c.png')):
			path = bench.storage.files.path(name, 'output' if folder == 'output' else 'input')
			path.parent.mkdir(parents=True, exist_ok=True)
			path.touch()

		for name in ('a.png', 'sub/b.png', 'c.png [output]', 'a.png [input]'):
			assert not self.picked(bench, 'Read', name).problems, name
		for name in ('c.png', 'a.png [output]', '', 'sub', '../output/c.png', 'x\0', 'x' * 5000, '\ud800'):
			assert only(self.picked(bench, 'Read', name)).code == 'value_not_in_list', name

	def test_an_empty_folder_is_told(self, bench: Bench) -> None:
		"""Where nothing can be chosen the sentence says so."""
		assert 'one of: none are there' in only(self.picked(bench, 'Load', 'a.safetensors')).sentence

	def test_a_long_list_is_cut(self, bench: Bench) -> None:
		"""Twenty options are listed, then how many there are."""
		folder = bench.storage.catalogue.places['checkpoints'][0]
		folder.mkdir(parents=True)
		for number in range(30):
			(folder / f'{number:02}.ckpt').touch()
		told = only(self.picked(bench, 'Load', 'other.ckpt')).expected

		assert '00.ckpt' in told
		assert '19.ckpt … (30 in all)' in told
		assert '20.ckpt' not in told


class TestOptions:
	"""Choices whose options are not all text."""

	def found(self, bench: Bench, choice: Choice, value: object) -> tuple[list[str], object]:
		info = NodeInfo(
			kind='Take',
			title='Take',
			category='test',
			sink=True,
			inputs=(Input(name='name', type='COMBO', widget=choice),),
		)
		checked = check(graph({'it': ('Take', {'name': value})}), {'Take': info}, bench.storage)
		given = checked.graph.calls[NodeId('it')].inputs['name']
		assert isinstance(given, Constant)
		return [problem.code for problem in checked.problems], given.value

	def test_numbers_and_switches(self, bench: Bench) -> None:
		"""An option may be a number or a truth value; an equal value becomes the option itself."""
		choice = Choice(options=(1, 2.5, False, 'x'))

		assert self.found(bench, choice, 2.5) == ([], 2.5)
		assert self.found(bench, choice, 1.0) == ([], 1)
		assert self.found(bench, choice, False) == ([], False)
		assert self.found(bench, choice, '1') == (['value_not_in_list'], '1')

	def test_equal_values_get_one_form(self, bench: Bench) -> None:
		"""So that they are one in the cache."""
		_, given = self.found(bench, Choice(options=(1, 2)), 1.0)

		assert type(given) is int

	def test_an_open_choice(self, bench: Bench) -> None:
		"""Its options are found elsewhere, so any text or number will do; what is neither will not."""
		choice = Choice(options=('a',), open=True)

		assert self.found(bench, choice, 'z') == ([], 'z')
		assert self.found(bench, choice, 7) == ([], 7)
		assert self.found(bench, choice, [1])[0] == ['invalid_input_type']

	def test_several(self, bench: Bench) -> None:
		"""A list of options, none at all, or a single one; each must be there."""
		choice = Choice(options=('a', 'b', 3), several=True)

		assert self.found(bench, choice, ['a', 3]) == ([], ['a', 3])
		assert self.found(bench, choice, []) == ([], [])
		assert self.found(bench, choice, 'b') == ([], 'b')
		assert self.found(bench, choice, ['a', 'z'])[0] == ['value_not_in_list']
		assert self.found(bench, choice, [{}])[0] == ['invalid_input_type']
		assert self.found(bench, Choice(options=('a',)), ['a'])[0] == ['invalid_input_type']

	def test_the_sentence_lists_them(self, bench: Bench) -> None:
		"""Options of all kinds are told."""
		info = Input(name='name', type='COMBO', widget=Choice(options=(1, 'x'), several=True))
		declared = NodeInfo(kind='Take', title='Take', category='test', sink=True, inputs=(info,))
		checked = check(graph({'it': ('Take', {'name': 2})}), {'Take': declared}, bench.storage)

		assert only(checked).expected == 'some of: 1, x'


class TestForeignWidgets:
	def test_a_foreign_nodes_own_widget(self, bench: Bench) -> None:
		"""A value of a type that only a foreign node's browser part knows is the node's affair."""

		def codes(foreign: bool, type: str) -> list[str]:
			info = NodeInfo(
				kind='Take',
				title='Take',
				category='test',
				sink=True,
				inputs=(Input(name='curve', type=type),),
				foreign=foreign,
			)
			checked = check(graph({'it': ('Take', {'curve': {'points': []}})}), {'Take': info}, bench.storage)
			return [problem.code for problem in checked.problems]

		assert codes(True, 'CURVE') == []
		assert codes(False, 'CURVE') == ['invalid_input_type']
		assert codes(False, 'CURVE,*') == []


class TestDamagedModels:
	"""A model file that plainly cannot be read is found before anything runs."""

	HEADER = json.dumps({'a': {'dtype': 'U8', 'shape': [4], 'data_offsets': [0, 4]}}).encode()
	GOOD = struct.pack('<Q', len(HEADER)) + HEADER + b'data'

	def load(self, bench: Bench, content: bytes, name: str = 'model.safetensors') -> Checked:
		folder = bench.storage.catalogue.places['checkpoints'][0]
		folder.mkdir(parents=True, exist_ok=True)
		(folder / name).write_bytes(content)
		return bench.check(graph({'it': ('Load', {'name': name}), 'keep': ('Keep', {'samples': ('it', 0)})}))

	def test_a_whole_file_is_good(self, bench: Bench) -> None:
		"""A file whose length fits its header has no problem."""
		assert not self.load(bench, self.GOOD).problems

	def test_other_formats_are_told(self, bench: Bench) -> None:
		"""A pickled checkpoint that was cut off is found before anything runs; a whole one is good, whatever is in it."""
		problem = only(self.load(bench, b'PK\x03\x04' + bytes(40), 'model.ckpt'))

		assert 'the directory at its end is missing' in problem.received
		assert not self.load(bench, pickle.dumps({'state_dict': {}}), 'model.ckpt').problems

	@pytest.mark.parametrize(
		('content', 'told'),
		[
			(GOOD[:-1], 'not complete'),
			(GOOD + b'more', '4 bytes follow its last tensor'),
			(GOOD[:20], 'its beginning is damaged'),
			(b'', 'it is empty'),
			(b'<html>Access denied</html>', 'not a safetensors file'),
			(struct.pack('<Q', 2) + b'[]', 'its beginning is damaged'),
			(struct.pack('<Q', 4) + b'\xff\xfe{}', 'its beginning is damaged'),
			(struct.pack('<Q', 8) + b'{"a": 1}', 'does not describe tensors'),
			(struct.pack('<Q', 33) + b'{"a": {"data_offsets": [0, "x"]}}', 'does not describe tensors'),
			(struct.pack('<Q', 34) + b'{"a": {"data_offsets": [0, null]}}', 'does not describe tensors'),
		],
	)
	def test_a_damaged_file_is_told(self, bench: Bench, content: bytes, told: str) -> None:
		"""A file cut off, a text file and an empty one are named with what is wrong."""
		problem = only(self.load(bench, content))

		assert problem.code == 'custom_validation_failed'
		assert problem.expected == 'a readable model file'
		assert "'model.safetensors'" in problem.received
		assert told in problem.received
