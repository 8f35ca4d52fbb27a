"""Opening what others made: files dropped anywhere, what is missing, templates."""

from __future__ import annotations

import base64
import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.settings import PROJECT
from tests.serving import serving
from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
LOST: dict[str, Any] = {
	'lumengraph': 2,
	'title': 'Lost',
	'requires': {
		'models': {'nowhere.safetensors': {'folder': 'checkpoints', 'url': 'http://127.0.0.1:9/nowhere.safetensors'}}
	},
	'nodes': {
		'model': {'kind': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'nowhere.safetensors'}},
		'text': {
			'kind': 'CLIPTextEncodeFancy',
			'pack': 'fancy-pack',
			'inputs': {'text': 'a red square', 'clip': {'node': 'model', 'output': 'CLIP'}, 'strength': 3},
		},
		'again': {
			'kind': 'CLIPTextEncodeFancy',
			'pack': 'fancy-pack',
			'inputs': {'text': 'nothing', 'clip': {'node': 'model', 'output': 'CLIP'}},
		},
		'latent': {'kind': 'EmptyLatentImage', 'inputs': {'width': 64, 'height': 64, 'batch_size': 1}},
		'sample': {
			'kind': 'KSampler',
			'inputs': {
				'model': {'node': 'model', 'output': 'MODEL'},
				'positive': {'node': 'text', 'output': 'COND'},
				'negative': {'node': 'again', 'output': 'COND'},
				'latent_image': {'node': 'latent', 'output': 'LATENT'},
				'seed': 1, 'steps': 2, 'cfg': 2, 'sampler_name': 'euler', 'scheduler': 'normal', 'denoise': 1,
			},
		},
	},
}  # fmt: skip


def drop(page: Page, selector: str, name: str, content: bytes, kind: str) -> None:
	"""Drop a file on an element, as the browser would."""
	page.evaluate(
		"""([selector, name, content, kind]) => {
			const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
			const data = new DataTransfer();
			data.items.add(new File([bytes], name, { type: kind }));
			const target = document.querySelector(selector);
			for (const type of ['dragover', 'drop']) {
				target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
			}
		}""",
		[selector, name, base64.b64encode(content).decode(), kind],
	)


def open_lost(page: Page) -> None:
	"""Open the workflow of which much is missing."""
	drop(page, '.toolbar', 'lost.json', json.dumps(LOST).encode(), 'application/json')
	expect(page.get_by_test_id('notice-missing')).to_be_visible()


class TestDropping:
	"""Files, anywhere on the page."""

	@pytest.mark.parametrize('place', ['.toolbar', '.dock', '.react-flow__pane'])
	def test_workflow(self, editor: Editor, place: str) -> None:
		"""It opens in a tab of its own, once."""
		document = {'lumengraph': 2, 'title': 'Dropped', 'nodes': {'a': {'kind': 'EmptyImage', 'inputs': {}}}}
		drop(editor.page, place, 'a.json', json.dumps(document).encode(), 'application/json')

		expect(editor.page.get_by_test_id('node-a')).to_be_visible()
		expect(editor.page.locator('.tabs [role=tab]')).to_have_count(2)

	def test_api_form(self, editor: Editor) -> None:
		"""ComfyUI's API form opens too."""
		prompt = {'7': {'class_type': 'EmptyImage', 'inputs': {'width': 32}}}
		drop(editor.page, '.toolbar', 'a.json', json.dumps(prompt).encode(), 'application/json')

		expect(editor.page.get_by_test_id('widget-7-width')).to_have_value('32')

	def test_picture(self, editor: Editor) -> None:
		"""The workflow that a picture carries."""
		content = (PROJECT / 'workflows' / 'controlnet.png').read_bytes()
		drop(editor.page, '.toolbar', 'controlnet.png', content, 'image/png')

		expect(editor.page.locator('[data-kind^=ControlNetApply]')).to_be_visible()

	def test_what_is_no_workflow(self, editor: Editor) -> None:
		"""Said in words; what is open stays."""
		drop(editor.page, '.toolbar', 'a.json', b'[]', 'application/json')

		expect(editor.page.get_by_test_id('toast')).to_contain_text('not a workflow')
		expect(editor.page.get_by_test_id('node-sample')).to_be_visible()


