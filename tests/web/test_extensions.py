"""Packs that extend the editor: the example of `web/EXTENSIONS.md`, one that fails, and one for another front end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.settings import PROJECT
from tests.serving import Server, serving

pytestmark = pytest.mark.browser
RUN_MILLISECONDS = 60_000
CLASSES = """
class Ruler:
	CATEGORY = 'ruler'
	RETURN_TYPES = ()
	FUNCTION = 'run'
	OUTPUT_NODE = True

	@classmethod
	def INPUT_TYPES(cls):
		return {'required': {'length': ('LENGTH', {})}}

	def run(self, length):
		return {'ui': {'text': [f'{length} long']}, 'result': ()}


NODE_CLASS_MAPPINGS = {'Ruler': Ruler}
WEB_DIRECTORY = 'web'
"""
EMPTY = 'NODE_CLASS_MAPPINGS = {}\nWEB_DIRECTORY = "web"\n'


def pack(folder: Path, init: str, files: dict[str, str]) -> None:
	"""A pack of custom nodes with a web folder."""
	for name, content in {'__init__.py': init, **{f'web/{name}': text for name, text in files.items()}}.items():
		(folder / name).parent.mkdir(parents=True, exist_ok=True)
		(folder / name).write_text(content)


def example() -> str:
	"""The module that the documentation shows."""
	found = re.search(r'```js\n(.*?)```', (PROJECT / 'web' / 'EXTENSIONS.md').read_text(), re.DOTALL)
	assert found is not None
	return found[1]


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
	"""A server with all four packs."""
	base = tmp_path_factory.mktemp('extended')
	manifest = json.dumps({'api': 1, 'module': 'main.js', 'title': 'Ruler', 'version': '1.0'})
	packs = base / 'custom_nodes'
	pack(packs / 'ruler', CLASSES, {'lumengraph.json': manifest, 'main.js': example()})
	broken = 'export function activate() { throw new Error("no luck today"); }'
	pack(packs / 'broken', EMPTY, {'lumengraph.json': manifest, 'main.js': broken})
	newer = json.dumps({'api': 2, 'module': 'main.js'})
	pack(packs / 'newer', EMPTY, {'lumengraph.json': newer, 'main.js': 'document.title = "run by mistake";'})
	foreign = 'import { app } from "../../scripts/app.js"; document.title = "run by mistake";'
	pack(packs / 'foreign', EMPTY, {'js/old.js': foreign})
	with serving(base) as running:
		yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
	"""The editor with the extensions loaded."""
	context = browser.new_context(viewport={'width': 1600, 'height': 900})
	page = context.new_page()
	page.goto(server.url)
	page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
	page.get_by_test_id('panel-ruler:jobs').wait_for()
	yield page
	context.close()


def workflow(folder: Path) -> Path:
	"""A file with one ruler, whose length is not given."""
	file = folder / 'ruler.json'
	nodes = {'one': {'kind': 'Ruler', 'inputs': {}}}
	file.write_text(json.dumps({'lumengraph': 2, 'title': 'Rulers', 'nodes': nodes}))
	return file


class TestExample:
	"""What the documentation shows."""

	def test_widget_command_panel_and_events(self, page: Page, tmp_path: Path) -> None:
		"""The type has its widget; its value is run; the command edits as one step; the panel tells of the run."""
		page.get_by_test_id('workflow-file').set_input_files(workflow(tmp_path))
		field = page.get_by_test_id('widget-one-length').locator('input')
		expect(field).to_have_value('10 mm')
		field.fill('7 mm')
		field.press('Enter')
		page.get_by_test_id('node-one').locator('.title').first.click()
		page.keyboard.press('Alt+Shift+l')
		expect(field).to_have_value('14 mm')
		page.keyboard.press('Control+z')
		expect(field).to_have_value('7 mm')

		page.get_by_test_id('queue-button').click()
		expect(page.get_by_test_id('node-one')).to_contain_text('7 mm long', timeout=RUN_MILLISECONDS)
		page.get_by_test_id('panel-ruler:jobs').click()
		expect(page.locator('.foreign-panel')).to_contain_text('succeeded')

	def test_its_command_is_in_the_palette(self, page: Page) -> None:
		"""Under the title that it gave."""
		page.keyboard.press('Control+k')
		page.keyboard.type('double all')

		expect(page.get_by_text('Double all lengths')).to_be_visible()


class TestOthers:
	"""What is not well stays outside."""

	def test_failures_are_told_and_break_nothing(self, page: Page) -> None:
		"""One that throws, one for a later version, one for another front end: each says so, and nothing of it was run."""
		page.get_by_test_id('panel-plugins').click()
		broken = page.get_by_test_id('extension-broken')

		expect(page.get_by_test_id('extension-ruler')).to_have_attribute('data-state', 'loaded')
		expect(broken).to_have_attribute('data-state', 'failed')
		expect(broken.locator('pre')).to_contain_text('no luck today')
		expect(page.get_by_test_id('extension-newer')).to_contain_text('version 2')
		expect(page.get_by_test_id('extension-foreign')).to_have_attribute('data-state', 'foreign')
		page.get_by_test_id('extension-foreign').locator('summary').click()
		expect(page.get_by_test_id('extension-foreign').get_by_role('link', name='js/old.js')).to_be_visible()
		assert 'mistake' not in page.title()
		expect(page.get_by_test_id('node-sample')).to_be_visible()
