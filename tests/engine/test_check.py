import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest

from engine.check import Checked, Problem, normal_form
from engine.declaration import Choice
from engine.graph import BadLink, Call, Constant, Graph, NodeId
from engine.sockets import socket
from engine.spec import node
from tests.engine.tools import Bench, Nodes, chain, graph, ladder


@socket('LATENT')
class Latent:
	pass


@node(category='test')
def empty() -> Latent:
	return Latent()


@node(category='test')
def load(name: Annotated[str, Choice(files_from='models:checkpoints')]) -> Latent:
	return Latent()


@node(category='test')
def read(name: Annotated[str, Choice(files_from='input:image')]) -> Latent:
	return Latent()


@node(category='test', sink=True)
def keep(samples: Latent, scale: float = 1.0, label: str = '', sure: bool = False) -> None: ...


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes with choices of files, and a type that no constant has."""
	return Bench(tmp_path, empty, load, read, keep)


def kept(inputs: Mapping[str, Any], **more: tuple[str, Mapping[str, Any]]) -> Graph:
	"""A `Keep` with these inputs beside its samples."""
	return graph({'samples': ('Empty', {}), 'keep': ('Keep', {'samples': ('samples', 0), **inputs}), **more})


def only(checked: Checked) -> Problem:
	"""The one problem that was found."""
	[problem] = checked.problems
	return problem


class TestGoodGraphs:
	def test_nothing_is_wrong(self, bench: Bench) -> None:
		"""A good graph has no problems, and all its sinks can run."""
		checked = bench.check(kept({}))

		assert checked.problems == ()
		assert checked.sinks == checked.good_sinks == ('keep',)

	def test_ten_thousand_nodes(self, bench: Bench) -> None:
		"""A long chain needs no recursion."""
		checked = bench.check(chain(10_000))

		assert checked.problems == ()
		assert checked.good_sinks == ('9999',)


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
		"""A pickled checkpoint is found before anything runs, with what to use instead."""
		problem = only(self.load(bench, b'PK\x03\x04' + bytes(40), 'model.ckpt'))

		assert 'use a .safetensors file' in problem.received

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


class TestLinks:
	def test_a_missing_required_input(self, bench: Bench) -> None:
		"""What is required must be there; what has a default need not."""
		problem = only(bench.check(graph({'keep': ('Keep', {})})))

		assert problem.code == 'required_input_missing'
		assert problem.sentence == "node 'keep' (Keep), input 'samples': expected a link that gives LATENT, got nothing"

	def test_a_link_to_a_node_that_is_not_there(self, bench: Bench) -> None:
		"""The sentence names the node that is missing."""
		problem = only(bench.check(graph({'keep': ('Keep', {'samples': ('gone', 0)})})))

		assert problem.code == 'bad_linked_input'
		assert problem.value == ['gone', 0]
		assert "no node 'gone'" in problem.sentence

	@pytest.mark.parametrize('output', [-1, 1, 10**30])
	def test_a_link_to_an_output_that_is_not_there(self, bench: Bench, output: int) -> None:
		"""The sentence tells how many outputs there are."""
		asked = graph({'samples': ('Empty', {}), 'keep': ('Keep', {'samples': ('samples', output)})})
		problem = only(bench.check(asked))

		assert problem.code == 'bad_linked_input'
		assert problem.expected == "an output of 'samples' (Empty), which has 1"

	def test_a_link_of_another_type(self, bench: Bench) -> None:
		"""The problem names both types, the source and its output."""
		asked = graph({'one': ('Number', {'value': 1}), 'keep': ('Keep', {'samples': ('one', 0)})})
		problem = only(bench.check(asked))

		assert problem.code == 'return_type_mismatch'
		assert problem.source == ('one', 0)
		assert problem.value == 'INT'
		assert problem.sentence == (
			"node 'keep' (Keep), input 'samples': expected a link that gives LATENT, "
			"got INT from 'one' (Number), output 'INT'"
		)

	def test_what_was_no_link_in_the_document(self, bench: Bench) -> None:
		"""A list that is no link is told with the reader's reason."""
		asked = Graph({NodeId('keep'): Call('Keep', {'samples': BadLink(['a'], 'a link is a list of two')})})
		problem = only(bench.check(asked))

		assert problem.code == 'bad_linked_input'
		assert problem.value == ['a']
		assert problem.received == 'a link is a list of two'


