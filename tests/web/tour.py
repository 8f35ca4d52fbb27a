"""A walk through every view of the editor, each with something in it, for who wants to look at them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from engine.settings import PROJECT
from tests.serving import Server
from tests.web.test_building import head
from tests.web.test_opening import LOST
from tests.web.test_panels import ODD
from tests.web.test_persistence import put_steps, save_as

PATIENCE_MS = 120_000
PANELS = ('nodes', 'outline', 'templates', 'models', 'history', 'versions', 'plugins', 'logs', 'settings')
EXTENSION = """export function activate(lumengraph) {
	lumengraph.registerPanel({ id: 'about', title: 'About odd', icon: 'info', render: (place) => { place.textContent = 'Odd.'; } });
}"""


def furnish(base: Path) -> None:
	"""Put packs (one extends the editor, one is broken), a torn model and a picture into a server's folders."""
	packs, loras, pictures = base / 'custom_nodes', base / 'models' / 'loras', base / 'input'
	for folder in (packs / 'odd' / 'web', loras, pictures):
		folder.mkdir(parents=True, exist_ok=True)
	(packs / 'odd' / '__init__.py').write_text(f"{ODD}\nWEB_DIRECTORY = './web'\n")
	(packs / 'odd' / 'web' / 'lumengraph.json').write_text('{"api": 1, "module": "main.js"}')
	(packs / 'odd' / 'web' / 'main.js').write_text(EXTENSION)
	(packs / 'bad.py').write_text("raise RuntimeError('no such luck')\n")
	(loras / 'torn.safetensors').write_bytes(b'\xff' * 40)
	Image.new('RGB', (128, 96), (200, 90, 40)).save(pictures / 'rust.png')


def choose(page: Page, theme: str, language: str = 'en') -> None:
	"""Colours and words, by the settings."""
	page.get_by_test_id('panel-settings').click()
	page.get_by_test_id('setting-theme').select_option(theme)
	page.get_by_test_id('setting-language').select_option(language)
	page.get_by_test_id('panel-settings').click()


def show(page: Page, title: str, nodes: dict[str, Any], **more: Any) -> None:
	"""Open a workflow of these nodes, in a tab."""
	places = {name: {'x': 420 * index, 'y': 0} for index, name in enumerate(nodes)}
	document = {'lumengraph': 2, 'title': title, 'layout': {'nodes': places}, 'nodes': nodes, **more}
	content = json.dumps(document).encode()
	page.get_by_test_id('workflow-file').set_input_files(
		[FilePayload(name='workflow.json', mimeType='application/json', buffer=content)]
	)
	expect(page.get_by_test_id('workflow-title')).to_have_value(title)


def shipped(page: Page, name: str) -> None:
	"""Open one of the workflows that come with the program."""
	content = (PROJECT / 'workflows' / f'{name}.json').read_bytes()
	page.get_by_test_id('workflow-file').set_input_files(
		[FilePayload(name=f'{name}.json', mimeType='application/json', buffer=content)]
	)
	expect(page.get_by_test_id('workflow-title')).to_have_value(json.loads(content)['title'])


def press(page: Page, keys: str) -> None:
	"""Press keys on the canvas."""
	page.locator('.canvas').focus()
	page.keyboard.press(keys)


def shut(page: Page) -> None:
	"""Close the dialog that is open."""
	page.keyboard.press('Escape')
	expect(page.get_by_role('dialog')).to_have_count(0)


def tour(page: Page, server: Server) -> Iterator[str]:
	"""Go from view to view; each is on the page when its name comes. The server has what `furnish` gives."""
	yield from _running(page)
	yield from _panels(page)
	yield from _dialogs(page)
	yield from _building(page)
	yield from _pictures(page)
	yield from _forms(page)
	yield from _saving(page, server)
	yield from _missing(page)


