"""The editor for everyone: by keys alone, read out, by touch, with large letters, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from engine.settings import PROJECT
from tests.serving import Server, serving
from tests.web.conftest import Editor
from tests.web.test_building import head, layout, middle, socket
from tests.web.tour import choose, furnish, show, tour

pytestmark = pytest.mark.browser
# Base UI marks the ends of what keeps the focus with spans that take it and pass it on; a reader never stays on one.
AXE = """async () => {
	const options = {resultTypes: ['violations'], iframes: false};
	const found = await axe.run({exclude: ['[data-base-ui-focus-guard]']}, options);
	return found.violations
		.filter(({impact}) => impact === 'serious' || impact === 'critical')
		.map(({id, nodes}) => id + ': ' + nodes.slice(0, 3).map(({html}) => html.slice(0, 160)).join(' | '));
}"""
STILL = """async () => {
	const ending = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity);
	await Promise.allSettled(ending.map((one) => one.finished));
}"""
WHOLE = """async () => {
	const zoom = () => new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform).a;
	while (zoom() < 0.999) {
		await new Promise(requestAnimationFrame);
	}
}"""
ACTIVE = """() => {
	const at = document.activeElement;
	return at.dataset.testid ?? (at.dataset.handleid ? `${at.dataset.nodeid} ${at.dataset.handleid}` : at.className);
}"""
SMALL = """() => [...document.querySelectorAll('button, [role=tab], .react-flow__handle')].flatMap((one) => {
	const box = one.getBoundingClientRect();
	const around = one.matches('.react-flow__handle') ? 16 : 0;
	const small = Math.round(box.width + around) < 24 || Math.round(box.height + around) < 24;
	return box.width > 0 && small ? [one.outerHTML.slice(0, 120)] : [];
})"""


class Touch(TypedDict):
	"""Where a finger is."""

	x: float
	y: float


@cache
def axe() -> str:
	"""The program that checks a page."""
	return (PROJECT / 'web' / 'node_modules' / 'axe-core' / 'axe.min.js').read_text()


def findings(page: Page) -> list[str]:
	"""What a check of the page finds that is serious."""
	# Only the checker is put in; it asks nobody, so the page's rules about scripts stay as they are.
	if not page.evaluate("typeof axe !== 'undefined'"):
		page.evaluate(axe())
	# Colours fade in: what is half there has half the contrast.
	page.evaluate(STILL)
	found: list[str] = page.evaluate(AXE)
	return found


@pytest.fixture
def furnished(tmp_path: Path) -> Iterator[Server]:
	"""A server with something to see in every view."""
	furnish(tmp_path)
	with serving(tmp_path) as server:
		yield server


class TestChecked:
	"""axe-core finds nothing serious."""

	@pytest.mark.parametrize('theme', ['light', 'dark'])
	def test_every_view(self, browser: Browser, furnished: Server, theme: str) -> None:
		"""All that there is to see, each with something in it."""
		page = browser.new_page(viewport={'width': 1600, 'height': 900})
		page.goto(furnished.url)
		page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
		choose(page, theme)
		found = {view: findings(page) for view in tour(page, furnished)}
		page.close()

		assert {view: wrong for view, wrong in found.items() if wrong} == {}


class TestKeys:
	"""Everything without a mouse."""

	def test_nodes_by_tab_and_arrows(self, editor: Editor) -> None:
		"""Tab enters the canvas, arrows go by where nodes stand, Enter goes in, Escape comes back, Tab goes out."""
		page = editor.page
		page.keyboard.press('Alt+g')
		walk: list[str] = []
		for key in ('Tab', 'ArrowRight', 'ArrowRight', 'Enter', 'Tab', 'Escape', 'ArrowRight', 'ArrowLeft'):
			page.keyboard.press(key)
			walk.append(page.evaluate(ACTIVE))

		assert walk[0].startswith(('node-', 'note-'))
		assert walk[2].startswith('node-')
		assert ' ' in walk[3]
		assert ' ' in walk[4]
		assert walk[5] == walk[2]
		assert walk[7] == walk[5]

		for _ in range(20):
			page.keyboard.press('Tab')
			if page.evaluate("document.activeElement.closest('.react-flow__controls') !== null"):
				break
		else:
			pytest.fail('Tab never left the canvas')

	def test_arrows_move_only_with_shift(self, editor: Editor) -> None:
		"""Where keys brought the focus, an arrow alone goes on to the next node."""
		page = editor.page
		page.keyboard.press('Alt+g')
		page.keyboard.press('Tab')
		before = layout(page, 'nodes'), layout(page, 'notes')
		page.keyboard.press('ArrowRight')
		page.keyboard.press('ArrowRight')

		assert (layout(page, 'nodes'), layout(page, 'notes')) == before
		page.keyboard.press('Shift+ArrowDown')
		assert (layout(page, 'nodes'), layout(page, 'notes')) != before

	def test_a_link_is_made_and_cut(self, editor: Editor) -> None:
		"""L at a socket lists what it fits, best first; Delete at the input takes the link away."""
		page = editor.page
		page.evaluate("window.lumengraph.add('VAEDecode')")
		new = socket(page, 'vae_decode', 'in:samples')
		new.focus()
		page.keyboard.press('l')
		expect(page.get_by_test_id('link-input')).to_be_focused()
		first = page.get_by_role('dialog').get_by_role('option').first
		expect(first).to_contain_text('LATENT')
		page.keyboard.type('KSampler')
		page.keyboard.press('Enter')
		expect(new).to_have_attribute('data-filled', 'true')
		expect(new).to_be_focused()
		page.keyboard.press('Delete')
		expect(new).not_to_have_attribute('data-filled', 'true')

	def test_all_commands_are_listed(self, editor: Editor) -> None:
		"""Under ?, each with its key."""
		page = editor.page
		page.keyboard.press('?')
		commands = page.evaluate('window.lumengraph.commands()')
		expect(page.get_by_test_id('shortcut-undo')).to_be_visible()

		assert all(page.get_by_test_id(f'shortcut-{command}').count() == 1 for command in commands)
		expect(page.get_by_text('No key', exact=True)).to_have_count(0)

	def test_nodes_are_named(self, editor: Editor) -> None:
		"""As groups, by title, kind and state."""
		group = editor.page.get_by_role('group', name='Prompt, CLIPTextEncode', exact=True)
		expect(group).to_be_visible()
		editor.page.evaluate("window.lumengraph.select(['positive']) ?? window.lumengraph.run('mute')")

		expect(editor.page.get_by_role('group', name='Prompt, CLIPTextEncode, muted', exact=True)).to_be_visible()


class TestLarge:
	"""At 200 % of a window of 1600 by 900, which is one of 800 by 450."""

	def test_nothing_is_lost(self, editor: Editor) -> None:
		"""The toolbar does not run over; what left it is in a menu; no view has anything serious."""
		page = editor.page
		page.set_viewport_size({'width': 800, 'height': 450})
		page.reload()
		page.get_by_test_id('editor-ready').wait_for(state='attached')
		inside = "() => [...document.querySelectorAll('.toolbar > *')].every((one) => one.getBoundingClientRect().right <= innerWidth)"

		assert page.evaluate(inside)
		assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
		expect(page.get_by_test_id('queue-button')).to_be_visible()
		page.get_by_test_id('more-menu').click()
		expect(page.get_by_role('menuitem', name='Tidy layout')).to_be_visible()
		assert findings(page) == []

		page.keyboard.press('Escape')
		page.get_by_test_id('workflow-menu').click()
		expect(page.get_by_role('menuitem', name='Reload nodes and model lists')).to_be_in_viewport(ratio=1)
		page.keyboard.press('Escape')
		page.set_viewport_size({'width': 400, 'height': 700})
		assert page.evaluate(inside)

	def test_on_a_phone(self, browser: Browser, editor_server: Server) -> None:
		"""Panels stand below the toolbar, however many lines it takes; the viewer can be closed, and tells of the picture."""
		page = browser.new_page(viewport={'width': 400, 'height': 700})
		page.goto(editor_server.url)
		page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
		page.get_by_test_id('panel-history').click()
		page.get_by_role('button', name='Hide the panel').click()
		show(
			page,
			'On a phone',
			{
				'empty': {'kind': 'EmptyImage', 'inputs': {'width': 32, 'height': 32, 'batch_size': 1, 'color': 4711}},
				'seen': {'kind': 'PreviewImage', 'inputs': {'images': {'node': 'empty', 'output': 'IMAGE'}}},
			},
		)
		page.get_by_test_id('queue-button').click()
		page.get_by_role('button', name='Show results and queue').click()
		page.get_by_test_id('results').locator('.thumb button').first.click(timeout=120_000)
		page.get_by_test_id('viewer-info').click()
		expect(page.get_by_test_id('picture-info')).to_be_in_viewport(ratio=1)
		expect(page.get_by_test_id('viewer-stage')).to_be_in_viewport(ratio=1)
		assert findings(page) == []
		page.get_by_role('button', name='Close', exact=True).last.click()
		expect(page.get_by_test_id('viewer-stage')).to_have_count(0)
		page.close()


@dataclass
class Fingers:
	"""A page under fingers."""

	page: Page
	session: CDPSession

	def put(self, kind: str, *points: tuple[float, float]) -> None:
		"""`touchStart`, `touchMove` or `touchEnd`, with where the fingers are."""
		touches: list[Touch] = [{'x': x, 'y': y} for x, y in points]
		self.session.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': touches})

	def view(self) -> tuple[float, float, float]:
		"""How far the canvas is moved, and its zoom."""
		style = "new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform)"
		x, y, zoom = self.page.evaluate(f'(() => {{ const at = {style}; return [at.e, at.f, at.a]; }})()')
		return x, y, zoom


@pytest.fixture
def fingers(browser: Browser, editor_server: Server) -> Iterator[Fingers]:
	"""The editor on a tablet."""
	context = browser.new_context(viewport={'width': 1200, 'height': 800}, has_touch=True, is_mobile=True)
	page = context.new_page()
	page.goto(editor_server.url)
	page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
	expect(page.get_by_test_id('node-sample')).to_be_visible()
	yield Fingers(page, context.new_cdp_session(page))
	context.close()


class TestTouch:
	"""By fingers."""

	def test_pan_and_pinch(self, fingers: Fingers) -> None:
		"""One finger moves the canvas, two zoom it."""
		start = fingers.view()
		fingers.put('touchStart', (600, 700))
		for step in range(1, 6):
			fingers.put('touchMove', (600 + 20 * step, 700 - 10 * step))
		fingers.put('touchEnd')
		moved = fingers.view()
		fingers.put('touchStart', (500, 650), (600, 650))
		for step in range(1, 6):
			fingers.put('touchMove', (500 - 20 * step, 650), (600 + 20 * step, 650))
		fingers.put('touchEnd')

		assert moved[0] > start[0] + 50
		assert moved[1] < start[1] - 20
		assert fingers.view()[2] > moved[2] * 1.3

	def test_a_resting_finger_opens_the_menu(self, fingers: Fingers) -> None:
		"""On a node its own, on the canvas that of the canvas; it stays when the finger leaves."""
		page = fingers.page
		fingers.put('touchStart', middle(head(page, 'sample')))
		expect(page.get_by_role('menuitem', name='Bypass')).to_be_visible()
		fingers.put('touchEnd')
		expect(page.get_by_role('menuitem', name='Bypass')).to_be_visible()
		page.keyboard.press('Escape')
		fingers.put('touchStart', (600, 720))
		expect(page.get_by_role('menuitem', name='Add a note')).to_be_visible()
		fingers.put('touchEnd')

	def test_links_by_two_taps(self, fingers: Fingers) -> None:
		"""An output, then an input; what does not fit is told."""
		page = fingers.page
		page.evaluate("window.lumengraph.cut('sample', 'latent_image')")
		target = socket(page, 'sample', 'in:latent_image')
		expect(target).not_to_have_attribute('data-filled', 'true')
		page.touchscreen.tap(*middle(socket(page, 'latent', 'out:0')))
		expect(target).to_have_attribute('data-fit', 'yes')
		page.touchscreen.tap(*middle(target))
		expect(target).to_have_attribute('data-filled', 'true')
		page.touchscreen.tap(*middle(socket(page, 'model', 'out:1')))
		page.touchscreen.tap(*middle(target))

		expect(page.get_by_test_id('toast').filter(has_text='CLIP does not fit')).to_be_visible()

	def test_targets_are_as_large_as_a_finger(self, fingers: Fingers) -> None:
		"""At least 24 pixels each way at 100 %."""
		fingers.page.evaluate("window.lumengraph.run('zoomReset')")
		fingers.page.evaluate(WHOLE)

		assert fingers.page.evaluate(SMALL) == []
