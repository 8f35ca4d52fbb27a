"""Runs in the editor: the queue, the gallery, the viewer, the history, what is told before and after a run."""

from __future__ import annotations

import itertools
import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.serving import serving
from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
RUN_MILLISECONDS = 120_000
colours = itertools.count(1)


def plain(title: str, **more: object) -> dict[str, Any]:
	"""A workflow that saves a picture of one colour, which no other test has."""
	return {
		'lumengraph': 2,
		'title': title,
		'inputs': {'colour': {'node': 'empty', 'input': 'color'}, 'width': {'node': 'empty', 'input': 'width'}},
		'nodes': {
			'empty': {
				'kind': 'EmptyImage',
				'inputs': {'width': 24, 'height': 16, 'batch_size': 1, 'color': next(colours)},
			},
			'save': {
				'kind': 'SaveImage',
				'inputs': {'images': {'node': 'empty', 'output': 'IMAGE'}, 'filename_prefix': title},
			},
			**more,
		},
	}


def open_document(editor: Editor, folder: Path, document: Mapping[str, object]) -> None:
	"""Open a workflow as a file, and wait until it is on the canvas."""
	file = folder / 'workflow.json'
	file.write_text(json.dumps(document))
	editor.page.get_by_test_id('workflow-file').set_input_files(file)
	expect(editor.page.get_by_test_id('workflow-title')).to_have_value(str(document['title']))


def api(editor: Editor, method: str, path: str, body: object = None) -> Any:
	"""What the server answers, beside the editor."""
	data = None if body is None else json.dumps(body).encode()
	asked = urllib.request.Request(editor.server.url + path, data, {'Content-Type': 'application/json'}, method=method)
	with urllib.request.urlopen(asked) as answer:
		text = answer.read()
	return json.loads(text) if text else None


def run(editor: Editor, node: str = 'save', state: str = 'done') -> None:
	"""Queue, and wait for a node."""
	editor.page.get_by_test_id('queue-button').click()
	expect(editor.page.get_by_test_id(f'status-{node}')).to_have_attribute(
		'data-state', state, timeout=RUN_MILLISECONDS
	)


def recolour(editor: Editor, node: str = 'empty') -> None:
	"""Give the picture a colour of its own."""
	widget = editor.page.get_by_test_id(f'widget-{node}-color')
	if widget.get_attribute('type') == 'color':
		widget.fill(f'#{next(colours):06x}')
	else:
		widget.fill(str(next(colours)))
		widget.blur()


def thumbs(editor: Editor) -> Locator:
	"""The pictures of the gallery."""
	return editor.page.get_by_test_id('results').locator('.thumb')


@pytest.fixture
def paused(editor: Editor) -> Iterator[Editor]:
	"""An editor whose server begins no job; what waits is dropped afterwards."""
	api(editor, 'POST', '/v1/queue/pause')
	yield editor
	api(editor, 'POST', '/v1/queue/clear')
	api(editor, 'POST', '/v1/queue/resume')


class TestBefore:
	"""The line above the canvas."""

	def test_what_a_run_would_do(self, editor: Editor, tmp_path: Path) -> None:
		"""First both nodes would run; afterwards all is in the cache; a change makes them run again."""
		open_document(editor, tmp_path, plain('foretold'))
		line = editor.page.get_by_test_id('preflight')
		expect(line).to_contain_text('2 nodes to run')
		expect(line).to_contain_text('Ready')
		run(editor)
		expect(line).to_contain_text('all 2 nodes from the cache')
		recolour(editor)
		expect(line).to_contain_text('2 nodes to run')
		expect(line).to_contain_text('a moment')

		assert editor.complaints == []

	def test_memory_of_the_demo_model(self, editor: Editor) -> None:
		"""It is told, and nothing is missing."""
		line = editor.page.get_by_test_id('preflight')
		expect(line).to_contain_text('of memory')
		expect(line).not_to_contain_text('missing')

	def test_problems_lead_to_their_node(self, editor: Editor, tmp_path: Path) -> None:
		"""They are counted while one edits, and a click shows the first."""
		document = plain('wrong')
		document['nodes']['empty']['inputs']['width'] = 0
		open_document(editor, tmp_path, document)
		problems = editor.page.get_by_test_id('preflight-problems')
		expect(problems).to_contain_text('One problem')
		problems.click()
		expect(editor.page.locator('.react-flow__node.selected')).to_have_attribute('data-id', 'empty')

	def test_models_that_are_missing(self, editor: Editor, tmp_path: Path) -> None:
		"""They are named."""
		models = {'gone.safetensors': {'folder': 'loras'}}
		open_document(editor, tmp_path, {**plain('lacking'), 'requires': {'models': models}})

		expect(editor.page.get_by_test_id('preflight')).to_contain_text('missing: gone.safetensors')


