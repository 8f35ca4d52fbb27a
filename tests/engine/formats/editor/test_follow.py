"""What feeds an input, through everything that lies between."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.formats.editor.canvas import node, read

LOAD = node(1, 'Load', ['a', 'image'])


def save(link: int | None) -> dict[str, Any]:
	"""The node that takes the picture in the end."""
	return node(9, 'Save', ['x'], images=link)


class TestMuted:
	"""Mode 2."""

	def test_is_gone_with_its_links(self) -> None:
		"""Neither the node nor what it fed is there; a widget that it fed has its own value again."""
		found = read(
			[
				LOAD,
				node(2, 'Write', ['w'], mode=2),
				node(3, 'Blur', [5], image=1, radius_=2),
				node(4, 'Blur', [1], mode=2),
			],
			[[1, 1, 0, 3, 0, 'IMAGE'], [2, 2, 0, 3, 1, 'STRING']],
		)

		assert found == {'1': {'file': 'a'}, '3': {'radius': 5, 'image': ['1', 0]}}


class TestBypassed:
	"""Mode 4: the node hands on an input that fits."""

	def test_by_type(self) -> None:
		"""The output IMAGE of a node whose first input is a mask passes on its first image."""
		found = read(
			[LOAD, node(2, 'Mix', mode=4, mask=2, first=1, second=3), save(4)],
			[[1, 1, 0, 2, 1, 'IMAGE'], [2, 1, 1, 2, 0, 'MASK'], [3, 1, 0, 2, 2, 'IMAGE'], [4, 2, 1, 9, 0, 'IMAGE']],
		)

		assert found['9'] == {'prefix': 'x', 'images': ['1', 0]}

	def test_several_in_a_row(self) -> None:
		"""Each hands on to the next."""
		found = read(
			[LOAD, node(2, 'Blur', [1], mode=4, image=1), node(3, 'Blur', [1], mode=4, image=2), save(3)],
			[[1, 1, 0, 2, 0, 'IMAGE'], [2, 2, 0, 3, 0, 'IMAGE'], [3, 3, 0, 9, 0, 'IMAGE']],
		)

		assert found['9']['images'] == ['1', 0]

	def test_nothing_fits(self) -> None:
		"""What takes the output is then not linked."""
		found = read(
			[node(1, 'Write', ['w']), node(2, 'Load', ['a'], mode=4, file_=1), save(2)],
			[[1, 1, 0, 2, 0, 'STRING'], [2, 2, 0, 9, 0, 'IMAGE']],
		)

		assert 'images' not in found['9']


class TestReroutes:
	"""Nodes that only lead wires."""

	@pytest.mark.parametrize('kind', ['Reroute', 'Reroute (rgthree)'])
	def test_are_passed(self, kind: str) -> None:
		"""Links go to what lies before, however many there are."""
		between = [
			{'id': 10 + i, 'type': kind, 'inputs': [{'name': '', 'type': '*', 'link': i}]} for i in range(1, 3000)
		]
		links = [[i, 1 if i == 1 else 9 + i, 0, 10 + i, 0, '*'] for i in range(1, 3000)]
		found = read([LOAD, *between, save(5000)], [*links, [5000, 3009, 0, 9, 0, 'IMAGE']])

		assert found == {'1': {'file': 'a'}, '9': {'prefix': 'x', 'images': ['1', 0]}}

	def test_a_bypassed_node_gets_the_type_of_who_asks(self) -> None:
		"""Behind a reroute, a bypassed node hands on what the reader wants, not just anything."""
		reroute = {'id': 3, 'type': 'Reroute', 'inputs': [{'name': '', 'type': '*', 'link': 4}]}
		found = read(
			[LOAD, node(2, 'Mix', mode=4, mask=2, first=1, second=None), reroute, save(5)],
			[[1, 1, 0, 2, 1, 'IMAGE'], [2, 1, 1, 2, 0, 'MASK'], [4, 2, 1, 3, 0, '*'], [5, 3, 0, 9, 0, 'IMAGE']],
		)

		assert found['9']['images'] == ['1', 0]

	def test_a_circle(self) -> None:
		"""Leads nowhere."""
		circle = [{'id': i, 'type': 'Reroute', 'inputs': [{'name': '', 'type': '*', 'link': i}]} for i in (2, 3)]
		found = read([*circle, save(4)], [[2, 3, 0, 2, 0, '*'], [3, 2, 0, 3, 0, '*'], [4, 2, 0, 9, 0, 'IMAGE']])

		assert found == {'9': {'prefix': 'x'}}

	def test_native_ones_change_nothing(self) -> None:
		"""Points on a wire are cosmetic, and links as objects are read like lists."""
		links = [
			{
				'id': 1,
				'origin_id': 1,
				'origin_slot': 0,
				'target_id': 9,
				'target_slot': 0,
				'type': 'IMAGE',
				'parentId': 2,
			}
		]
		found = read([LOAD, save(1)], links, version=1, state={}, reroutes=[{'id': 2, 'pos': [0, 0], 'linkIds': [1]}])

		assert found['9']['images'] == ['1', 0]


def test_primitives() -> None:
	"""Their value is written where they lead, through reroutes too; they themselves are gone."""
	reroute = {'id': 3, 'type': 'Reroute', 'inputs': [{'name': '', 'type': '*', 'link': 2}]}
	found = read(
		[LOAD, node(2, 'PrimitiveNode', [7, 'fixed']), reroute, node(4, 'Blur', [1], image=1, radius_=3)],
		[[1, 1, 0, 4, 0, 'IMAGE'], [2, 2, 0, 3, 0, 'INT'], [3, 3, 0, 4, 1, 'INT']],
	)

	assert found == {'1': {'file': 'a'}, '4': {'radius': 7, 'image': ['1', 0]}}


def test_named_wires() -> None:
	"""A GetNode gives what the SetNode of the same name takes; without one it gives nothing."""
	found = read(
		[
			LOAD,
			node(2, 'SetNode', ['picture'], IMAGE=1),
			node(3, 'GetNode', ['picture']),
			node(4, 'GetNode', ['other']),
			save(2),
			node(8, 'Save', ['y'], images=3),
		],
		[[1, 1, 0, 2, 0, 'IMAGE'], [2, 3, 0, 9, 0, 'IMAGE'], [3, 4, 0, 8, 0, 'IMAGE']],
	)

	assert found == {'1': {'file': 'a'}, '9': {'prefix': 'x', 'images': ['1', 0]}, '8': {'prefix': 'y'}}


def test_notes_are_silent() -> None:
	"""Notes and switches of the canvas are no nodes of the graph."""
	found = read(
		[node(1, 'Note', ['n']), node(2, 'MarkdownNote', ['n']), node(3, 'Fast Groups Bypasser (rgthree)')], []
	)

	assert found == {}
