"""What a job showed, as lists of jobs count and preview it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.events import Ui
from server.comfy.media import SHOWN_LETTERS, preview_of, shown


def file(name: str, type: str = 'output', **others: Any) -> dict[str, Any]:
	"""A file as nodes show it."""
	return {'filename': name, 'subfolder': '', 'type': type, **others}


def outputs(**nodes: dict[str, list[Any]]) -> dict[str, Ui]:
	"""Node → what it showed; `_1` is node 1."""
	return {node.removeprefix('_'): Ui(ui) for node, ui in nodes.items()}


SAVED, SHOWN = file('saved.png'), file('shown.png', 'temp')
TEXT_FILE, TEMP_TEXT = file('notes.txt'), file('notes.md', 'temp')


class TestChoice:
	"""What stands for the whole job."""

	@pytest.mark.parametrize(
		('ui', 'expected'),
		[
			({'images': [SHOWN, SAVED]}, 'saved.png'),
			({'images': [SHOWN], 'text': ['hello']}, 'shown.png'),
			({'text': ['hello'], 'files': [TEXT_FILE], 'images': [SHOWN]}, 'shown.png'),
			({'text': ['hello'], 'files': [TEMP_TEXT, TEXT_FILE]}, 'notes.txt'),
			({'files': [file('a.zip')]}, None),
			({'files': [TEMP_TEXT]}, None),
			({'animated': [True]}, None),
			({}, None),
		],
	)
	def test_order(self, ui: dict[str, list[Any]], expected: str | None) -> None:
		"""A saved thing to look at, another such thing, a saved text file, a text; else there is none."""
		found = preview_of(outputs(_1=ui))

		assert (None if found is None else (found.model_extra or {})['filename']) == expected

	def test_over_all_nodes(self) -> None:
		"""A saved picture of a later node comes before one that an earlier node only shows."""
		found = preview_of(outputs(_1={'images': [SHOWN]}, _2={'images': [SAVED, file('second.png')]}))

		assert found is not None
		assert found.model_dump() == {**SAVED, 'nodeId': '2', 'mediaType': 'images'}

	def test_text(self) -> None:
		"""A short one is whole, a long one cut, which is said."""
		short = preview_of(outputs(_1={'text': ['hello']}))
		long = preview_of(outputs(_1={'text': ['é' * 5000]}))

		assert short is not None
		assert short.model_dump() == {'nodeId': '1', 'mediaType': 'text', 'content': 'hello'}
		assert long is not None
		assert long.model_dump() == {
			'nodeId': '1',
			'mediaType': 'text',
			'content': 'é' * SHOWN_LETTERS,
			'truncated': True,
		}

	def test_what_a_file_says_of_itself_goes_along(self) -> None:
		"""Clients read frame rates and formats from it; its own node and kind are not believed."""
		found = preview_of(outputs(_1={'gifs': [file('a.webm', format='video/webm', frame_rate=8, nodeId='evil')]}))

		assert found is not None
		assert found.model_dump() == {
			**file('a.webm'),
			'format': 'video/webm',
			'frame_rate': 8,
			'nodeId': '1',
			'mediaType': 'gifs',
		}


class TestKinds:
	"""What counts as what."""

	@pytest.mark.parametrize(
		('name', 'item', 'visual'),
		[
			('images', file('a'), True),
			('video', file('a'), True),
			('audio', file('a.flac'), True),
			('3d', file('a'), True),
			('gifs', file('a.mp4', format='video/h264-mp4'), True),
			('other', file('a.mp3', format='audio/mpeg'), True),
			('other', file('a.png', format='image/png'), False),
			('other', file('Thing.GLB'), True),
			('other', file('a.obj.txt'), False),
			('other', file('a.mp4'), False),
			('images', {'subfolder': ''}, False),
			('images', {'filename': 5}, False),
		],
	)
	def test_visual(self, name: str, item: dict[str, Any], visual: bool) -> None:
		"""By the name under which it is shown, by its format, by its ending."""
		[thing] = shown(outputs(_1={name: [item]}))

		assert thing.is_visual is visual

	@pytest.mark.parametrize('ending', ['obj', 'FBX', 'gltf', 'glb', 'usdz'])
	def test_names_of_models(self, ending: str) -> None:
		"""A bare name stands for a saved file."""
		[thing] = shown(outputs(_1={'result': [f'thing.{ending}']}))

		assert (thing.is_visual, thing.is_saved, thing.media) == (True, True, '3d')
		assert thing.item == {'filename': f'thing.{ending}', 'type': 'output', 'subfolder': ''}

	def test_what_is_nothing(self) -> None:
		"""Flags, gaps, numbers, and texts under other names."""
		ui: dict[str, list[Any]] = {
			'animated': [{'filename': 'x'}],
			'images': [None, 5, ['x'], True],
			'result': ['just words'],
		}

		assert list(shown(outputs(_1=ui))) == []

	def test_counts(self) -> None:
		"""Files are counted over all nodes; texts are none."""
		things = list(
			shown(
				outputs(
					_1={'images': [SAVED, SHOWN, None], 'animated': [False]}, _2={'text': ['a'], 'files': [TEXT_FILE]}
				)
			)
		)

		assert sum(thing.is_file for thing in things) == 3
		assert sum(thing.is_visual for thing in things) == 2
		assert [thing.node for thing in things] == ['1', '1', '2', '2']