class TestKinds:
	def test_an_unknown_kind(self, bench: Bench) -> None:
		"""A kind that is nearly right is told which one may be meant."""
		problem = only(bench.check(kept({}, other=('Numbr', {}))))

		assert problem.code == 'missing_node_type'
		assert problem.sentence == "node 'other' (Numbr): expected a known kind (did you mean 'Number'?), got 'Numbr'"

	def test_a_node_without_kind(self, bench: Bench) -> None:
		"""A node that its editor did not know has no kind; its title is carried along."""
		asked = Graph({**kept({}).calls, NodeId('x'): Call('', {}, 'My node')})
		problem = only(bench.check(asked))

		assert problem.code == 'missing_node_type'
		assert problem.value == 'My node'
		assert problem.received == 'none'

	def test_every_node_counts(self, bench: Bench) -> None:
		"""A kind must be known even where no sink needs the node, but the sinks can still run."""
		checked = bench.check(kept({}, other=('Nothing', {})))

		assert [problem.node for problem in checked.problems] == ['other']
		assert checked.good_sinks == ('keep',)

	def test_what_reads_an_unknown_node_cannot_run(self, bench: Bench) -> None:
		"""Only the unknown node itself is reported; the sink behind it is not good."""
		checked = bench.check(graph({'x': ('Nothing', {}), 'keep': ('Keep', {'samples': ('x', 0)})}))

		assert [problem.code for problem in checked.problems] == ['missing_node_type']
		assert checked.sinks == ('keep',)
		assert checked.good_sinks == ()


class TestSinks:
	def test_an_empty_graph(self, bench: Bench) -> None:
		"""There is nothing to run in it."""
		problem = only(bench.check(Graph({})))

		assert problem.code == 'prompt_no_outputs'
		assert problem.node is None
		assert problem.sentence.startswith('the graph: expected a node that saves or shows')
		assert problem.received == 'an empty graph'

	def test_a_graph_without_a_sink(self, bench: Bench) -> None:
		"""Nodes that save nothing are nothing to run."""
		assert only(bench.check(graph({'samples': ('Empty', {})}))).code == 'prompt_no_outputs'

	def test_targets_select_sinks(self, bench: Bench) -> None:
		"""Only the selected sink is looked at; a target that is no sink is passed over."""
		asked = kept({}, bad=('Keep', {}))
		checked = bench.check(asked, targets=['keep', 'samples', 'nowhere'])

		assert checked.problems == ()
		assert checked.sinks == ('keep',)

	@pytest.mark.parametrize('targets', [[], ['samples'], ['nowhere']])
	def test_targets_that_select_nothing(self, bench: Bench, targets: list[str]) -> None:
		"""No target among the sinks is a problem of the whole graph."""
		problem = only(bench.check(kept({}), targets=targets))

		assert problem.code == 'prompt_no_outputs'
		assert problem.received == 'none among the selected targets'

	def test_one_bad_sink_of_two(self, bench: Bench) -> None:
		"""A sink that needs nothing bad can run, whatever is wrong elsewhere."""
		checked = bench.check(kept({}, bad=('Keep', {'samples': ('samples', 0), 'scale': 'x'})))

		assert only(checked).node == 'bad'
		assert checked.sinks == ('keep', 'bad')
		assert checked.good_sinks == ('keep',)

	def test_a_problem_far_upstream_spoils_its_sinks(self, bench: Bench) -> None:
		"""Everything downstream of a problem cannot run, and is not itself reported."""
		asked = graph(
			{
				'bad': ('Number', {'value': 'x'}),
				'sum': ('Add', {'a': ('bad', 0)}),
				'far': ('See', {'value': ('sum', 0)}),
				'free': ('See', {'value': 1}),
			}
		)
		checked = bench.check(asked)

		assert only(checked).node == 'bad'
		assert checked.good_sinks == ('free',)

	def test_a_ladder_of_diamonds(self, bench: Bench) -> None:
		"""What stands behind a problem is looked for once, though the ways to it double at every rung."""
		checked = bench.check(ladder(60, start='x'))

		assert only(checked).node == '0'
		assert checked.good_sinks == ()

	def test_nodes_that_no_sink_needs_are_not_looked_at(self, bench: Bench) -> None:
		"""A half-finished corner of the canvas does not stop the rest."""
		assert bench.check(kept({}, loose=('Number', {}))).problems == ()


