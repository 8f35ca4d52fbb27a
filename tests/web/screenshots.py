"""The pictures of the editor in the READMEs, made anew: `python -m tests.web.screenshots [FOLDER]`, by default `web/screenshots`.

A real server runs the demo model in folders of its own, and a headless Chromium looks at the editor that `web/dist` holds.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from engine.settings import PROJECT
from tests.serving import serving
from tests.web.chromium import FLAGS, find_chromium
from tests.web.tour import choose, press, shipped

VIEW = ViewportSize(width=1600, height=1000)
PATIENCE_MS = 120_000
PROMPTS = (
	'a large purple heart on a yellow background',
	'a small green circle on the left and a small orange triangle on the right on a white background',
	'a large blue star on a white background',
)
PAINTED = 'a small red circle on the left and a small purple heart on the right on a white background'


def main(folder: Path) -> None:
	"""Make both pictures."""
	folder.mkdir(parents=True, exist_ok=True)
	with tempfile.TemporaryDirectory() as base, serving(Path(base)) as server, sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
		page = browser.new_page(viewport=VIEW)
		page.goto(server.url)
		page.get_by_test_id('editor-ready').wait_for(state='attached')
		choose(page, 'light')
		_text_to_image(page)
		_save(page, folder / 'editor-light.webp')
		choose(page, 'dark')
		_inpaint(page)
		_save(page, folder / 'editor-dark.webp')
		browser.close()


def _text_to_image(page: Page) -> None:
	"""Three prompts, one after the other: the last one's picture is in its node, all of them are in the gallery."""
	for count, prompt in enumerate(PROMPTS, 1):
		page.get_by_test_id('widget-positive-text').fill(prompt)
		_run(page, count)
	page.evaluate("window.lumengraph.select(['sample'])")
	press(page, 'f')


def _inpaint(page: Page) -> None:
	"""A larger graph after its second run, beside the history; why the sampler ran again is told."""
	shipped(page, 'inpaint')
	_run(page, len(PROMPTS) + 1)
	page.get_by_test_id('widget-positive-text').fill(PAINTED)
	page.get_by_test_id('widget-sample-cfg').fill('5')
	_run(page, len(PROMPTS) + 2)
	page.get_by_test_id('panel-history').click()
	expect(page.get_by_test_id('history').locator('.past')).to_have_count(len(PROMPTS) + 2)
	press(page, 'Control+f')
	page.get_by_test_id('find-input').fill('Paint KSampler')
	page.keyboard.press('Enter')
	expect(page.get_by_test_id('node-sample')).to_be_in_viewport(ratio=1)
	page.wait_for_timeout(800)  # The canvas glides there.
	press(page, '-')
	page.wait_for_timeout(400)
	status = page.get_by_test_id('status-sample')
	page.wait_for_function("() => document.querySelector('[data-testid=status-sample]').dataset.tip?.includes('→')")
	status.hover()
	expect(page.locator('.tooltip')).to_be_visible()


def _run(page: Page, count: int) -> None:
	"""Queue, and wait for the picture."""
	page.get_by_test_id('queue-button').click()
	expect(page.get_by_test_id('results').locator('.thumb')).to_have_count(count, timeout=PATIENCE_MS)
	expect(page.get_by_test_id('status-save')).to_have_attribute('data-state', 'done', timeout=PATIENCE_MS)


def _save(page: Page, path: Path) -> None:
	page.wait_for_load_state('networkidle')
	page.wait_for_timeout(600)  # What fades and moves comes to rest.
	with Image.open(io.BytesIO(page.screenshot())) as picture:
		picture.convert('RGB').save(path, lossless=True, method=6)
	print(f'{path}: {path.stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
	main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / 'web' / 'screenshots')
