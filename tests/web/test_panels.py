"""The panels that tell of the server: models, settings, plugins, log, and what is known of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from tests.serving import Server, serving
from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
RUN_MILLISECONDS = 120_000
ODD = """
class Odd:
	CATEGORY = 'odd'
	RETURN_TYPES = ()
	FUNCTION = 'run'
	OUTPUT_NODE = True

	@classmethod
	def INPUT_TYPES(cls):
		return {'required': {'words': ('STRING', {'default': 'all is well'})}}

	def run(self, words):
		if words == 'fail':
			raise RuntimeError('this node was told to fail')
		return {'ui': {'text': [words]}}


NODE_CLASS_MAPPINGS = {'Odd': Odd}
"""


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
	"""A server with a pack that loads, one that does not, and a model file that is cut short."""
	base = tmp_path_factory.mktemp('panels')
	(base / 'custom_nodes').mkdir()
	(base / 'custom_nodes' / 'odd.py').write_text(ODD)
	(base / 'custom_nodes' / 'bad.py').write_text("raise RuntimeError('no such luck')\n")
	(base / 'models' / 'loras').mkdir(parents=True)
	(base / 'models' / 'loras' / 'torn.safetensors').write_bytes(b'\xff' * 40)
	with serving(base) as running:
		yield running


@pytest.fixture
def editor(browser: Browser, server: Server) -> Iterator[Editor]:
	"""A fresh window on that server."""
	context = browser.new_context(viewport={'width': 1600, 'height': 900})
	page = context.new_page()
	complaints: list[str] = []

	def complain(message: ConsoleMessage) -> None:
		if message.type in ('error', 'warning'):
			complaints.append(message.text)

	page.on('console', complain)
	page.on('pageerror', lambda error: complaints.append(str(error)))
	page.goto(server.url)
	page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
	yield Editor(page, server, complaints)
	context.close()


def open_odd(editor: Editor, folder: Path, words: str) -> None:
	"""Open a workflow of one odd node and run it."""
	file = folder / 'odd.json'
	nodes = {'one': {'kind': 'Odd', 'inputs': {'words': words}}}
	file.write_text(json.dumps({'lumengraph': 2, 'title': 'Odd one', 'nodes': nodes}))
	editor.page.get_by_test_id('workflow-file').set_input_files(file)
	editor.page.get_by_test_id('node-one').wait_for()
	editor.page.get_by_test_id('queue-button').click()


class TestModels:
	"""Files on disk and models in memory."""

	def test_catalogue_finds_tells_and_adds(self, editor: Editor) -> None:
		"""By kind and words; a torn file says what is wrong; a click adds the loader with the file."""
		page = editor.page
		page.keyboard.press('Alt+m')
		demo = page.get_by_test_id('model-lumen-demo.safetensors')
		expect(demo).to_contain_text('6.31 MB')
		expect(demo).to_contain_text('sd1')
		expect(page.get_by_test_id('model-torn.safetensors')).to_have_attribute('data-damaged', 'true')
		expect(page.get_by_test_id('model-torn.safetensors').locator('.bad')).not_to_be_empty()

		page.get_by_test_id('model-kind-loras').click()
		expect(demo).to_have_count(0)
		page.get_by_test_id('model-search').fill('night demo')
		expect(page.locator('.inspect .row')).to_have_count(1)
		page.get_by_test_id('model-lumen-demo-night.safetensors').locator('.row-main').click()
		expect(page.get_by_test_id('node-lora_loader_model_only')).to_have_count(0)
		expect(page.get_by_test_id('widget-lora_loader-lora_name')).to_have_value('lumen-demo-night.safetensors')

		page.get_by_test_id('model-lumen-demo-night.safetensors').locator('.row-main').click(button='right')
		page.get_by_role('menuitem', name='LoraLoaderModelOnly').click()
		expect(page.get_by_test_id('node-lora_loader_model_only')).to_be_attached()
		assert editor.complaints == []

	def test_models_in_memory_come_and_go(self, editor: Editor) -> None:
		"""They appear while a job runs, and one is gone when it is unloaded."""
		page = editor.page
		page.get_by_test_id('panel-models').click()
		page.get_by_test_id('models-memory').click()
		expect(page.get_by_test_id('models-in-memory')).to_contain_text('No models')
		page.get_by_test_id('widget-sample-steps').fill('2')
		page.get_by_test_id('queue-button').click()
		expect(page.get_by_test_id('resident-denoiser')).to_be_visible(timeout=RUN_MILLISECONDS)
		expect(page.get_by_test_id('status-save')).to_have_attribute('data-state', 'done', timeout=RUN_MILLISECONDS)
		expect(page.get_by_test_id('resident-denoiser')).to_contain_text('not in use')
		page.get_by_test_id('unload-denoiser').click()
		expect(page.get_by_test_id('resident-denoiser')).to_have_count(0)
		page.get_by_test_id('unload-all').click()
		expect(page.get_by_test_id('models-in-memory')).to_contain_text('No models')
		assert editor.complaints == []


class TestSettings:
	"""The browser's and the server's."""

	def test_server_is_told_and_choices_are_reset(self, editor: Editor) -> None:
		"""Folders and versions are read from the server; a reset brings back what was there before."""
		page = editor.page
		page.keyboard.press('Control+,')
		expect(page.get_by_test_id('config-versions-python')).to_contain_text('3.')
		page.get_by_text('Folders').click()
		expect(page.get_by_test_id('config-folders-base')).to_have_text(str(editor.server.base))
		page.get_by_test_id('setting-snap').check()
		page.get_by_test_id('setting-language').select_option('de')
		expect(page.get_by_test_id('server-settings')).to_contain_text('Ordner')
		page.get_by_test_id('setting-reset').click()
		expect(page.get_by_test_id('setting-snap')).not_to_be_checked()
		expect(page.get_by_test_id('setting-language')).to_have_value('en')
		page.get_by_test_id('setting-keys').click()
		expect(page.get_by_role('dialog')).to_contain_text('Undo')
		assert editor.complaints == []


class TestPlugins:
	"""Packs of custom nodes."""

	def test_loaded_and_failed(self, editor: Editor) -> None:
		"""One adds its node on a click; the other shows its reason and the traceback."""
		page = editor.page
		page.keyboard.press('Alt+p')
		bad = page.get_by_test_id('pack-bad')
		expect(bad).to_have_attribute('data-damaged', 'true')
		expect(bad.locator('summary')).to_have_text('RuntimeError: no such luck')
		expect(bad.locator('pre')).to_contain_text('Traceback')
		good = page.get_by_test_id('pack-odd')
		good.locator('summary').click()
		good.get_by_role('button', name='Odd').click()
		expect(page.get_by_test_id('node-odd')).to_be_visible()
		assert editor.complaints == []


class TestLog:
	"""What the server logs."""

	def test_follows_and_filters(self, editor: Editor, tmp_path: Path) -> None:
		"""Lines come while it is looked at; level and words choose; a line leads to its job."""
		page = editor.page
		page.keyboard.press('Alt+l')
		lines = page.get_by_test_id('log-lines')
		expect(lines).to_contain_text('no such luck')
		open_odd(editor, tmp_path, 'fail')
		expect(lines).to_contain_text('told to fail', timeout=RUN_MILLISECONDS)
		page.get_by_test_id('log-level').select_option('ERROR')
		expect(lines).not_to_contain_text('Traceback (most')
		page.get_by_test_id('log-level').select_option('DEBUG')
		page.get_by_test_id('log-search').fill('joblog told fail')
		expect(lines.locator('li')).to_have_count(1)
		lines.get_by_role('button', name='job').click()
		expect(page.get_by_test_id('job-details')).to_have_attribute('data-state', 'failed')
		assert editor.complaints == []


class TestJob:
	"""All that is known of one."""

	def test_a_job_that_failed_is_run_again(self, editor: Editor, tmp_path: Path) -> None:
		"""Its reason, node and traceback; run again, it is another job; its graph opens in a tab."""
		page = editor.page
		open_odd(editor, tmp_path, 'fail')
		expect(page.get_by_test_id('error-one')).to_be_visible(timeout=RUN_MILLISECONDS)
		page.mouse.click(800, 860)
		page.keyboard.press('Alt+j')
		details = page.get_by_test_id('job-details')
		expect(page.get_by_test_id('job-failure')).to_contain_text('told to fail')
		page.get_by_test_id('job-failure').locator('summary').click()
		expect(page.get_by_test_id('job-failure').locator('pre')).to_contain_text('RuntimeError')
		before = details.locator('.facts').first.inner_text()
		page.get_by_test_id('job-retry').click()
		expect(details.locator('.facts').first).not_to_have_text(before)
		expect(details).to_have_attribute('data-state', 'failed', timeout=RUN_MILLISECONDS)
		page.get_by_test_id('job-open').click()
		expect(page.get_by_role('tab', name='Odd one')).to_have_count(2)
		assert editor.complaints == []

	def test_steps_with_why_and_record(self, editor: Editor, tmp_path: Path) -> None:
		"""What ran and why, what was shown, and the versions that it ran with."""
		page = editor.page
		open_odd(editor, tmp_path, 'well done')
		expect(page.get_by_test_id('node-one')).to_contain_text('well done', timeout=RUN_MILLISECONDS)
		page.mouse.click(800, 860)
		page.keyboard.press('Alt+j')
		details = page.get_by_test_id('job-details')
		expect(details).to_have_attribute('data-state', 'succeeded', timeout=RUN_MILLISECONDS)
		expect(page.get_by_test_id('step-one')).to_contain_text('s')
		expect(page.get_by_test_id('step-one').locator('small').first).not_to_be_empty()
		expect(details).to_contain_text('well done')
		page.get_by_test_id('job-record').locator('summary').click()
		expect(page.get_by_test_id('job-record')).to_contain_text('torch')
		assert editor.complaints == []