def _running(page: Page) -> Iterator[str]:
	yield 'first'
	for name in ('width', 'height'):
		page.get_by_test_id(f'widget-latent-{name}').fill('128')
	page.get_by_test_id('queue-button').click()
	page.get_by_test_id('image-save').wait_for(timeout=PATIENCE_MS)
	expect(page.get_by_test_id('run-news')).not_to_be_empty()
	page.get_by_test_id('widget-sample-cfg').fill('5')
	page.get_by_test_id('queue-button').click()
	expect(page.get_by_test_id('results').locator('.thumb')).to_have_count(2, timeout=PATIENCE_MS)
	page.wait_for_function("() => document.querySelector('[data-testid=status-sample]').dataset.tip?.includes('→')")
	yield 'results'
	page.get_by_test_id('status-sample').hover()
	expect(page.locator('.tooltip')).to_be_visible()
	yield 'why'
	page.get_by_test_id('results').locator('.thumb button').first.click()
	page.get_by_test_id('viewer-info').click()
	page.get_by_test_id('picture-info').get_by_text('torch').wait_for()
	yield 'viewer'
	page.keyboard.press('c')
	page.get_by_test_id('compared-image').wait_for()
	yield 'viewer-compare'
	shut(page)
	page.get_by_test_id('results').locator('.thumb button').first.click(modifiers=['Control'])
	page.get_by_test_id('results').locator('.thumb button').last.click(modifiers=['Shift'])
	page.get_by_test_id('delete-selected').click()
	page.get_by_test_id('confirm-delete').hover()
	yield 'gallery-delete'
	page.keyboard.press('Escape')
	page.keyboard.press('Escape')
	page.get_by_test_id('queue-tab').click()
	yield 'queue-empty'
	page.get_by_test_id('queue-pause').click()
	page.get_by_test_id('queue-button').click()
	page.get_by_test_id('queue-button').click()
	expect(page.get_by_test_id('queue-list').locator('[draggable=true]')).to_have_count(2)
	yield 'queue-paused'
	while page.get_by_test_id('queue-list').locator('[draggable=true]').count():
		page.get_by_test_id('queue-list').locator('[draggable=true] .tool').last.click()
		page.wait_for_timeout(200)
	page.get_by_test_id('queue-pause').click()
	show(page, 'Failing', {'one': {'kind': 'Odd', 'inputs': {'words': 'fail'}}})
	page.get_by_test_id('queue-button').click()
	expect(page.get_by_test_id('error-one')).to_be_visible(timeout=PATIENCE_MS)
	page.get_by_test_id('queue-list').locator('[data-failed]').first.wait_for()
	yield 'failed'
	press(page, 'Alt+j')
	page.get_by_test_id('job-failure').wait_for()
	yield 'job-failed'
	shut(page)
	page.get_by_test_id('results-tab').click()
	press(page, 'Alt+w')


def _panels(page: Page) -> Iterator[str]:
	for panel in PANELS:
		page.get_by_test_id(f'panel-{panel}').click()
		expect(page.get_by_test_id(f'open-panel-{panel}')).to_be_visible()
		page.wait_for_load_state('networkidle')
		yield f'panel-{panel}'
		if panel == 'models':
			page.get_by_test_id('models-memory').click()
			page.get_by_test_id('models-in-memory').wait_for()
			yield 'models-memory'
		if panel == 'history':
			page.locator('[data-testid^="compare-"]').first.click()
			page.get_by_test_id('difference').wait_for()
			yield 'history-compare'
			shut(page)
		page.get_by_test_id(f'panel-{panel}').click()


def _dialogs(page: Page) -> Iterator[str]:
	for name, keys in (('search', '/'), ('keys', '?'), ('commands', 'Control+k'), ('find', 'Control+f')):
		press(page, keys)
		expect(page.get_by_role('dialog')).to_be_visible()
		yield name
		shut(page)
	page.evaluate("window.lumengraph.select(['model'])")
	press(page, 'l')
	expect(page.get_by_role('dialog')).to_be_visible()
	yield 'link'
	shut(page)
	page.mouse.move(900, 500)
	for _ in range(8):
		page.mouse.wheel(0, 300)
	expect(page.locator('.node.far').first).to_be_attached()
	yield 'afar'
	press(page, 'f')
	press(page, 'Alt+j')
	page.get_by_test_id('job-details').wait_for()
	yield 'job'
	page.get_by_test_id('job-record').locator('summary').click()
	yield 'job-record'
	shut(page)
	for name, target in (('node', head(page, 'sample')), ('canvas', page.locator('.react-flow__pane'))):
		target.click(button='right', position={'x': 20, 'y': 12})
		expect(page.get_by_role('menu')).to_be_visible()
		yield f'menu-{name}'
		page.keyboard.press('Escape')
	page.get_by_test_id('workflow-menu').click()
	yield 'menu-workflows'
	page.keyboard.press('Escape')


def _building(page: Page) -> Iterator[str]:
	press(page, 'Alt+n')
	yield 'empty'
	page.get_by_test_id('panel-outline').click()
	expect(page.get_by_test_id('open-panel-outline')).to_be_visible()
	yield 'outline-empty'
	page.get_by_test_id('panel-outline').click()
	press(page, 'Shift+r')
	page.get_by_test_id('form-run').wait_for()
	yield 'form-empty'
	shut(page)
	shipped(page, 'inpaint')
	page.get_by_test_id('node-sample').wait_for()
	page.evaluate("window.lumengraph.select(['positive', 'negative', 'sample'])")
	press(page, 'Control+Shift+g')
	expect(page.locator('[data-kind^="subgraph"]')).to_be_visible()
	press(page, 'f')
	yield 'subgraph-made'
	press(page, 'Alt+ArrowDown')
	expect(page.get_by_test_id('subgraph-inputs')).to_be_visible()
	press(page, 'f')
	yield 'subgraph'
	page.get_by_test_id('widget-sample-steps').fill('0')
	press(page, 'Control+Enter')
	expect(page.get_by_test_id('error-sample')).to_be_visible()
	yield 'problems'
	press(page, 'Alt+ArrowUp')
	nodes = {
		'picture': {'kind': 'EmptyImage', 'inputs': {'width': 64, 'height': 64, 'batch_size': 1, 'color': 255}},
		'levels': {'kind': 'CurveSigmas', 'inputs': {}},
	}
	words = '## A note\n\nWith **bold**, `code`, a [link](https://example.org) and\n\n- one\n- two\n\n> quoted'
	looks = {
		'nodes': {'picture': {'x': 0, 'y': 0}, 'levels': {'x': 420, 'y': 0}},
		'groups': {'g': {'title': 'A frame', 'x': -40, 'y': -80, 'width': 420, 'height': 420, 'color': '#a1612b'}},
		'notes': {'n': {'text': words, 'x': 0, 'y': 380, 'width': 320, 'height': 260}},
	}
	show(page, 'Frames and notes', nodes, layout=looks)
	press(page, 'f')
	yield 'frames-notes'


