"""Inputs that are fed without links."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.formats.convert import converted
from engine.formats.editor.read import EditorReading
from engine.formats.editor.sheet import mapping
from engine.formats.prompt import write_prompt
from engine.formats.workflow import read_workflow
from tests.engine.formats.editor.canvas import NODES, canvas, node, reading

LOAD = node(1, 'Load', ['a', 'image'])


def sender(id: int, kind: str, *links: int | None, **more: Any) -> dict[str, Any]:
	"""A node that sends what its links bring."""
	inputs = [{'name': f'in{index}', 'type': '*', 'link': link} for index, link in enumerate(links)]
	return {'id': id, 'type': kind, 'inputs': inputs, 'outputs': [], **more}


def saving(id: int, link: int | None = None, **more: Any) -> dict[str, Any]:
	"""A node that takes a picture."""
	return {**node(id, 'Save', ['x'], images=link), **more}


def fed(found: EditorReading) -> dict[str, Any]:
	"""Node → what feeds its pictures."""
	links = {str(id): call.inputs.get('images') for id, call in found.graph.calls.items() if call.kind == 'Save'}
	return {id: str(getattr(link, 'node', None)) for id, link in links.items()}


class TestByType:
	"""Files that do not list the links."""

	def test_every_open_input_is_fed(self) -> None:
		"""What is linked to the sender goes to all inputs of its type that nothing is linked to; each is told."""
		links = [[1, 1, 0, 5, 0, '*'], [2, 3, 0, 9, 0, 'IMAGE']]
		blur = node(3, 'Blur', [1], image=None)
		found = reading([LOAD, blur, sender(5, 'Anything Everywhere', 1), saving(8), saving(9, 2)], links)

		assert fed(found) == {'8': '1', '9': '3'}
		assert write_prompt(found.graph)['3'] == {'class_type': 'Blur', 'inputs': {'radius': 1, 'image': ['1', 0]}}
		assert '5' not in found.graph.calls
		assert not found.missing
		assert [told for told in found.warnings if 'without links' in told and '3.image, 8.images' in told]

	@pytest.mark.parametrize('mode', [2, 4])
	def test_switched_off_senders_send_nothing(self, mode: int) -> None:
		"""Neither muted nor bypassed ones."""
		found = reading([LOAD, sender(5, 'Anything Everywhere', 1, mode=mode), saving(8)], [[1, 1, 0, 5, 0, '*']])

		assert fed(found) == {'8': 'None'}
		assert not found.warnings

	def test_through_reroutes(self) -> None:
		"""The type is told by the output behind them."""
		reroute = {'id': 4, 'type': 'Reroute', 'inputs': [{'name': '', 'type': '*', 'link': 2}], 'outputs': []}
		links = [[2, 1, 0, 4, 0, '*'], [1, 4, 0, 5, 0, '*']]

		assert fed(reading([LOAD, reroute, sender(5, 'Anything Everywhere', 1), saving(8)], links)) == {'8': '1'}

	def test_two_that_suit_are_told(self) -> None:
		"""Where two send the same type with the same right, neither is taken, as the extension does."""
		nodes = [LOAD, node(2, 'Load', ['b', 'image']), saving(8)]
		senders = [sender(5, 'Anything Everywhere', 1), sender(6, 'Anything Everywhere', 2)]
		found = reading([*nodes, *senders], [[1, 1, 0, 5, 0, '*'], [2, 2, 0, 6, 0, '*']])

		assert fed(found) == {'8': 'None'}
		assert any('8.images' in told and '5, 6' in told for told in found.warnings)

	def test_the_pattern_wins(self) -> None:
		"""Who names the nodes that it sends to goes before who sends to all."""
		senders = [
			sender(5, 'Anything Everywhere', 1),
			sender(6, 'Anything Everywhere?', 2, widgets_values=['^Big', '.*']),
		]
		nodes = [LOAD, node(2, 'Load', ['b', 'image']), saving(8), saving(9, title='Big one')]
		found = reading([*nodes, *senders], [[1, 1, 0, 5, 0, '*'], [2, 2, 0, 6, 0, '*']])

		assert fed(found) == {'8': '1', '9': '2'}

	@pytest.mark.parametrize(
		'said',
		[
			{'title_regex': '(a+)+$'},
			{'title_regex': '('},
			{'input_regex': 'a?a?a?a?'},
			{'group_regex': 'Load'},
			{'group_restricted': 1},
			{'color_restricted': 2},
		],
	)
	def test_what_is_not_followed_is_told(self, said: dict[str, Any]) -> None:
		"""Limits by group or colour, and patterns that are broken or could take for ever, send nothing."""
		limited = sender(5, 'Anything Everywhere', 1, properties={'ue_properties': {'version': '7.0', **said}})
		found = reading([LOAD, limited, saving(8, title='a' * 60 + '!')], [[1, 1, 0, 5, 0, '*']])

		assert fed(found) == {'8': 'None'}
		assert any("'5'" in told and 'not followed' in told for told in found.warnings)

	@pytest.mark.parametrize(('version', 'is_fed'), [('', True), ('1.15.3', True), ('1.20.0', False)])
	def test_seeds(self, version: str, is_fed: bool) -> None:
		"""A seed goes to converted widgets that are called so; newer files list all widgets, and say which take one."""
		seed = {'id': 5, 'type': 'Seed Everywhere', 'widgets_values': [7], 'outputs': [{'name': 'INT', 'type': 'INT'}]}
		noise = node(2, 'Noise', [1, 'fixed', 20, False], seed_=None)
		found = reading([seed, noise], [], extra={'frontendVersion': version})
		seeded = next(call for call in found.graph.calls.values() if call.kind == 'Noise')

		assert (str(getattr(seeded.inputs['seed'], 'node', '')) == '5') is is_fed

	def test_inside_of_a_subgraph(self) -> None:
		"""A sender there feeds what is there, from inputs of the subgraph as well."""
		inside = {
			'id': 'sub',
			'name': 'Sub',
			'inputs': [{'name': 'picture', 'type': 'IMAGE'}],
			'nodes': [sender(5, 'Anything Everywhere', 1), saving(8)],
			'links': [{'id': 1, 'origin_id': -10, 'origin_slot': 0, 'target_id': 5, 'target_slot': 0, 'type': 'IMAGE'}],
		}
		instance = {'id': 2, 'type': 'sub', 'inputs': [{'name': 'picture', 'type': 'IMAGE', 'link': 3}]}
		found = reading([LOAD, instance], [[3, 1, 0, 2, 0, 'IMAGE']], definitions={'subgraphs': [inside]})

		assert fed(found) == {'2:8': '1'}
		assert any("subgraph 'Sub'" in told for told in found.warnings)


class TestListed:
	"""Files that say what their extension linked."""

	def test_the_list_is_taken(self) -> None:
		"""It goes before types and limits; entries that do not fit, or come twice, are left out."""
		limited = sender(5, 'Anything Everywhere', 1, properties={'group_restricted': 1})
		one = {'controller': 5, 'upstream': '1', 'upstream_slot': 0, 'downstream': 8, 'downstream_slot': 0}
		broken = [{**one, 'downstream': 99}, {**one, 'downstream_slot': 7}, {**one, 'upstream': None}, 'x', one, one]
		found = reading([LOAD, limited, saving(8), saving(9)], [[1, 1, 0, 5, 0, '*']], extra={'ue_links': broken})

		assert fed(found) == {'8': '1', '9': 'None'}


class TestConversion:
	"""Into other forms and back."""

	def test_nothing_is_lost(self) -> None:
		"""The native form has the links; back in the editor form the file is the very same."""
		document = canvas([LOAD, sender(5, 'Anything Everywhere', 1), saving(8)], [[1, 1, 0, 5, 0, '*']])
		native = converted(read_workflow(document, NODES), 'native', NODES)
		again = read_workflow(native, NODES)

		assert mapping(mapping(native['nodes'])['8'])['inputs'] == {
			'images': {'node': '1', 'output': 'IMAGE'},
			'prefix': 'x',
		}
		assert converted(again, 'editor', NODES) == json.loads(json.dumps(document))
