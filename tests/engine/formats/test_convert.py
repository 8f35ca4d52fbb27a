"""From any form into any other, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import JsonValue

from engine.declaration import Input
from engine.formats.convert import as_prompt, converted
from engine.formats.workflow import Form, Workflow, read_workflow
from engine.graph import Argument, Call, Constant, Graph, Link, NodeId
from tests.engine.formats.declared import infos
from tests.engine.formats.editor.canvas import NODES, info, number

REAL = Path(__file__).parent / 'real'
FILES = sorted(REAL.glob('*.json'))


def rewritten(workflow: Workflow, to: Form) -> Any:
	"""A workflow in another form, as its file has it."""
	return json.loads(json.dumps(converted(workflow, to, infos())))


def flat(graph: Graph) -> dict[str, Call]:
	"""The calls of a graph with the ids that the editor form has for them."""

	def named(argument: Argument) -> Argument:
		return Link(drawn(argument.node), argument.output) if isinstance(argument, Link) else argument

	def drawn(node: NodeId) -> NodeId:
		return NodeId(node.replace(':', '_'))

	return {
		drawn(node): Call(call.kind, {name: named(given) for name, given in call.inputs.items()}, call.title)
		for node, call in graph.calls.items()
	}


class TestRoundTrips:
	"""Nothing is lost on the way there and back."""

	@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
	def test_through_the_native_form(self, path: Path) -> None:
		"""The graph is the same, and back in its own form the file is the very same."""
		document: JsonValue = json.loads(path.read_text())
		workflow = read_workflow(document, infos())
		native = read_workflow(rewritten(workflow, 'native'), infos())

		assert native.graph == workflow.graph
		assert rewritten(native, workflow.form) == document

	@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
	def test_through_the_editor_form(self, path: Path) -> None:
		"""A graph that is drawn anew is read as the same calls, links and values."""
		workflow = read_workflow(json.loads(path.read_text()), infos())
		# Filled in once, so that the declarations' defaults make no difference.
		before = read_workflow(rewritten(Workflow(workflow.graph), 'editor'), infos())
		again = read_workflow(rewritten(Workflow(before.graph), 'editor'), infos())

		assert again.graph == before.graph
		for node, call in flat(workflow.graph).items():
			kept = flat(before.graph)[node]
			known = {name for name in call.inputs if name in kept.inputs}
			assert {name: kept.inputs[name] for name in known} == {name: call.inputs[name] for name in known}
			assert call.inputs.keys() - known <= {'upload', 'choose file to upload'}


class TestChanged:
	"""A file of the editor form that was changed as a native one."""

	def document(self) -> dict[str, Any]:
		"""Two nodes, a note and a group."""
		return {
			'nodes': [
				{
					'id': 1,
					'type': 'Load',
					'pos': [10, 20],
					'size': [100, 80],
					'color': '#432',
					'widgets_values': ['a', 'image'],
				},
				{'id': 2, 'type': 'Save', 'pos': [300, 20], 'inputs': [{'name': 'images', 'type': 'IMAGE', 'link': 1}]},
				{'id': 3, 'type': 'Note', 'pos': [0, 0], 'widgets_values': ['remember']},
				{'id': 4, 'type': 'Blur', 'mode': 2, 'pos': [0, 9], 'widgets_values': [5]},
				{
					'id': 5,
					'type': 'Elsewhere',
					'pos': [0, 9],
					'widgets_values': [1, 2],
					'outputs': [{'name': 'X', 'type': 'Y'}],
				},
			],
			'links': [[1, 1, 0, 2, 0, 'IMAGE']],
			'groups': [{'title': 'all', 'bounding': [0, 0, 500, 500]}],
			'extra': {'somebody': {'own': 1}, 'reroutes': []},
			'anything': 'else',
			'version': 0.4,
		}

	def test_keeps_looks_notes_and_groups(self) -> None:
		"""Only the value is another one, and what is written stands where it stood."""
		native = converted(read_workflow(self.document(), NODES), 'native', NODES)
		changed = read_workflow(native, NODES).with_value('1.file', 'b')
		written: Any = converted(changed, 'editor', NODES)

		wanted = self.document()
		wanted['nodes'][0]['widgets_values'] = ['b', 'image']

		assert written == wanted
		assert read_workflow(written, NODES).graph == changed.graph

	def test_a_file_of_the_first_version(self) -> None:
		"""Its block `editor` is the whole document: it is given back as long as the graph is the same."""
		native = converted(read_workflow(self.document(), NODES), 'native', NODES)
		old: dict[str, JsonValue] = {**native, 'lumengraph': 1, 'layout': {}, 'editor': self.document()}

		assert converted(read_workflow(old, NODES), 'editor', NODES) == self.document()

	def test_wires_that_changed(self) -> None:
		"""Where the old wires would say something else, what is drawn keeps only how it looked."""
		native = converted(read_workflow(self.document(), NODES), 'native', NODES)
		read = read_workflow(native, NODES)
		changed = replace(read, graph=Graph({node: call for node, call in read.graph.calls.items() if node != '1'}))
		written: Any = converted(changed, 'editor', NODES)

		assert sorted(node['id'] for node in written['nodes']) == [2, 3, 4, 5]
		assert written['links'] == []
		assert [written[key] for key in ('groups', 'anything')] == [self.document()['groups'], 'else']
		assert written['nodes'][0]['inputs'][0]['link'] is None
		assert read_workflow(written, NODES).graph.calls.keys() == {'2', '5'}

	def test_what_ours_says_of_it(self) -> None:
		"""Looks, notes, groups and what is muted have places of their own; without the block nothing of it is lost."""
		native: Any = converted(read_workflow(self.document(), NODES), 'native', NODES)
		del native['editor']
		written: Any = converted(read_workflow(native, NODES), 'editor', NODES)
		by_id = {node['id']: node for node in written['nodes']}

		assert native['layout']['notes'] == {'3': {'x': 0, 'y': 0, 'text': 'remember', 'plain': True}}
		assert native['layout']['groups'] == {'group 0': {'title': 'all', 'x': 0, 'y': 0, 'width': 500, 'height': 500}}
		assert native['layout']['nodes']['1'] == {'x': 10, 'y': 20, 'width': 100, 'height': 80, 'color': '#432'}
		assert native['nodes']['4'] == {'kind': 'Blur', 'mode': 'mute', 'inputs': {'radius': 5}}
		assert [by_id[1][key] for key in ('pos', 'size', 'color')] == [[10, 20], [100, 80], '#432']
		assert [by_id[3][key] for key in ('type', 'widgets_values')] == ['Note', ['remember']]
		assert [by_id[4][key] for key in ('mode', 'widgets_values')] == [2, [5]]
		assert written['groups'][0]['bounding'] == [0, 0, 500, 500]

	def test_keeps_what_is_not_known_here(self) -> None:
		"""Values and outputs of kinds that are not declared stay as they were."""
		changed = read_workflow(self.document(), NODES).with_value('1.file', 'b')
		written: Any = converted(changed, 'editor', NODES)
		[unknown] = [node for node in written['nodes'] if node['type'] == 'Elsewhere']

		assert unknown['widgets_values'] == [1, 2]
		native: Any = converted(read_workflow(self.document(), NODES), 'native', NODES)
		assert native['nodes']['5'] == {'kind': 'Elsewhere', 'comfy': {'widgets_values': [1, 2]}}
		assert unknown['outputs'] == [{'name': 'X', 'type': 'Y'}]


class TestUnknownKinds:
	"""Values that only a declaration names."""

	DOCUMENT: ClassVar[JsonValue] = {
		'lumengraph': 2,
		'nodes': {
			'1': {'kind': 'Blur', 'inputs': {}, 'comfy': {'widgets_values': [7], 'own': 1}},
			'2': {'kind': 'subgraph:s', 'inputs': {}},
		},
		'subgraphs': {'s': {'nodes': {'3': {'kind': 'Blur', 'comfy': {'widgets_values': [8]}}}}},
	}

	def test_named_once_the_kind_is_known(self) -> None:
		"""Somebody has installed the pack since: the file runs with the values that it had, and is written with names."""
		workflow = read_workflow(self.DOCUMENT, NODES)
		made: Any = converted(workflow, 'native', NODES)

		assert workflow.graph.calls[NodeId('1')].inputs == {'radius': Constant(7)}
		assert workflow.graph.calls[NodeId('2:3')].inputs == {'radius': Constant(8)}
		assert made['nodes']['1'] == {'kind': 'Blur', 'inputs': {'radius': 7}, 'comfy': {'own': 1}}
		assert made['subgraphs']['s']['nodes']['3'] == {'kind': 'Blur', 'inputs': {'radius': 8}}

	def test_kept_until_then(self) -> None:
		"""They are no inputs, and the API form does not have them."""
		workflow = read_workflow(self.DOCUMENT, {})

		assert workflow.graph.calls[NodeId('1')].inputs == {}
		made: Any = converted(workflow, 'native', {})
		assert made['nodes']['1']['comfy'] == {'widgets_values': [7], 'own': 1}
		assert converted(workflow, 'api', {})['1'] == {'class_type': 'Blur', 'inputs': {}, 'own': 1}


class TestDrawing:
	"""Graphs that nobody has drawn."""

	def test_columns(self) -> None:
		"""Each node lies to the right of what feeds it, and none on another."""
		graph = Graph(
			{
				NodeId('save'): Call('Save', {'images': Link(NodeId('2'), 0), 'prefix': Constant('x')}),
				NodeId('2'): Call('Blur', {'image': Link(NodeId('1:1'), 0), 'radius': Constant(1)}),
				NodeId('1:1'): Call('Load', {'file': Constant('a')}),
				NodeId('7'): Call('Load', {'file': Constant('b')}),
			}
		)
		written: Any = converted(Workflow(graph), 'editor', NODES)
		corners = {node['id']: tuple(node['pos']) for node in written['nodes']}

		assert corners['1_1'][0] < corners[2][0] < corners['save'][0]
		assert len(set(corners.values())) == 4
		assert written['links'] == [[1, 2, 0, 'save', 0, 'IMAGE'], [2, '1_1', 0, 2, 0, 'IMAGE']]
		assert written['nodes'][1]['outputs'][0]['links'] == [1]

	def test_seeds_stay(self) -> None:
		"""What follows a seed says that it stays as it is."""
		graph = Graph({NodeId('1'): Call('Noise', {'seed': Constant(5), 'steps': Constant(1), 'fast': Constant(True)})})
		written: Any = converted(Workflow(graph), 'editor', NODES)

		assert written['nodes'][0]['widgets_values'] == [5, 'fixed', 1, True]


class TestSeedPolicies:
	"""What becomes of a seed after a run: a word behind its value there, `seeds` in the layout here."""

	def document(self, *values: JsonValue, **more: JsonValue) -> Any:
		"""One node with a seed."""
		return {
			'nodes': [{'id': 1, 'type': 'Noise', 'pos': [0, 9], 'widgets_values': [*values], **more}],
			'links': [],
			'version': 0.4,
		}

	@pytest.mark.parametrize(
		('word', 'seeds'),
		[
			('randomize', {'seed': 'randomise'}),
			('increment', {'seed': 'increment'}),
			('decrement', {'seed': 'decrement'}),
			('increment-wrap', {'seed': 'increment-wrap'}),
			(True, {'seed': 'randomise'}),
			('fixed', None),
			(False, None),
		],
	)
	def test_there_and_back(self, word: JsonValue, seeds: JsonValue) -> None:
		"""The layout says it, and the file is the very same."""
		document = self.document(7, word, 20, True)
		native: Any = rewritten_small(document, 'native')

		assert native['layout']['nodes']['1'].get('seeds') == seeds
		assert rewritten_small(native, 'editor') == document

	def test_stays_when_a_value_changes(self) -> None:
		"""Also where the file had it in another way."""
		for word in ('randomize', True):
			native = rewritten_small(self.document(7, word, 20, True), 'native')
			changed = read_workflow(native, NODES).with_value('1.steps', 30)
			written: Any = converted(changed, 'editor', NODES)

			assert written['nodes'][0]['widgets_values'] == [7, 'randomize', 30, True]

	def test_is_written(self) -> None:
		"""A native file's own, without anything kept of another form."""
		native: JsonValue = {
			'lumengraph': 2,
			'nodes': {'a': {'kind': 'Noise', 'inputs': {'seed': 7, 'steps': 2, 'fast': False}}},
			'layout': {'nodes': {'a': {'x': 0, 'y': 0, 'seeds': {'seed': 'randomise'}}}},
		}
		written: Any = rewritten_small(native, 'editor')

		assert written['nodes'][0]['widgets_values'] == [7, 'randomize', 2, False]

	@pytest.mark.parametrize('word', ['randomize', True])
	def test_changed_here(self, word: JsonValue) -> None:
		"""What the layout says now counts, whatever was kept of the file."""
		document = self.document(7, word, 20, True, size=[1, 2])
		native: Any = rewritten_small(document, 'native')
		native['layout']['nodes']['1']['seeds'] = {'seed': 'fixed'}
		written: Any = rewritten_small(native, 'editor')

		assert written['nodes'][0]['widgets_values'] == [7, 'fixed', 20, True]
		assert written['nodes'][0]['size'] == [1, 2]

	def test_by_name(self) -> None:
		"""Values that have names have the word under one."""
		document = self.document()
		document['nodes'][0]['widgets_values'] = {'seed': 7, 'control_after_generate': 'increment', 'steps': 1}
		native: Any = rewritten_small(document, 'native')

		assert native['layout']['nodes']['1']['seeds'] == {'seed': 'increment'}
		assert rewritten_small(native, 'editor') == document

	def test_inside_of_a_subgraph(self) -> None:
		"""In the layout of the definition; what was changed there is written, too."""
		inside = {
			'id': 's',
			'name': 'inner',
			'inputs': [],
			'outputs': [],
			'links': [],
			'nodes': self.document(7, True, 20, True)['nodes'],
		}
		document: JsonValue = {
			'nodes': [{'id': 4, 'type': 's', 'pos': [0, 0]}],
			'links': [],
			'definitions': {'subgraphs': [inside]},
		}
		native: Any = rewritten_small(document, 'native')
		places = native['subgraphs']['inner']['layout']['nodes']

		assert places['1']['seeds'] == {'seed': 'randomise'}
		assert rewritten_small(native, 'editor') == document
		places['1']['seeds'] = {'seed': 'decrement'}
		written: Any = rewritten_small(native, 'editor')
		assert written['definitions']['subgraphs'][0]['nodes'][0]['widgets_values'] == [7, 'decrement', 20, True]

	def test_of_a_kind_that_is_not_known_yet(self) -> None:
		"""Found once the kind is known."""
		native: Any = converted(read_workflow(self.document(7, 'randomize', 20, True), {}), 'native', {})

		assert 'seeds' not in native['layout']['nodes']['1']
		named: Any = rewritten_small(native, 'native')
		assert named['layout']['nodes']['1']['seeds'] == {'seed': 'randomise'}

	def test_no_part_of_what_runs(self) -> None:
		"""The graph is the same with any word."""
		graphs = [
			read_workflow(rewritten_small(self.document(7, word, 20, True), 'native'), NODES).graph
			for word in ('fixed', 'randomize')
		]

		assert graphs[0] == graphs[1]