class TestUndeclaredInputs:
	def test_a_strict_check_refuses_them(self, bench: Bench) -> None:
		"""A misspelt input is told, with the names that there are."""
		problem = only(bench.check(kept({'scael': 2})))

		assert problem.code == 'unknown_input'
		assert problem.input == 'scael'
		assert problem.expected == 'one of its inputs: samples, scale, label, sure'

	def test_a_tolerant_check_lets_them_pass(self, bench: Bench) -> None:
		"""ComfyUI's editor sends inputs that are only its own; they stay in the graph as they are."""
		checked = bench.check(kept({'control_after_generate': 'fixed'}), tolerant=True)

		assert checked.problems == ()
		assert checked.graph.calls[NodeId('keep')].inputs['control_after_generate'] == Constant('fixed')


class TestCycles:
	def codes(self, checked: Checked) -> dict[str | None, tuple[str, ...]]:
		assert {problem.code for problem in checked.problems} == {'dependency_cycle'}
		return {problem.node: problem.cycle for problem in checked.problems}

	def test_a_node_that_feeds_itself(self, bench: Bench) -> None:
		"""The shortest cycle is one node."""
		checked = bench.check(graph({'a': ('Add', {'a': ('a', 0)}), 'see': ('See', {'value': ('a', 0)})}))

		assert only(checked).sentence == "node 'a' (Add): expected links that lead in no circle, got a (Add) -> a (Add)"
		assert checked.good_sinks == ()

	def test_two_cycles_are_both_told(self, bench: Bench) -> None:
		"""Every node of every cycle has its problem; nodes between and behind have none."""
		asked = graph(
			{
				'a': ('Add', {'a': ('b', 0)}),
				'b': ('Add', {'a': ('a', 0)}),
				'between': ('Add', {'a': ('b', 0)}),
				'c': ('Add', {'a': ('d', 0), 'b': ('between', 0)}),
				'd': ('Add', {'a': ('c', 0)}),
				'see': ('See', {'value': ('c', 0)}),
			}
		)
		cycles = self.codes(bench.check(asked))

		assert set(cycles) == {'a', 'b', 'c', 'd'}
		assert set(cycles['a']) == {'a', 'b'}
		assert set(cycles['d']) == {'c', 'd'}

	def test_a_long_cycle(self, bench: Bench) -> None:
		"""A cycle of thousands of nodes needs no recursion."""
		asked = chain(3000).with_inputs(
			{
				NodeId('0'): {},
				NodeId('1'): {'b': graph({'x': ('Add', {'a': ('2998', 0)})}).calls[NodeId('x')].inputs['a']},
			}
		)
		cycles = self.codes(bench.check(asked))

		assert len(cycles) == 2998

	def test_a_cycle_that_no_sink_needs_is_let_be(self, bench: Bench) -> None:
		"""Only what the sinks need is looked at."""
		assert bench.check(kept({}, loop=('Add', {'a': ('loop', 0)}))).problems == ()


class TestAllAtOnce:
	def test_every_problem_of_every_node(self, bench: Bench) -> None:
		"""One check tells all that is wrong, so that one round of mending is enough."""
		asked = graph(
			{
				'keep': ('Keep', {'scale': 'x', 'label': None, 'odd': 1}),
				'n': ('Number', {'value': 99_999}),
				'pick': ('Pick', {'name': 'three'}),
				'sum': ('Add', {'a': ('n', 0), 'b': ('pick', 4)}),
				'see': ('See', {'value': ('sum', 0)}),
				'what': ('Nothing', {}),
			}
		)
		found = {(problem.node, problem.input): problem.code for problem in bench.check(asked).problems}

		assert found == {
			('keep', 'samples'): 'required_input_missing',
			('keep', 'scale'): 'invalid_input_type',
			('keep', 'label'): 'invalid_input_type',
			('keep', 'odd'): 'unknown_input',
			('n', 'value'): 'value_bigger_than_max',
			('pick', 'name'): 'value_not_in_list',
			('sum', 'b'): 'bad_linked_input',
			('what', None): 'missing_node_type',
		}