class TestNodes:
	"""What nodes tell after a run."""

	def test_why_a_node_ran(self, editor: Editor, tmp_path: Path) -> None:
		"""For the first time; from the cache; since an input has changed, from what to what."""
		# Runs are told apart by the ids of nodes: another test's must not count.
		document = json.loads(json.dumps(plain('why')).replace('"empty"', '"novel"'))
		open_document(editor, tmp_path, document)
		status = editor.page.get_by_test_id('status-novel')
		run(editor)
		expect(status).to_have_attribute('data-tip', 'Ran for the first time.')
		run(editor, 'novel', 'cached')
		expect(status).to_have_attribute('data-tip', 'From the cache: nothing that it depends on has changed.')
		recolour(editor, 'novel')
		run(editor, 'novel')
		expect(status).to_have_attribute('data-tip', re.compile(r'color: \d+ → \d+'))
		status.dispatch_event('pointerover')
		expect(editor.page.locator('.tooltip')).to_contain_text('Ran again: an input has changed.')

	def test_only_the_branch_of_a_node(self, editor: Editor, tmp_path: Path) -> None:
		"""The other sink is not run."""
		other = {
			'kind': 'PreviewImage',
			'inputs': {'images': {'node': 'empty', 'output': 'IMAGE'}},
		}
		open_document(editor, tmp_path, plain('branch', other=other))
		editor.page.get_by_test_id('node-other').locator('header').click()
		editor.page.keyboard.press('Alt+Enter')
		expect(editor.page.get_by_test_id('status-other')).to_have_attribute(
			'data-state', 'done', timeout=RUN_MILLISECONDS
		)

		expect(editor.page.get_by_test_id('status-save')).to_have_attribute('data-state', 'idle')

	def test_a_failure_inside_a_subgraph(self, editor: Editor, tmp_path: Path) -> None:
		"""It stands at the instance, and the list of problems leads inside."""
		document = plain('deep')
		document['nodes']['judge'] = {'kind': 'AssertEqual', 'inputs': {'value': 5, 'expected': '6'}}
		open_document(editor, tmp_path, document)
		editor.page.get_by_test_id('node-judge').locator('header').click()
		editor.page.keyboard.press('Control+Shift+G')
		instance = editor.page.locator('[data-kind^="subgraph"]')
		expect(instance).to_be_visible()
		editor.page.get_by_test_id('queue-button').click()
		expect(instance).to_have_attribute('data-state', 'error', timeout=RUN_MILLISECONDS)
		editor.page.locator('[data-testid^="problem-"]').first.click()
		expect(editor.page.get_by_test_id('error-judge')).to_be_visible()


