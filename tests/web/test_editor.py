"""The editor in a real browser, against the real server and the embedded model."""

from __future__ import annotations

import io
import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from nodes.demo.judge import read_picture
from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
RUN_MILLISECONDS = 120_000


def queue(editor: Editor) -> None:
	"""Press the button."""
	editor.page.get_by_test_id('queue-button').click()


def set_widget(editor: Editor, node: str, name: str, value: str) -> None:
	"""Type a value into a widget and leave it."""
	widget = editor.page.get_by_test_id(f'widget-{node}-{name}')
	widget.fill(value)
	widget.blur()


def shown_picture(editor: Editor, node: str = 'save') -> Image.Image:
	"""The picture in a node, once it is there."""
	image = editor.page.get_by_test_id(f'image-{node}')
	image.wait_for(timeout=RUN_MILLISECONDS)
	source = image.get_attribute('src')
	assert source is not None
	with urllib.request.urlopen(editor.server.url + source) as answer:
		return Image.open(io.BytesIO(answer.read())).convert('RGB')


def wait_until_done(editor: Editor, node: str = 'save') -> None:
	"""Wait until a node says that it has its result."""
	expect(editor.page.get_by_test_id(f'status-{node}')).to_have_attribute(
		'data-state', 'done', timeout=RUN_MILLISECONDS
	)


class TestOpening:
	"""The first thing a user sees."""

	def test_opens_with_the_demo_workflow(self, editor: Editor) -> None:
		"""Every node of text_to_image is on the canvas, and the browser has nothing to complain about."""
		for node in ('model', 'positive', 'negative', 'latent', 'sample', 'decode', 'save'):
			expect(editor.page.get_by_test_id(f'node-{node}')).to_be_visible()

		assert editor.complaints == []

	def test_opens_what_comfyuis_editor_saved(self, editor: Editor, tmp_path: Path) -> None:
		"""Its values have their names, reroutes are gone, and the graph runs."""
		nodes = [
			{'id': 1, 'type': 'EmptyImage', 'pos': [0, 0], 'widgets_values': [32, 48, 1, 0]},
			{'id': 2, 'type': 'Reroute', 'pos': [300, 0], 'inputs': [{'name': '', 'type': '*', 'link': 1}]},
			{
				'id': 3,
				'type': 'PreviewImage',
				'pos': [400, 0],
				'inputs': [{'name': 'images', 'type': 'IMAGE', 'link': 2}],
			},
		]
		links = [[1, 1, 0, 2, 0, '*'], [2, 2, 0, 3, 0, 'IMAGE']]
		file = tmp_path / 'saved.json'
		file.write_text(json.dumps({'nodes': nodes, 'links': links, 'version': 0.4}))
		editor.page.get_by_test_id('workflow-file').set_input_files(file)

		expect(editor.page.get_by_test_id('node-3')).to_be_visible()
		expect(editor.page.get_by_test_id('widget-1-height')).to_have_value('48')
		expect(editor.page.get_by_test_id('node-2')).to_have_count(0)
		queue(editor)
		assert shown_picture(editor, '3').size == (32, 48)
		assert editor.complaints == []


class TestRunning:
	"""A prompt becomes a picture."""

	def test_changed_prompt_gives_the_picture_it_says(self, editor: Editor) -> None:
		"""A green circle on white has green in it and white around it; another prompt gives another picture."""
		set_widget(editor, 'positive', 'text', 'a red square on a blue background')
		queue(editor)
		first = read_picture(np.asarray(shown_picture(editor)))
		before = editor.page.get_by_test_id('image-save').get_attribute('src')
		set_widget(editor, 'positive', 'text', 'a green circle on a white background')
		queue(editor)
		expect(editor.page.get_by_test_id('image-save')).not_to_have_attribute(
			'src', before or '', timeout=RUN_MILLISECONDS
		)
		second = read_picture(np.asarray(shown_picture(editor)))

		assert first is not None
		assert second is not None
		assert (first.back, first.color) == ('blue', 'red')
		assert (second.back, second.color) == ('white', 'green')
		assert editor.complaints == []

	def test_wrong_value_shows_its_error_at_the_node(self, editor: Editor) -> None:
		"""Steps of 0 are refused: the message stands in the sampler, names the range, and goes when it is mended."""
		set_widget(editor, 'sample', 'steps', '0')
		queue(editor)
		error = editor.page.get_by_test_id('error-sample')
		expect(error).to_be_visible()

		assert 'steps' in error.inner_text()
		assert editor.page.get_by_test_id('error-decode').count() == 0

		set_widget(editor, 'sample', 'steps', '4')
		queue(editor)
		wait_until_done(editor)
		expect(error).to_have_count(0)


class TestBuilding:
	"""Nodes are added by search and joined by what fits."""

	def test_search_adds_a_node(self, editor: Editor) -> None:
		"""Typing part of a kind finds it; choosing puts it on the canvas."""
		editor.page.get_by_test_id('add-node-button').click()
		editor.page.get_by_test_id('search-input').fill('preview')
		editor.page.get_by_test_id('search-result-PreviewImage').click()

		expect(editor.page.get_by_test_id('node-preview_image')).to_be_visible()