class TestMissing:
	"""Kinds and models that are not here."""

	def test_shipped_workflows_ask_for_what_is_shipped(self, editor: Editor) -> None:
		"""The demo model is the one that they were made with, so the first thing that anybody opens lacks nothing."""
		document = json.loads((PROJECT / 'workflows' / 'text_to_image.json').read_text())
		answer = editor.page.request.post(f'{editor.server.url}/v1/check', data=document).json()

		assert answer['models'] == []

	def test_kinds_are_replaced_as_one_edit(self, editor: Editor) -> None:
		"""Placeholders keep their values; the likeliest kind is offered, takes values and links, and undo takes it back."""
		page = editor.page
		open_lost(page)
		expect(page.get_by_test_id('node-text')).to_have_attribute('data-unknown', 'true')
		expect(page.get_by_test_id('widget-text-text')).to_have_value('a red square')
		page.get_by_test_id('missing-look').click()
		row = page.get_by_test_id('missing-kind-CLIPTextEncodeFancy')
		expect(row).to_contain_text('2 nodes')
		expect(row).to_contain_text('fancy-pack')
		expect(row.get_by_role('combobox')).to_have_value('CLIPTextEncode')
		page.get_by_test_id('replace-kind-CLIPTextEncodeFancy').click()
		expect(row).to_have_count(0)
		page.keyboard.press('Escape')

		for node in ('text', 'again'):
			expect(page.get_by_test_id(f'node-{node}')).to_have_attribute('data-kind', 'CLIPTextEncode')
		expect(page.get_by_test_id('widget-text-text')).to_have_value('a red square')
		expect(page.get_by_test_id('error-sample')).to_have_count(0)
		page.keyboard.press('Control+z')
		for node in ('text', 'again'):
			expect(page.get_by_test_id(f'node-{node}')).to_have_attribute('data-kind', 'CLIPTextEncodeFancy')
		assert editor.complaints == []

	def test_several_kinds_are_replaced_by_one_step(self, editor: Editor) -> None:
		"""All nodes of all missing kinds at once, their values kept; one undo takes all of it back."""
		page = editor.page
		nodes = {**LOST['nodes'], 'latent': {'kind': 'EmptyLatentImageOfOld', 'inputs': {'width': 72, 'height': 64}}}
		document = json.dumps({**LOST, 'title': 'Lost twice', 'requires': {}, 'nodes': nodes})
		drop(page, '.toolbar', 'lost.json', document.encode(), 'application/json')
		page.get_by_test_id('missing-look').click()
		missing = page.get_by_test_id('missing')
		expect(missing.locator('[data-testid^=missing-kind-]')).to_have_count(2)
		page.get_by_test_id('replace-all-kinds').click()
		expect(missing.locator('[data-testid^=missing-kind-]')).to_have_count(0)
		page.keyboard.press('Escape')
		replaced = {'text': 'CLIPTextEncode', 'again': 'CLIPTextEncode', 'latent': 'EmptyLatentImage'}
		for node, kind in replaced.items():
			expect(page.get_by_test_id(f'node-{node}')).to_have_attribute('data-kind', kind)
		expect(page.get_by_test_id('widget-latent-width')).to_have_value('72')
		expect(page.get_by_test_id('widget-again-text')).to_have_value('nothing')
		page.keyboard.press('Control+z')
		for node in replaced:
			expect(page.get_by_test_id(f'node-{node}')).to_have_attribute('data-unknown', 'true')
		assert editor.complaints == []

	def test_models_are_listed_and_replaced(self, editor: Editor) -> None:
		"""With the folder they belong in and where they are found; a file that is here takes their place."""
		page = editor.page
		open_lost(page)
		page.get_by_test_id('missing-look').click()
		row = page.get_by_test_id('missing-model-nowhere.safetensors')
		expect(row).to_contain_text('checkpoints')
		here = row.get_by_role('combobox').input_value()
		page.get_by_test_id('replace-model-nowhere.safetensors').click()
		page.keyboard.press('Escape')
		expect(page.get_by_test_id('widget-model-ckpt_name')).to_have_value(here)

	def test_model_is_fetched_with_one_click(self, browser: Browser, tmp_path: Path) -> None:
		"""From a host that the server was told, into its folder; then nothing of it is missing."""
		(tmp_path / 'hub').mkdir()
		shipped = PROJECT / 'nodes' / 'demo' / 'models' / 'checkpoints' / 'lumen-demo.safetensors'
		(tmp_path / 'hub' / 'nowhere.safetensors').write_bytes(shipped.read_bytes())
		handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path / 'hub'))
		with (
			ThreadingHTTPServer(('127.0.0.1', 0), handler) as hub,
			serving(tmp_path, '--model-hosts', '127.0.0.1') as server,
		):
			threading.Thread(target=hub.serve_forever, daemon=True).start()
			url = f'http://127.0.0.1:{hub.server_port}/nowhere.safetensors'
			needs = {'models': {'nowhere.safetensors': {'folder': 'checkpoints', 'url': url}}}
			page = browser.new_page()
			page.goto(server.url)
			page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
			drop(page, '.toolbar', 'a.json', json.dumps({**LOST, 'requires': needs}).encode(), 'application/json')
			page.get_by_test_id('missing-look').click()
			page.get_by_test_id('download-nowhere.safetensors').click()
			expect(page.get_by_test_id('missing-model-nowhere.safetensors')).to_have_count(0, timeout=30_000)
			page.close()
			hub.shutdown()

		assert (tmp_path / 'models' / 'checkpoints' / 'nowhere.safetensors').read_bytes() == shipped.read_bytes()

	def test_notice_goes_when_nothing_is_missing(self, editor: Editor) -> None:
		"""And does not come back for what was dismissed."""
		page = editor.page
		open_lost(page)
		page.get_by_test_id('notice-missing').get_by_role('button', name='Dismiss').click()
		page.get_by_test_id('widget-sample-steps').fill('3')
		page.get_by_test_id('widget-sample-steps').blur()
		expect(page.get_by_test_id('notice-missing')).to_have_count(0)


