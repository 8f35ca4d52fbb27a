"""The canvas itself in a real browser: it keeps its place whatever is told above it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.serving import serving

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
