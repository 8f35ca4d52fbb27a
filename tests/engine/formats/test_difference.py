"""What is another in one workflow than in an earlier one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from engine.formats.convert import converted
from engine.formats.difference import Difference, GivenAs, Source, difference
from engine.formats.workflow import Workflow, read_workflow
from engine.settings import PROJECT
from tests.engine.formats.declared import infos

DEMO: dict[str, Any] = json.loads((PROJECT / 'workflows' / 'text_to_image.json').read_text())


def demo(change: Callable[[dict[str, Any]], object] = lambda document: None) -> Workflow:
	"""The demo workflow, changed."""
	document = copy.deepcopy(DEMO)
	change(document)
	return read_workflow(document, infos())


def changed(change: Callable[[dict[str, Any]], object]) -> Difference:
	"""What a change of the demo workflow is told as."""
	return difference(demo(), demo(change), infos())


def rename(document: dict[str, Any], ids: dict[str, str]) -> None:
	"""Give the nodes other ids, wherever they are named."""
	text = json.dumps(document)
	for old, new in ids.items():
		text = text.replace(f'"node": "{old}"', f'"node": "{new}"')
	document.update(json.loads(text))
	document['nodes'] = {ids[node]: entry for node, entry in document['nodes'].items()}


class TestSame:
	"""What is no difference."""

	def test_itself(self) -> None:
		"""A workflow is the same as itself, wherever its nodes lie."""
		found = changed(lambda document: document['layout'].clear())

		assert found.same
		assert found.renumbered == {}

	def test_renumbered(self) -> None:
		"""Other ids are told, but are no difference, not even to named inputs."""
		ids = {node: str(number) for number, node in enumerate(DEMO['nodes'])}
		found = changed(lambda document: rename(document, ids))

		assert found.same
		assert found.renumbered == ids

	def test_other_forms(self) -> None:
		"""The same graph in another form is the same."""
		for form in ('api', 'editor'):
			other = read_workflow(json.loads(json.dumps(converted(demo(), form, infos()))), infos())

			assert difference(demo(), other, infos()).same, form

	def test_numbers_written_otherwise(self) -> None:
		"""4 is 4.0."""
		assert changed(lambda document: document['nodes']['sample']['inputs'].update(cfg=4)).same


class TestNodes:
	"""What became of nodes."""

	def test_changed_input(self) -> None:
		"""A constant that is another is told with both values."""
		found = changed(lambda document: document['nodes']['sample']['inputs'].update(steps=30))
		[node] = found.changed
		[given] = node.inputs

		assert not found.same
		assert (given.input, given.change) == ('steps', 'changed')
		assert (given.before, given.after) == (GivenAs(value=20), GivenAs(value=30))

	def test_rewired_input(self) -> None:
		"""A link that leads elsewhere is told with the names of nodes and outputs."""

		def swap(document: dict[str, Any]) -> None:
			inputs = document['nodes']['sample']['inputs']
			inputs['positive'], inputs['negative'] = inputs['negative'], inputs['positive']

		[node] = changed(swap).changed

		assert [(given.input, given.change) for given in node.inputs] == [
			('positive', 'rewired'),
			('negative', 'rewired'),
		]
		assert node.inputs[0].after == GivenAs(link=Source(node='negative', output='CONDITIONING'))

	def test_added_removed_and_given_inputs(self) -> None:
		"""Nodes in one of them only, and inputs that are given in one of them only."""

		def change(document: dict[str, Any]) -> None:
			document['nodes']['more'] = {'kind': 'PreviewImage', 'inputs': {'images': {'node': 'decode', 'output': 0}}}
			del document['nodes']['negative']
			del document['nodes']['sample']['inputs']['negative']

		found = changed(change)

		assert [mark.node for mark in found.added] == ['more']
		assert [mark.kind for mark in found.removed] == ['CLIPTextEncode']
		assert [given.change for given in found.changed[0].inputs] == ['removed']

	def test_kind_and_title(self) -> None:
		"""A node of another kind is the same node, as is one of another title."""

		def change(document: dict[str, Any]) -> None:
			document['nodes']['decode'] |= {'kind': 'VAEDecodeTiled', 'title': 'In tiles'}

		[node] = changed(change).changed

		assert (node.before.kind, node.after.kind, node.after.title) == ('VAEDecode', 'VAEDecodeTiled', 'In tiles')


class TestNamed:
	"""What belongs to the workflow as a whole."""

	def test_inputs_outputs_and_texts(self) -> None:
		"""Named inputs and outputs that came, went or changed; title and description."""

		def change(document: dict[str, Any]) -> None:
			document['title'] = 'Another'
			document['description'] = ''
			del document['inputs']['cfg']
			document['inputs']['words'] = {'node': 'positive', 'input': 'text'}
			document['inputs']['seed']['description'] = 'luck'
			document['outputs']['second'] = {'node': 'save'}

		found = changed(change)

		assert {(change.name, change.change) for change in found.inputs} == {
			('cfg', 'removed'),
			('words', 'added'),
			('seed', 'changed'),
		}
		assert [(change.name, change.change) for change in found.outputs] == [('second', 'added')]
		assert [text.field for text in found.texts] == ['title', 'description']

	def test_survives_as_json(self) -> None:
		"""What is told is read again as the same."""
		found = changed(lambda document: document['nodes']['sample']['inputs'].update(steps=30, cfg=None))

		assert Difference.model_validate_json(found.model_dump_json()) == found