class TestQueue:
	"""The panel of what waits and runs."""

	def test_order_and_pause(self, paused: Editor, tmp_path: Path) -> None:
		"""Jobs move by keyboard and by drag, one can be put before all, one can be dropped, and then they run."""
		page = paused.page
		for title in ('one', 'two', 'three'):
			open_document(paused, tmp_path, plain(title))
			page.get_by_test_id('queue-button').click()
			expect(page.get_by_test_id('queue-count')).to_be_visible()
		page.get_by_test_id('queue-tab').click()
		names = page.get_by_test_id('queue-list').locator('.job b')
		expect(names).to_have_text(['one', 'two', 'three'])
		page.locator('[data-testid^="move-"]').first.focus()
		page.keyboard.press('ArrowDown')
		expect(names).to_have_text(['two', 'one', 'three'])
		page.locator('[data-testid^="move-"]').nth(2).drag_to(page.locator('[data-testid^="move-"]').nth(0))
		expect(names).to_have_text(['three', 'two', 'one'])
		page.keyboard.press('Control+Shift+Enter')
		expect(names).to_have_text(['three', 'three', 'two', 'one'])
		page.get_by_role('button', name='Remove from the queue').first.click()
		expect(names).to_have_text(['three', 'two', 'one'])
		expect(page.get_by_test_id('queue-pause')).to_have_text('Resume')
		page.get_by_test_id('queue-pause').click()
		expect(names).to_have_count(0, timeout=RUN_MILLISECONDS)

		assert paused.complaints == []

	def test_a_failed_job_is_run_again(self, editor: Editor, tmp_path: Path) -> None:
		"""It is listed with its reason, and once more makes another."""
		document = plain('failing')
		document['nodes']['judge'] = {'kind': 'AssertEqual', 'inputs': {'value': 5, 'expected': '7'}}
		open_document(editor, tmp_path, document)
		run(editor, 'judge', 'error')
		editor.page.get_by_test_id('queue-tab').click()
		failed = editor.page.locator('[data-failed]', has_text='failing')
		expect(failed).to_contain_text('7')
		failed.locator('[data-testid^="retry-"]').click()

		expect(failed).to_have_count(2, timeout=RUN_MILLISECONDS)

	def test_jobs_of_others_when_asked(self, paused: Editor) -> None:
		"""They are only counted at first."""
		page = paused.page
		api(paused, 'POST', '/v1/jobs', {'workflow': plain('foreign'), 'client': 'somebody'})
		page.get_by_test_id('queue-tab').click()
		expect(page.get_by_test_id('queue-list')).to_contain_text('One job of others.')
		page.get_by_test_id('show-others').check()

		expect(page.get_by_test_id('queue-list').locator('[draggable=true] b')).to_have_text(['foreign'])

	def test_clearing_drops_what_is_shown(self, paused: Editor, tmp_path: Path) -> None:
		"""The jobs of others stay while they are hidden."""
		page = paused.page
		api(paused, 'POST', '/v1/jobs', {'workflow': plain('foreign'), 'client': 'somebody'})
		for title in ('one', 'two'):
			open_document(paused, tmp_path, plain(title))
			page.get_by_test_id('queue-button').click()
			expect(page.get_by_test_id('queue-count')).to_be_visible()
		page.get_by_test_id('queue-tab').click()
		waiting = page.get_by_test_id('queue-list').locator('[draggable=true] b')
		expect(waiting).to_have_text(['one', 'two'])
		page.get_by_test_id('queue-clear').click()
		expect(waiting).to_have_count(0)
		page.get_by_test_id('show-others').check()

		expect(waiting).to_have_text(['foreign'])


class TestGallery:
	"""What was made."""

	def test_viewer_zoom_compare_and_facts(self, editor: Editor, tmp_path: Path) -> None:
		"""Two pictures are compared by a slider; wheel, keys and double click zoom; the seed's kin are told."""
		page = editor.page
		open_document(editor, tmp_path, plain('seen'))
		run(editor)
		recolour(editor)
		expect(thumbs(editor)).to_have_count(1)
		page.get_by_test_id('queue-button').click()
		expect(thumbs(editor)).to_have_count(2, timeout=RUN_MILLISECONDS)
		thumbs(editor).first.locator('button').click()
		stage = page.get_by_test_id('viewer-stage')
		expect(stage).to_have_attribute('data-zoom', '800 %')
		page.keyboard.press('1')
		expect(stage).to_have_attribute('data-zoom', '100 %')
		stage.hover()
		page.mouse.wheel(0, -400)
		expect(stage).to_have_attribute('data-zoom', '272 %')
		stage.dblclick()
		expect(stage).to_have_attribute('data-zoom', '800 %')
		page.keyboard.press('c')
		slider = page.get_by_test_id('compare-slider')
		expect(slider).to_have_value('50')
		slider.focus()
		page.keyboard.press('ArrowRight')
		expect(slider).to_have_value('50.5')
		expect(page.get_by_test_id('compared-image')).to_be_visible()
		page.get_by_test_id('viewer-info').click()
		facts = page.get_by_test_id('picture-info')
		expect(facts).to_contain_text('24 × 16')
		expect(facts).to_contain_text('torch')
		page.get_by_test_id('viewer-open-graph').click()
		expect(page.locator('[role=tab][aria-selected=true]', has_text='seen')).to_be_visible()

		assert editor.complaints == []

	def test_pictures_stay_while_the_server_is_away(self, browser: Browser, tmp_path: Path) -> None:
		"""What cannot be read then is shown again once the server is back; what is gone from it, is not."""
		with serving(tmp_path) as server:
			page = browser.new_page()
			page.goto(server.url)
			page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
			editor = Editor(page, server, [])
			open_document(editor, tmp_path, plain('kept'))
			run(editor)
			expect(thumbs(editor).locator('img')).to_have_count(1)
		expect(page.get_by_test_id('connection-state')).to_have_attribute('data-state', 'lost')
		thumbs(editor).locator('img').evaluate("image => { image.src += '&once=more'; }")
		expect(thumbs(editor).locator('img')).to_have_count(0)
		expect(thumbs(editor)).to_have_count(1)
		port = server.url.rsplit(':', 1)[1].strip('/')
		with serving(tmp_path, '--port', port):
			expect(thumbs(editor).locator('img')).to_have_count(1, timeout=RUN_MILLISECONDS)
			thumbs(editor).locator('img').evaluate("image => { image.src = '/view?filename=no.png'; }")
			expect(thumbs(editor)).to_have_count(0)
			page.close()

	def test_several_are_deleted(self, editor: Editor, tmp_path: Path) -> None:
		"""After a question; the files are gone from the server."""
		page = editor.page
		document = plain('doomed')
		document['nodes']['empty']['inputs']['batch_size'] = 3
		open_document(editor, tmp_path, document)
		run(editor)
		expect(thumbs(editor)).to_have_count(3)
		before = len(list((editor.server.base / 'output').glob('doomed*')))
		thumbs(editor).first.locator('button').click(modifiers=['Control'])
		thumbs(editor).nth(1).locator('button').click(modifiers=['Shift'])
		page.get_by_test_id('delete-selected').click()
		page.get_by_test_id('confirm-delete').click()
		expect(thumbs(editor)).to_have_count(1)
		left = len(list((editor.server.base / 'output').glob('doomed*')))

		assert (before, left) == (3, 1)