def _pictures(page: Page) -> Iterator[str]:
	show(page, 'Masked', {'load': {'kind': 'LoadImage', 'inputs': {'image': 'rust.png'}}})
	page.get_by_test_id('widget-load-image-mask').click()
	page.get_by_test_id('mask-stage').wait_for()
	box = page.locator('.mask-sheet').bounding_box()
	assert box is not None
	page.mouse.move(box['x'] + box['width'] / 4, box['y'] + box['height'] / 3)
	page.mouse.down()
	page.mouse.move(box['x'] + box['width'] / 2, box['y'] + box['height'] / 2, steps=6)
	page.mouse.up()
	yield 'mask'
	page.keyboard.press('Escape')
	page.get_by_test_id('mask-discard').wait_for()
	yield 'mask-discard'
	page.get_by_test_id('mask-discard').click()
	expect(page.get_by_role('dialog')).to_have_count(0)


def _forms(page: Page) -> Iterator[str]:
	nodes = {
		'empty': {'kind': 'EmptyImage', 'inputs': {'width': 64, 'height': 48, 'batch_size': 1, 'color': 16746564}},
		'save': {
			'kind': 'SaveImage',
			'inputs': {'images': {'node': 'empty', 'output': 'IMAGE'}, 'filename_prefix': 'swept'},
		},
	}
	named = {
		'colour': {'node': 'empty', 'input': 'color', 'description': 'of the whole picture'},
		'width': {'node': 'empty', 'input': 'width'},
		'name': {'node': 'save', 'input': 'filename_prefix'},
	}
	show(page, 'Swept', nodes, inputs=named)
	press(page, 'Shift+r')
	page.get_by_test_id('several-width').check()
	page.get_by_test_id('form-run').hover()
	yield 'form'
	page.get_by_test_id('sweep-width').fill('32, odd')
	yield 'form-wrong'
	page.get_by_test_id('sweep-width').fill('32..64/2')
	page.get_by_test_id('several-colour').check()
	page.get_by_test_id('sweep-colour').fill('255, 65280')
	page.get_by_test_id('form-run').click()
	expect(page.get_by_test_id('result-grid').locator('td img')).to_have_count(4, timeout=PATIENCE_MS)
	page.get_by_test_id('result-grid').scroll_into_view_if_needed()
	yield 'form-grid'
	shut(page)


def _saving(page: Page, server: Server) -> Iterator[str]:
	shipped(page, 'text_to_image')
	press(page, 'Control+Alt+s')
	page.get_by_test_id('save-name').fill('toured')
	yield 'save'
	shut(page)
	save_as(page, 'toured')
	page.get_by_test_id('widget-sample-steps').fill('9')
	page.get_by_test_id('widget-sample-steps').blur()
	press(page, 'Control+s')
	expect(page.locator('[aria-selected=true] .changed')).to_have_count(0)
	page.get_by_test_id('panel-versions').click()
	page.wait_for_load_state('networkidle')
	yield 'versions'
	page.get_by_test_id('panel-versions').click()
	put_steps(server, 'toured', 17)
	page.get_by_test_id('widget-sample-steps').fill('12')
	page.get_by_test_id('widget-sample-steps').blur()
	press(page, 'Control+s')
	expect(page.get_by_test_id('conflict')).to_be_visible()
	page.get_by_test_id('conflict-compare').click()
	yield 'conflict'
	page.get_by_test_id('conflict-overwrite').click()
	expect(page.get_by_test_id('conflict')).to_have_count(0)


def _missing(page: Page) -> Iterator[str]:
	nodes = {**LOST['nodes'], 'latent': {'kind': 'EmptyLatentImageOfOld', 'inputs': {'width': 72, 'height': 64}}}
	show(page, 'Lost', nodes, requires=LOST['requires'])
	expect(page.get_by_test_id('notice-missing')).to_be_visible()
	press(page, 'f')
	yield 'missing-nodes'
	page.get_by_test_id('missing-look').click()
	page.get_by_test_id('missing').wait_for()
	yield 'missing'
	shut(page)