class TestTemplates:
	"""Workflows to begin with."""

	def test_gallery(self, editor: Editor) -> None:
		"""Those of the program, with pictures and descriptions, found by words, opened in a new tab."""
		page = editor.page
		page.get_by_test_id('panel-templates').click()
		card = page.get_by_test_id('template-controlnet')
		card.scroll_into_view_if_needed()
		page.wait_for_function("() => document.querySelector('[data-testid=template-controlnet] img').naturalWidth > 0")
		page.get_by_test_id('template-search').fill('upscale')
		expect(card).to_have_count(0)
		page.get_by_test_id('template-search').fill('controlnet')
		card.click()
		expect(page.locator('[data-kind^=ControlNetApply]')).to_be_visible()
		expect(page.locator('.tabs [role=tab]')).to_have_count(2)
		assert editor.complaints == []

	def test_those_of_plugins(self, browser: Browser, tmp_path: Path) -> None:
		"""What packs of custom nodes bring is beside them, in any form."""
		examples = tmp_path / 'custom_nodes' / 'fancy' / 'example_workflows'
		examples.mkdir(parents=True)
		(tmp_path / 'custom_nodes' / 'fancy' / '__init__.py').write_text('NODE_CLASS_MAPPINGS = {}\n')
		nodes = [{'id': 4, 'type': 'EmptyImage', 'pos': [0, 0], 'widgets_values': [32, 48, 1, 0]}]
		(examples / 'Plain.json').write_text(json.dumps({'nodes': nodes, 'links': [], 'version': 0.4}))
		(examples / 'Plain.jpg').write_bytes((PROJECT / 'workflows' / 'lora.png').read_bytes())
		with serving(tmp_path) as server:
			page = browser.new_page()
			page.goto(server.url)
			page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
			page.get_by_test_id('panel-templates').click()
			page.get_by_test_id('template-fancy-Plain').click()
			expect(page.get_by_test_id('widget-4-height')).to_have_value('48')
			page.close()