def rewritten_small(document: JsonValue, to: Form) -> Any:
	"""A document of the small kinds in another form."""
	return json.loads(json.dumps(converted(read_workflow(document, NODES), to, NODES)))


class TestApiForm:
	"""Files of the API form in other forms."""

	@pytest.mark.parametrize(
		'value',
		[
			['9', 1],
			['4', 0, 0],
			['4'],
			[],
			[5, 0],
			['4', 'IMAGE'],
			['4', 0.5],
			{'__type__': 'CURVE', '__value__': [[0, 1]]},
			{'__type__': 'CURVE', '__value__': {'points': [[0, 1]]}},
			{'__value__': ['4', 0]},
			{'link': [1]},
			{'node': '9', 'output': 1},
		],
	)
	@pytest.mark.parametrize('kind', ['Elsewhere', 'Write'])
	def test_there_and_back(self, kind: str, value: JsonValue) -> None:
		"""Whatever an input has is the same again; what was wrong with it still is."""
		document: JsonValue = {'1': {'class_type': kind, 'inputs': {'words': value}}}
		workflow = read_workflow(document, NODES)
		native = rewritten_small(document, 'native')

		assert read_workflow(native, NODES).graph == workflow.graph
		assert rewritten_small(native, 'native') == native
		assert rewritten_small(native, 'api') == document
		assert rewritten_small(document, 'api') == document

	def test_types_go_with_their_constants(self) -> None:
		"""An input that was given something else since has no wrapper of its own."""
		value: JsonValue = {'__type__': 'CURVE', '__value__': [[0, 1]]}
		native = rewritten_small({'1': {'class_type': 'Elsewhere', 'inputs': {'curve': value}}}, 'native')
		changed = read_workflow(native, NODES).with_value('1.curve', [[1, 1]])
		linked = replace(changed, graph=changed.graph.with_inputs({NodeId('1'): {'curve': Link(NodeId('1'), 0)}}))

		assert as_prompt(changed, NODES)['1'] == {
			'class_type': 'Elsewhere',
			'inputs': {'curve': {'__type__': 'CURVE', '__value__': [[1, 1]]}},
		}
		assert as_prompt(linked, NODES)['1'] == {'class_type': 'Elsewhere', 'inputs': {'curve': ['1', 0]}}

	@pytest.mark.parametrize('value', [[[0, 0], [1, 1]], {'points': [[0, 0]]}])
	def test_curves_of_the_editor_form(self, value: JsonValue) -> None:
		"""They get the wrapper with their type, as ComfyUI's own editor sends them."""
		kinds = {**NODES, 'Curved': info('Curved', Input(name='curve', type='CURVE'), number('size'))}
		document: JsonValue = {'nodes': [{'id': 1, 'type': 'Curved', 'widgets_values': [value, 3]}], 'links': []}
		written: Any = converted(read_workflow(document, kinds), 'api', kinds)
		native = converted(read_workflow(document, kinds), 'native', kinds)

		assert written['1']['inputs'] == {'curve': {'__type__': 'CURVE', '__value__': value}, 'size': 3}
		assert converted(read_workflow(native, kinds), 'api', kinds)['1'] == written['1']

	def test_packs_in_the_editor_form(self) -> None:
		"""What tells where a node comes from is among its properties."""
		meta: JsonValue = {'title': 'First', 'cnr_id': 'a-pack', 'aux_id': 'somebody/a-pack', 'ver': '1.2'}
		written: Any = rewritten_small({'1': {'class_type': 'Elsewhere', 'inputs': {}, '_meta': meta}}, 'editor')

		assert written['nodes'][0]['properties'] == {
			'Node name for S&R': 'Elsewhere',
			'cnr_id': 'a-pack',
			'aux_id': 'somebody/a-pack',
			'ver': '1.2',
		}