class TestHistory:
	"""Jobs that are over."""

	def test_open_compare_and_again(self, editor: Editor, tmp_path: Path) -> None:
		"""By day; the difference to the canvas is told in words; the graph opens; the job runs again."""
		page = editor.page
		open_document(editor, tmp_path, plain('past'))
		run(editor)
		widget = page.get_by_test_id('widget-empty-height')
		widget.fill('32')
		widget.blur()
		page.keyboard.press('Shift+H')
		history = page.get_by_test_id('history')
		expect(history.locator('h3').first).to_have_text('Today')
		entry = history.locator('.past', has_text='past')
		entry.locator('[data-testid^="compare-"]').click()
		difference = page.get_by_test_id('difference')
		expect(difference.locator('del')).to_have_text('16')
		expect(difference.locator('ins')).to_have_text('32')
		page.keyboard.press('Escape')
		expect(difference).to_have_count(0)
		entry.locator('[data-testid^="open-"]').click()
		expect(page.get_by_test_id('widget-empty-height')).to_have_value('16')
		entry.locator('[data-testid^="again-"]').click()
		expect(entry).to_have_count(2, timeout=RUN_MILLISECONDS)

		assert editor.complaints == []


class TestForm:
	"""A workflow as a function."""

	def test_a_sweep_makes_a_grid(self, editor: Editor, tmp_path: Path) -> None:
		"""Two widths by two colours: four pictures in a table, and none of it on the canvas."""
		page = editor.page
		open_document(editor, tmp_path, plain('swept'))
		page.keyboard.press('Shift+R')
		page.get_by_test_id('several-width').check()
		page.get_by_test_id('sweep-width').fill('16, odd')
		expect(page.get_by_test_id('wrong-width')).to_have_text(
			'“width” takes whole numbers: 1, 2, 3, or 1..8/8 for eight from 1 to 8.'
		)
		expect(page.get_by_test_id('form-run')).to_be_disabled()
		page.get_by_test_id('sweep-width').fill('16..32/2')
		page.get_by_test_id('several-colour').check()
		page.get_by_test_id('sweep-colour').fill('255, 65280')
		page.get_by_test_id('form-run').click()
		grid = page.get_by_test_id('result-grid')
		expect(grid.locator('tbody tr')).to_have_count(2, timeout=RUN_MILLISECONDS)
		expect(grid.locator('td img')).to_have_count(4)
		expect(grid.locator('tbody th').first).to_have_text('colour 255')
		expect(page.get_by_test_id('result-whole').locator('img')).to_have_count(1)

		assert editor.complaints == []


class TestAway:
	"""A page in the background."""

	def test_it_tells_when_a_job_is_done(self, editor: Editor, tmp_path: Path) -> None:
		"""By a notification, if that was wanted, and in its title, until it is seen again."""
		page = editor.page
		page.evaluate(
			"""() => {
				window.told = [];
				class Note { constructor(text) { window.told.push(text); } close() {} }
				Note.permission = 'granted';
				Note.requestPermission = async () => 'granted';
				window.Notification = Note;
			}"""
		)
		open_document(editor, tmp_path, plain('faraway'))
		page.get_by_test_id('panel-settings').click()
		page.get_by_test_id('setting-notify').check()
		hide = """hidden => {
			Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
			document.dispatchEvent(new Event('visibilitychange'));
		}"""
		page.evaluate(hide, True)
		run(editor)
		page.wait_for_function("() => document.title.startsWith('✓ ')")

		assert page.evaluate('window.told') == ['“faraway” is done.']

		page.evaluate(hide, False)
		assert page.title() == 'faraway · Lumengraph'
