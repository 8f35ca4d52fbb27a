"""Files of earlier versions."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from engine.formats.document import NodePlace
from engine.formats.migrate import VERSION, migrated
from engine.formats.native import read_document

FIRST: dict[str, JsonValue] = {
	'lumengraph': 1,
	'nodes': {'a': {'kind': 'Save'}},
	'layout': {
		'a': {'x': 1, 'y': 2.5, 'width': 270, 'mine': True},
		'zoom': 2,
		'odd': {'x': 'left'},
		'wide': {'x': 0, 'y': 0, 'width': '9'},
	},
	'own': 1,
}


class TestVersion1:
	def test_places_of_nodes_move_into_a_block(self) -> None:
		"""What else the layout held is still there, outside of the block."""
		document: Any = migrated(FIRST)

		assert document['lumengraph'] == VERSION
		assert document['layout']['nodes'] == {'a': {'x': 1, 'y': 2.5, 'width': 270, 'mine': True}}
		assert document['layout']['zoom'] == 2
		assert document['layout']['odd'] == {'x': 'left'}
		assert document['layout']['wide'] == {'x': 0, 'y': 0, 'width': '9'}
		assert [document[key] for key in ('nodes', 'own')] == [{'a': {'kind': 'Save'}}, 1]

	def test_a_file_opens_as_one_of_this_version(self) -> None:
		"""Its layout is read like that of a new file."""
		assert read_document(FIRST).layout.nodes['a'].model_dump(exclude_unset=True) == {
			'x': 1,
			'y': 2.5,
			'width': 270,
			'mine': True,
		}
		assert isinstance(read_document(FIRST).layout.nodes['a'], NodePlace)

	def test_a_node_that_is_called_like_a_block(self) -> None:
		"""By the version it is known what `nodes` means."""
		document: Any = migrated({'lumengraph': 1, 'nodes': {}, 'layout': {'nodes': {'x': 0, 'y': 0}}})

		assert document['layout'] == {'nodes': {'nodes': {'x': 0, 'y': 0}}}


def test_other_versions_are_left_alone() -> None:
	"""This one's, later ones, and what is no version."""
	for version in (VERSION, 99, True, '1', None, 1.0):
		document: dict[str, JsonValue] = {'lumengraph': version, 'nodes': {}, 'layout': {'a': {'x': 0, 'y': 0}}}

		assert migrated(document) == document