def test_places_of_old_files() -> None:
	"""A place may be an object of two numbers: a node that was moved here lies there in the editor form too."""
	document: JsonValue = {
		'nodes': [
			{'id': 1, 'type': 'Blur', 'pos': {'0': 1, '1': 2}, 'size': {'0': 100, '1': 50, '2': 0}},
			{'id': 2, 'type': 'Blur', 'pos': {'0': 5, '1': 6}, 'size': [100, 50]},
		],
		'links': [],
	}
	native: Any = rewritten_small(document, 'native')

	assert rewritten_small(native, 'editor') == document
	native['layout']['nodes']['1'] |= {'x': 300, 'width': 200}
	written: Any = rewritten_small(native, 'editor')
	assert written['nodes'][0]['pos'] == {'0': 300, '1': 2}
	assert written['nodes'][0]['size'] == {'0': 200, '1': 50, '2': 0}
	assert written['nodes'][1] == {'id': 2, 'type': 'Blur', 'pos': {'0': 5, '1': 6}, 'size': [100, 50]}


def test_api_form_keeps_what_else_it_says() -> None:
	"""Keys that we have no place for are there again."""
	document: JsonValue = {
		'1': {
			'class_type': 'Load',
			'inputs': {'file': 'a'},
			'is_changed': ['x'],
			'_meta': {'title': 'First', 'cnr_id': 'comfy-core'},
		}
	}
	native = converted(read_workflow(document, NODES), 'native', NODES)

	assert converted(read_workflow(native, NODES), 'api', NODES) == document
