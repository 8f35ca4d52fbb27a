"""The official web front end in a real browser, unmodified, against our server."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.conftest import Document
from tests.clients.front_end import FrontEnd, colours, share
from tests.clients.running import FOLDER, missing
from tests.serving import Server, serving

pytestmark = pytest.mark.browser
RED, BLUE = (220, 30, 35), (35, 70, 220)
# A user who has been here before, and wants to see what is being made.
SETTINGS = {'Comfy.TutorialCompleted': True, 'Comfy.Execution.PreviewMethod': 'latent2rgb'}


@pytest.fixture(scope='module')
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
	"""A server that serves the front end of the package, with a node that talks."""
	spec = importlib.util.find_spec('comfyui_frontend_package')
	if spec is None or spec.origin is None:
		missing('comfyui-frontend-package is not installed: pip install -e .[clients]')
	static = Path(spec.origin).parent / 'static'
	base = tmp_path_factory.mktemp('front-end')
	(base / 'custom_nodes').mkdir()
	shutil.copy(FOLDER / 'packs' / 'talking.py', base / 'custom_nodes')
	with serving(base, '--front-end-root', str(static)) as server:
		settings = urllib.request.Request(f'{server.url}/api/settings', json.dumps(SETTINGS).encode())
		# The front end asks its makers for news unless it has been told by then that this server has none of their nodes.
		for request in (settings, f'{server.url}/api/system_stats'):
			with urllib.request.urlopen(request) as answer:
				assert answer.status == 200
		yield server


@pytest.fixture
def front_end(browser: Browser, fronted: Server) -> Iterator[FrontEnd]:
	"""A fresh window with the front end open and ready."""
	with closing(browser.new_context(viewport={'width': 1600, 'height': 900})) as context:
		opened = FrontEnd(context.new_page(), fronted)
		opened.open()
		yield opened


class TestOpening:
	def test_boots_with_its_default_graph(self, front_end: FrontEnd) -> None:
		"""Every request that it makes is answered, and the page is the front end's own."""
		expect(front_end.page.get_by_test_id('queue-button')).to_be_visible()
		kinds = front_end.page.evaluate('window.app.graph.nodes.map((node) => node.type)')

		assert {'KSampler', 'SaveImage'} <= set(kinds)
		assert front_end.complaints == []


class TestRunning:
	def test_makes_a_picture_and_remembers_it(self, front_end: FrontEnd, demo: Document) -> None:
		"""A dropped workflow runs: progress in the title, previews at the sampler, the picture where it is saved; then it
		is among the media and in the list of jobs, also after a reload."""
		page = front_end.page
		demo['sample']['inputs']['steps'] = 60
		demo['positive']['inputs']['text'] = 'a large red circle on a blue background'
		front_end.load(demo)
		empty = front_end.look_at('KSampler')
		front_end.run()
		front_end.wait_for_image('SaveImage', 128)
		told = [int(found[1]) for title in front_end.titles if (found := re.search(r'\[(\d+)%\] KSampler', title))]
		preview, saved = (front_end.look_at(kind) for kind in ('KSampler', 'SaveImage'))

		assert told == sorted(told)
		assert len({percent for percent in told if 0 < percent < 100}) >= 3
		assert share(saved, RED) > 0.01
		assert share(saved, BLUE) > 0.03
		# How far the picture had come when the last preview was made depends on the machine's speed.
		assert colours(preview) > 4 * colours(empty)

		expect(page.get_by_test_id('queue-overlay-toggle')).to_contain_text('0 active')
		page.get_by_test_id('queue-overlay-toggle').click()
		for _ in range(2):
			# That the list of jobs is open is one of the settings: it is so after a reload too.
			expect(page.get_by_text('text_to_image_00001_.png')).to_be_visible()
			page.get_by_test_id('assets-tab-button').click()
			expect(page.locator('img[src*="text_to_image_00001_.png"]').first).to_be_visible()
			front_end.reload()

		assert front_end.complaints == []

	def test_interrupts(self, front_end: FrontEnd, demo: Document) -> None:
		"""The button at the top stops the running job; nothing is active then."""
		page = front_end.page
		demo['sample']['inputs']['steps'] = 10_000
		front_end.load(demo)
		front_end.run()
		page.wait_for_function("document.title.includes('KSampler')")
		expect(page.get_by_test_id('queue-overlay-toggle')).to_contain_text('1 active')
		page.get_by_role('button', name='Cancel current run').click()
		expect(page.get_by_test_id('queue-overlay-toggle')).to_contain_text('0 active')

		assert front_end.complaints == []

	def test_shows_what_is_wrong(self, front_end: FrontEnd, demo: Document) -> None:
		"""A refusal is read to the end: kind of problem, node, input, value and bound."""
		demo['sample']['inputs']['steps'] = 0
		front_end.load(demo)
		front_end.run()

		expect(front_end.page.get_by_text("The value 0 for KSampler's steps is below the minimum 1.")).to_be_visible()

	def test_reads_what_a_node_says(self, front_end: FrontEnd) -> None:
		"""Words in passing come to the page with job and node, and so does a message of a type that it knows."""
		page = front_end.page
		page.evaluate("""() => {
			window.said = []
			for (const type of ['progress_text', 'notification'])
				window.app.api.addEventListener(type, ({ detail }) => window.said.push(detail))
		}""")
		front_end.load({'1': {'class_type': 'TestingTalk', 'inputs': {'text': 'half way ü'}}})
		front_end.run()
		page.wait_for_function('window.said.length === 2')
		words, notification = page.evaluate('window.said')

		assert (words['nodeId'], words['text']) == ('1', 'half way ü')
		assert re.fullmatch('[0-9a-f-]{36}', words['prompt_id'])
		assert notification == {'value': 'half way ü'}
		assert front_end.complaints == []


class TestKeeping:
	def test_saves_a_workflow(self, browser: Browser, front_end: FrontEnd, fronted: Server, demo: Document) -> None:
		"""Under a name, in the user's folder; another window lists it."""
		page = front_end.page
		front_end.load(demo)
		page.keyboard.press('Control+s')
		page.get_by_role('textbox').fill('kept')
		with page.expect_response('**/api/userdata/workflows%2Fkept.json*') as saved:
			page.get_by_role('button', name='Confirm').click()
		with closing(browser.new_context()) as context:
			other = FrontEnd(context.new_page(), fronted)
			other.open()
			other.page.get_by_test_id('workflows-tab-button').click()
			expect(other.page.get_by_text('kept', exact=True)).to_be_visible()

		assert saved.value.status == 200
		assert (fronted.base / 'user' / 'default' / 'workflows' / 'kept.json').is_file()
		assert front_end.complaints == other.complaints == []
