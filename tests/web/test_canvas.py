"""The canvas itself in a real browser: it keeps its place whatever is told above it, and large graphs are pictures from afar."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.serving import serving
from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
VIEW = ViewportSize(width=1600, height=900)
PATIENCE_MS = 60_000
# All places that the canvas has had since it was there, looked at with each frame.
WATCH = """() => {
	window.places_ = new Set();
	const look = () => {
		const box = document.querySelector('.canvas')?.getBoundingClientRect();
		if (box !== undefined) {
			window.places_.add([box.x, box.y, box.width, box.height].join(' '));
		}
		requestAnimationFrame(look);
	};
	requestAnimationFrame(look);
}"""
LOST = {
	'lumengraph': 2,
	'title': 'Lost',
	'nodes': {'gone': {'kind': 'Gone', 'inputs': {}}},
}

COLUMNS = 20
# Where a point of a node is on the screen, by its place in the document.
WHERE = """([id, right, down]) => {
	const { x, y } = JSON.parse(window.lumengraph.document()).layout.nodes[id];
	const { left, top } = document.querySelector('.react-flow').getBoundingClientRect();
	const view = new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform);
	const at = view.transformPoint(new DOMPoint(x + right, y + down));
	return [left + at.x, top + at.y];
}"""
# The colour of the picture at a point of the screen: red, green, blue, opacity.
COLOUR = """([x, y]) => {
	const canvas = document.querySelector('[data-testid=far-picture]');
	const box = canvas.getBoundingClientRect();
	const scale = canvas.width / box.width;
	return [...canvas.getContext('2d').getImageData((x - box.x) * scale, (y - box.y) * scale, 1, 1).data];
}"""


def ready(page: Page) -> None:
	"""Wait until the editor can be used."""
	page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=PATIENCE_MS)


class TestPlace:
	"""What is told over and above the canvas never moves it under the pointer."""

	def test_stays_when_notices_and_the_line_of_the_check_come_and_go(self, browser: Browser, tmp_path: Path) -> None:
		"""Through the offer of drafts, a file with missing kinds, an empty tab; notices can be dismissed over the canvas."""
		with serving(tmp_path) as server:
			former = browser.new_context(viewport=VIEW)
			page = former.new_page()
			page.goto(server.url)
			ready(page)
			page.get_by_test_id('widget-sample-steps').fill('7')
			page.get_by_test_id('widget-sample-steps').blur()
			page.wait_for_function(
				"async () => (await (await fetch('/v1/drafts')).json()).drafts.length === 1", timeout=PATIENCE_MS
			)
			former.close()
			context = browser.new_context(viewport=VIEW)
			page = context.new_page()
			page.add_init_script(f'({WATCH})()')
			page.goto(server.url)
			ready(page)
			drafts = page.get_by_test_id('notice-drafts')
			expect(drafts).to_be_visible()
			line = page.get_by_test_id('preflight')
			expect(line).to_contain_text('Ready')
			file = tmp_path / 'lost.json'
			file.write_text(json.dumps(LOST))
			page.get_by_test_id('workflow-file').set_input_files(file)
			missing = page.get_by_test_id('notice-missing')
			expect(missing).to_be_visible()
			expect(line).to_contain_text('problem')
			missing.get_by_role('button', name='Dismiss').click()
			expect(missing).to_have_count(0)
			drafts.get_by_role('button', name='Dismiss').click()
			expect(drafts).to_have_count(0)
			page.get_by_test_id('tab-new').click()
			expect(line).to_contain_text('Nothing to run yet')
			places = page.evaluate('() => [...window.places_]')
			box = page.locator('.canvas').bounding_box()
			toolbar = page.locator('.toolbar').bounding_box()
			context.close()

		assert len(places) == 1
		assert box is not None
		assert toolbar is not None
		assert box['y'] > toolbar['y'] + toolbar['height']


class TestAfar:
	"""A large graph seen from afar is a picture, and can be worked with like any other."""

	@pytest.fixture
	def page(self, editor: Editor, tmp_path: Path) -> Page:
		"""Two hundred nodes in rows, all of them seen."""
		nodes = {
			f'n{number}': {
				'kind': 'LatentFlip',
				'inputs': {'samples': {'node': f'n{number - 1}', 'output': 0}} if number % COLUMNS else {},
			}
			for number in range(200)
		}
		places = {f'n{number}': {'x': number % COLUMNS * 340, 'y': number // COLUMNS * 300} for number in range(200)}
		file = tmp_path / 'large.json'
		file.write_text(json.dumps({'lumengraph': 2, 'title': 'Large', 'nodes': nodes, 'layout': {'nodes': places}}))
		editor.page.get_by_test_id('workflow-file').set_input_files(file)
		expect(editor.page.get_by_test_id('far-picture')).to_be_visible()
		return editor.page

	def where(self, page: Page, node: str, right: int = 135, down: int = 40) -> tuple[float, float]:
		"""Its middle on the screen, or what lies elsewhere from its corner in units of the graph."""
		x, y = page.evaluate(WHERE, [node, right, down])
		return x, y

	def places(self, page: Page) -> dict[str, dict[str, float]]:
		"""Of all nodes, in the document."""
		found: dict[str, dict[str, float]] = json.loads(page.evaluate('window.lumengraph.document()'))['layout'][
			'nodes'
		]
		return found

	def nodes(self, page: Page) -> Locator:
		"""Those that are elements of the page."""
		return page.locator('.react-flow__node')

	def test_only_what_is_pointed_at_is_an_element(self, page: Page) -> None:
		"""Without the pointer there are none; nearer to them they come, and afar they go again."""
		page.mouse.move(*self.where(page, 'n105'))
		expect(page.get_by_test_id('node-n105')).to_be_visible()
		expect(self.nodes(page)).to_have_count(1)
		page.keyboard.press('0')
		expect(page.locator('.node:not(.far)').first).to_be_visible()
		expect(page.get_by_test_id('far-picture')).to_have_count(0)
		page.keyboard.press('f')
		expect(page.get_by_test_id('far-picture')).to_be_visible()
		expect(page.locator('.node:not(.far)')).to_have_count(0)

	def test_a_node_is_dragged(self, page: Page) -> None:
		"""It moves alone, is drawn where it was dropped and no longer where it was, and can be put back."""
		before = self.places(page)
		start = self.where(page, 'n105')
		page.mouse.move(*start)
		page.mouse.down()
		page.mouse.move(start[0], 835, steps=8)
		page.mouse.up()
		after = self.places(page)
		moved = {node for node, place in after.items() if place != before[node]}
		page.mouse.move(start[0] - 400, 835)

		assert moved == {'n105'}
		page.wait_for_function(f'at => ({COLOUR})(at)[3] === 0', arg=start)
		assert page.evaluate(COLOUR, self.where(page, 'n105'))[3] == 255
		page.keyboard.press('Control+z')
		page.wait_for_function(f'at => ({COLOUR})(at)[3] === 255', arg=start)

	def test_a_rectangle_selects_and_the_selection_is_dragged_together(self, page: Page) -> None:
		"""Also the nodes that are no elements; a click beside them lets all go."""
		before = self.places(page)
		left, top = self.where(page, 'n42', -30, -60)
		right, bottom = self.where(page, 'n84', 300, 200)
		page.keyboard.down('Shift')
		page.mouse.move(left, top)
		page.mouse.down()
		page.mouse.move(right, bottom, steps=5)
		page.mouse.up()
		page.keyboard.up('Shift')
		page.mouse.move(*self.where(page, 'n63'))
		page.mouse.down()
		page.mouse.move(self.where(page, 'n63')[0], 835, steps=8)
		page.mouse.up()
		after = self.places(page)
		chosen = {f'n{row * COLUMNS + column}' for row in (2, 3, 4) for column in (2, 3, 4)}
		# The click that ends a drag is swallowed until the page has had its turn.
		page.evaluate('() => new Promise((done) => setTimeout(done))')
		page.mouse.click(left, top)
		page.keyboard.press('Control+m')

		assert {node for node, place in after.items() if place != before[node]} == chosen
		assert len({after[node]['y'] - before[node]['y'] for node in chosen}) == 1
		assert '"mode"' not in page.evaluate('window.lumengraph.document()')

	def test_a_click_selects_only_that_node(self, page: Page) -> None:
		"""The one before is let go, though it is no element any more; what is muted is drawn fainter."""
		page.mouse.click(*self.where(page, 'n105'))
		page.mouse.click(*self.where(page, 'n107'))
		page.keyboard.press('Control+m')
		muted = {
			node
			for node, block in json.loads(page.evaluate('window.lumengraph.document()'))['nodes'].items()
			if block.get('mode') == 'mute'
		}

		assert muted == {'n107'}
		page.wait_for_function(f'at => ({COLOUR})(at)[3] < 255', arg=self.where(page, 'n107'))
		assert page.evaluate(COLOUR, self.where(page, 'n105'))[3] == 255

	def test_what_a_node_made_is_seen(self, page: Page, tmp_path: Path) -> None:
		"""A node that has a picture is an element that shows it, wherever the pointer is."""
		large = json.loads(page.evaluate('window.lumengraph.document()'))
		large['nodes']['paint'] = {
			'kind': 'EmptyImage',
			'inputs': {'width': 16, 'height': 16, 'batch_size': 1, 'color': 255},
		}
		large['nodes']['show'] = {'kind': 'PreviewImage', 'inputs': {'images': {'node': 'paint', 'output': 'IMAGE'}}}
		large['layout']['nodes'].update({'paint': {'x': 3400, 'y': 3000}, 'show': {'x': 3740, 'y': 3000}})
		file = tmp_path / 'painted.json'
		file.write_text(json.dumps({**large, 'title': 'Painted'}))
		page.get_by_test_id('workflow-file').set_input_files(file)
		expect(page.get_by_role('tab', name='Painted')).to_be_visible()
		page.mouse.move(800, 130)
		page.keyboard.press('Control+Enter')

		expect(page.get_by_test_id('image-show')).to_be_visible(timeout=PATIENCE_MS)
		expect(self.nodes(page)).to_have_count(1)

	def test_follows_the_theme_of_the_system(self, page: Page) -> None:
		"""The picture is drawn anew in dark colours."""
		at = self.where(page, 'n105', 20, 20)
		light = page.evaluate(COLOUR, at)
		page.emulate_media(color_scheme='dark')
		page.wait_for_function(f'([at, light]) => ({COLOUR})(at)[0] < light - 60', arg=[at, light[0]])

		assert light[3] == 255

	def test_by_keys(self, page: Page) -> None:
		"""The node that has the focus is an element, and arrows go on to the next."""
		page.keyboard.press('Alt+g')
		page.keyboard.press('Tab')
		expect(page.get_by_test_id('node-n0')).to_be_focused()
		page.keyboard.press('ArrowRight')
		expect(page.get_by_test_id('node-n1')).to_be_focused()

	def test_overview_leads_to_a_place(self, page: Page) -> None:
		"""Near the nodes it shows what is seen of all; a click on a corner of it goes there."""
		page.keyboard.press('0')
		expect(page.locator('.node:not(.far)').first).to_be_visible()
		box = page.get_by_test_id('overview').bounding_box()
		assert box is not None
		page.mouse.click(box['x'] + box['width'] - 14, box['y'] + box['height'] - 24)

		expect(page.get_by_test_id('node-n199')).to_be_in_viewport()
		page.get_by_role('button', name='Show the whole graph').click()
		expect(page.get_by_test_id('far-picture')).to_be_visible()
