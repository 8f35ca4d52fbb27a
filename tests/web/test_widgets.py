"""The widgets of the editor: what a person does to them, and what the node is then given."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Locator, Page, expect
from safetensors.numpy import save_file

from tests.serving import Server, serving

pytestmark = pytest.mark.browser
RUN_MILLISECONDS = 60_000

PACK = """
import json


class Dials:
	@classmethod
	def INPUT_TYPES(cls):
		curve = {'points': [[0.0, 0.0], [1.0, 1.0]], 'interpolation': 'monotone_cubic'}
		return {
			'required': {
				'strength': ('FLOAT', {'default': 0.5, 'min': 0.0, 'max': 1.0, 'step': 0.05, 'display': 'slider'}),
				'width': ('INT', {'default': 512, 'min': 0, 'max': 8192}),
				'tint': ('COLOR', {'default': '#336699'}),
				'shade': ('INT', {'default': 0, 'min': 0, 'max': 0xFFFFFF, 'display': 'color'}),
				'on': ('BOOLEAN', {'default': False, 'label_on': 'lit', 'label_off': 'dark'}),
				'shape': ('CURVE', {'default': curve}),
			},
		}

	RETURN_TYPES = ()
	OUTPUT_NODE = True
	FUNCTION = 'tell'
	CATEGORY = 'test'

	def tell(self, **given):
		return {'ui': {'text': [json.dumps(given)]}}


NODE_CLASS_MAPPINGS = {'Dials': Dials}
"""


@dataclass
class Desk:
	"""The editor in a window that several tests share, each with a workflow of its own."""

	page: Page
	server: Server
	base: Path
	complaints: list[str] = field(default_factory=list)
	opened: int = 0

	def note(self, message: ConsoleMessage) -> None:
		"""Keep what the browser complains about."""
		if message.type == 'error':
			self.complaints.append(message.text)

	def open(self, nodes: Mapping[str, Mapping[str, Any]], inputs: Mapping[str, Any] = MappingProxyType({})) -> None:
		"""Open a workflow of these nodes, side by side, with these named inputs."""
		places = {name: {'x': 420 * index, 'y': 0} for index, name in enumerate(nodes)}
		self.opened += 1
		title = f'Workflow {self.opened}'
		layout = {'nodes': places}
		document = {'lumengraph': 2, 'title': title, 'inputs': dict(inputs), 'nodes': nodes, 'layout': layout}
		content = json.dumps(document).encode()
		file = FilePayload(name='workflow.json', mimeType='application/json', buffer=content)
		self.page.get_by_test_id('workflow-file').set_input_files([file])
		expect(self.page).to_have_title(f'{title} · Lumengraph')
		self.page.get_by_test_id(f'node-{next(iter(nodes))}').wait_for()

	def at(self, test_id: str) -> Locator:
		"""What bears a test id."""
		return self.page.get_by_test_id(test_id)

	def told(self, node: str = 'dials') -> dict[str, Any]:
		"""Run the workflow; what the node `Dials` says that it was given."""
		self.at('queue-button').click()
		text = self.at(f'text-{node}')
		text.wait_for(timeout=RUN_MILLISECONDS)
		told: dict[str, Any] = json.loads(text.inner_text())
		return told

	def picture(self, node: str) -> Image.Image:
		"""Run the workflow; the picture that a node shows."""
		self.at('queue-button').click()
		image = self.at(f'image-{node}')
		image.wait_for(timeout=RUN_MILLISECONDS)
		with urllib.request.urlopen(self.server.url + (image.get_attribute('src') or '')) as answer:
			return Image.open(io.BytesIO(answer.read())).convert('RGB')


def filled(base: Path) -> None:
	"""Put a pack, pictures and small model files into the server's folders."""
	pack = base / 'custom_nodes' / 'dials'
	pack.mkdir(parents=True)
	(pack / '__init__.py').write_text(PACK)
	(base / 'input').mkdir()
	for name, colour in (('red.png', (200, 0, 0)), ('blue.png', (0, 0, 200))):
		Image.new('RGB', (64, 48), colour).save(base / 'input' / name)
	for folder, name in (('embeddings', 'dreamy'), ('embeddings', 'style-old'), ('loras', 'night')):
		(base / 'models' / folder).mkdir(parents=True, exist_ok=True)
		save_file({'clip_l': np.zeros((1, 32), np.float32)}, base / 'models' / folder / f'{name}.safetensors')


@pytest.fixture(scope='module')
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
	"""A server with those files, and its editor, ready."""
	base = tmp_path_factory.mktemp('widgets')
	filled(base)
	with serving(base) as server:
		context = browser.new_context(viewport={'width': 1600, 'height': 900})
		page = context.new_page()
		desk = Desk(page, server, base)
		page.on('console', desk.note)
		page.on('pageerror', lambda error: desk.complaints.append(str(error)))
		page.goto(server.url)
		page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=60_000)
		yield desk
		context.close()


class TestValues:
	"""Numbers, sliders, colours, switches and curves, as the node is given them."""

	def test_what_is_set_is_what_the_node_gets(self, desk: Desk) -> None:
		"""Arithmetic, slider keys, both forms of colours, a switch, and a curve with a point more."""
		desk.open({'dials': {'kind': 'Dials', 'inputs': {}}})
		width = desk.at('widget-dials-width')
		width.click()
		width.fill('=1024-64')
		expect(desk.at('node-dials').locator('.hint')).to_have_text('= 960')
		width.press('Enter')
		expect(width).to_have_value('960')
		thumb = desk.at('widget-dials-strength-slider').locator('input')
		thumb.focus()
		for key in ('ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowLeft'):
			thumb.press(key)
		expect(desk.at('widget-dials-strength')).to_have_value('0.6')
		desk.at('widget-dials-tint').fill('F80')
		desk.at('widget-dials-tint').blur()
		expect(desk.at('widget-dials-tint')).to_have_value('#ff8800')
		desk.at('widget-dials-shade-picker').fill('#00ff10')
		expect(desk.at('widget-dials-shade')).to_have_value('#00ff10')
		desk.at('widget-dials-on').click()
		expect(desk.at('node-dials').get_by_text('lit')).to_be_visible()
		curve = desk.at('widget-dials-shape')
		box = curve.bounding_box()
		assert box is not None
		desk.page.mouse.click(box['x'] + box['width'] / 2, box['y'] + box['height'] / 4)
		expect(desk.at('widget-dials-shape-2')).to_be_visible()
		told = desk.told()

		assert {name: told[name] for name in ('width', 'strength', 'tint', 'shade', 'on')} == {
			'width': 960,
			'strength': 0.6,
			'tint': '#ff8800',
			'shade': 0x00FF10,
			'on': True,
		}
		assert told['shape']['points'][1] == pytest.approx([0.5, 0.78], abs=0.03)
		assert desk.complaints == []

	def test_slider_is_dragged(self, desk: Desk) -> None:
		"""To its end, where the value is the greatest; one undo takes the drag back."""
		desk.open({'dials': {'kind': 'Dials', 'inputs': {}}})
		track = desk.at('node-dials').locator('.slider-track')
		box = track.bounding_box()
		assert box is not None
		desk.page.mouse.move(box['x'] + box['width'] / 2, box['y'] + 2)
		desk.page.mouse.down()
		desk.page.mouse.move(box['x'] + box['width'] + 30, box['y'] + 2, steps=6)
		desk.page.mouse.up()
		expect(desk.at('widget-dials-strength')).to_have_value('1')
		desk.page.mouse.click(800, 800)
		desk.page.keyboard.press('Control+z')
		expect(desk.at('widget-dials-strength')).to_have_value('0.5')

	def test_curve_by_keys(self, desk: Desk) -> None:
		"""A point is put beside another, moved and taken away, and points that fail are marked as text."""
		desk.open({'levels': {'kind': 'CurveSigmas', 'inputs': {}}})
		curve = desk.at('widget-levels-curve')
		desk.at('widget-levels-curve-0').focus()
		desk.page.keyboard.press('Enter')
		desk.at('widget-levels-curve-1').focus()
		for key in ('Shift+ArrowUp', 'ArrowRight'):
			desk.page.keyboard.press(key)
		expect(curve).to_have_attribute('data-points', '[[0,1],[0.51,0.6],[1,0]]')
		desk.page.keyboard.press('Delete')
		expect(curve).to_have_attribute('data-points', '[[0,1],[1,0]]')
		expect(desk.at('node-levels')).to_be_visible()

	def test_curve_by_mouse(self, desk: Desk) -> None:
		"""A double click takes a point away; one on an empty place only puts a point there."""
		desk.open({'levels': {'kind': 'CurveSigmas', 'inputs': {}}})
		curve = desk.at('widget-levels-curve')
		box = curve.bounding_box()
		assert box is not None
		desk.page.mouse.dblclick(box['x'] + box['width'] / 2, box['y'] + box['height'] / 4)
		point = desk.at('widget-levels-curve-2')
		expect(point).to_be_visible()
		place = desk.at('widget-levels-curve-1').bounding_box()
		assert place is not None
		desk.page.mouse.dblclick(place['x'] + place['width'] / 2, place['y'] + place['height'] / 2)
		expect(point).to_have_count(0)

		expect(curve).to_have_attribute('data-points', '[[0,1],[1,0]]')

	def test_picked_colour_is_undone(self, desk: Desk) -> None:
		"""In the swatch and in its hexadecimal form."""
		desk.open({'dials': {'kind': 'Dials', 'inputs': {}}})
		desk.at('widget-dials-tint-picker').fill('#00ff10')
		expect(desk.at('widget-dials-tint')).to_have_value('#00ff10')
		desk.page.mouse.click(800, 800)
		desk.page.keyboard.press('Control+z')

		expect(desk.at('widget-dials-tint-picker')).to_have_value('#336699')
		expect(desk.at('widget-dials-tint')).to_have_value('#336699')

	def test_unfinished_arithmetic_is_kept_and_marked(self, desk: Desk) -> None:
		"""Nothing that was typed is thrown away."""
		desk.open({'dials': {'kind': 'Dials', 'inputs': {}}})
		desk.at('widget-dials-width').fill('512*')
		desk.at('widget-dials-width').blur()

		expect(desk.at('widget-dials-width')).to_have_value('512*')
		expect(desk.at('node-dials').locator('.hint')).to_have_text('not a number')

	def test_seed_is_fixed_random_or_counted(self, desk: Desk) -> None:
		"""+1 leaves the first run's seed and adds one before the next."""
		nodes = {
			'noise': {'kind': 'RandomNoise', 'inputs': {'noise_seed': 7}},
			'dials': {'kind': 'Dials', 'inputs': {}},
		}
		desk.open(nodes)
		desk.at('widget-noise-noise_seed-increment').click()
		desk.told()
		expect(desk.at('widget-noise-noise_seed')).to_have_value('7')
		desk.at('queue-button').click()
		expect(desk.at('widget-noise-noise_seed')).to_have_value('8')
		desk.at('widget-noise-noise_seed-randomise').click()
		desk.at('queue-button').click()
		expect(desk.at('widget-noise-noise_seed')).not_to_have_value('8')


class TestPrompt:
	"""Text with weights and completion."""

	def test_weights_by_keys(self, desk: Desk) -> None:
		"""Of the word at the caret, of a selection around it, and back until nothing is left of it."""
		desk.open({'words': {'kind': 'CLIPTextEncode', 'inputs': {'text': 'a red cat'}}})
		text = desk.at('widget-words-text')
		text.click()
		text.evaluate('area => area.setSelectionRange(4, 4)')
		text.press('Control+ArrowUp')
		text.press('Control+ArrowUp')
		expect(text).to_have_value('a (red:1.1) cat')
		text.press('Control+a')
		text.press('Control+ArrowDown')
		expect(text).to_have_value('(a (red:1.1) cat:0.95)')
		text.press('Control+ArrowUp')
		expect(text).to_have_value('a (red:1.1) cat')
		text.press('Control+z')
		expect(text).to_have_value('(a (red:1.1) cat:0.95)')

	def test_names_are_completed(self, desk: Desk) -> None:
		"""Embeddings by mark or by name, LoRAs by mark; by keys, or by a click."""
		desk.open({'words': {'kind': 'CLIPTextEncode', 'inputs': {'text': ''}}})
		text = desk.at('widget-words-text')
		text.click()
		options = desk.page.get_by_role('option')
		text.press_sequentially('cat, embedding:')
		expect(options).to_have_text(['dreamy', 'style-old'])
		text.press('ArrowDown')
		text.press('Enter')
		expect(text).to_have_value('cat, embedding:style-old')
		text.press_sequentially(', dre')
		options.get_by_text('dreamy').click()
		expect(text).to_have_value('cat, embedding:style-old, embedding:dreamy')
		text.press_sequentially(' <lora:ni')
		expect(options).to_have_text(['night', 'lumen-demo-night'])
		text.press('Tab')
		expect(text).to_have_value('cat, embedding:style-old, embedding:dreamy <lora:night:1>')
		text.press_sequentially(' st')
		text.press('Escape')
		expect(options).to_have_count(0)
		expect(text).to_be_focused()

	def test_ordinary_words_stay(self, desk: Desk) -> None:
		"""Enter after a word that a name begins with makes a new line; after an arrow it takes the name."""
		desk.open({'words': {'kind': 'CLIPTextEncode', 'inputs': {'text': ''}}})
		text = desk.at('widget-words-text')
		text.click()
		options = desk.page.get_by_role('option')
		text.press_sequentially('in style')
		expect(options).to_have_text(['style-old'])
		text.press('Enter')
		expect(text).to_have_value('in style\n')
		text.press_sequentially('style')
		text.press('ArrowDown')
		text.press('Enter')
		expect(text).to_have_value('in style\nembedding:style-old')


class TestChoices:
	"""Lists that are searched, with what is known of their files."""

	def test_models_tell_their_family_and_size(self, desk: Desk) -> None:
		"""As the server reads them from the file's header."""
		desk.open({'model': {'kind': 'CheckpointLoaderSimple', 'inputs': {}}})
		desk.at('widget-model-ckpt_name').click()
		option = desk.page.get_by_role('option', name='lumen-demo')

		expect(option.locator('small')).to_have_text('sd1 · 6.3 MB')

	def test_pictures_are_shown_and_narrowed(self, desk: Desk) -> None:
		"""Each beside its name, small; typing leaves those that fit."""
		desk.open({'load': {'kind': 'LoadImage', 'inputs': {'image': 'red.png'}}})
		desk.at('widget-load-image').click()
		pictures = desk.page.get_by_role('option').locator('img')
		expect(pictures).to_have_count(2)
		for picture in pictures.all():
			expect(picture).to_have_js_property('complete', value=True)
			assert picture.evaluate('image => image.naturalWidth') > 0
		desk.at('widget-load-image').fill('blu')
		expect(pictures).to_have_count(1)
		desk.at('widget-load-image').press('Enter')

		expect(desk.at('widget-load-image')).to_have_value('blue.png')
		expect(desk.at('node-load').locator('.thumbnail')).to_have_attribute('alt', 'blue.png')


def as_data(colour: tuple[int, int, int]) -> str:
	"""A small picture in base64."""
	stream = io.BytesIO()
	Image.new('RGB', (16, 16), colour).save(stream, 'PNG')
	return base64.b64encode(stream.getvalue()).decode()


TRANSFER = """
	const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
	const data = new DataTransfer();
	data.items.add(new File([bytes], name, { type: 'image/png' }));
"""


def drop(target: Locator, name: str, content: str) -> None:
	"""Let a picture fall on an element."""
	target.evaluate(
		f"""(target, [name, content]) => {{ {TRANSFER}
			target.dispatchEvent(new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }}));
		}}""",
		[name, content],
	)


def paste(page: Page, name: str, content: str) -> None:
	"""Paste a picture, with the focus on the page."""
	page.evaluate(
		f"""([name, content]) => {{ {TRANSFER}
			document.activeElement?.blur();
			document.body.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }}));
		}}""",
		[name, content],
	)


class TestFiles:
	"""Pictures that come by drop and by paste."""

	def test_dropped_on_a_node(self, desk: Desk) -> None:
		"""Anywhere on a node that takes pictures: it has the picture then, and no other node is made."""
		desk.open({'load': {'kind': 'LoadImage', 'inputs': {'image': 'red.png'}}})
		drop(desk.at('node-load').locator('header'), 'dropped.png', as_data((0, 99, 0)))

		expect(desk.at('widget-load-image')).to_have_value('dropped.png')
		expect(desk.page.locator('.node')).to_have_count(1)
		assert (desk.base / 'input' / 'dropped.png').is_file()

	def test_pasted(self, desk: Desk) -> None:
		"""Into the selected node; with none selected, into a new one."""
		desk.open({'load': {'kind': 'LoadImage', 'inputs': {'image': 'red.png'}}})
		desk.at('node-load').locator('header').click()
		paste(desk.page, 'pasted.png', as_data((1, 2, 3)))
		expect(desk.at('widget-load-image')).to_have_value('pasted.png')
		desk.page.keyboard.press('Escape')
		paste(desk.page, 'second.png', as_data((4, 5, 6)))
		expect(desk.page.locator('.node')).to_have_count(2)
		expect(desk.at('widget-load_image-image')).to_have_value('second.png')
		expect(desk.at('widget-load-image')).to_have_value('pasted.png')


class TestMask:
	"""The mask editor over a picture."""

	def open(self, desk: Desk) -> None:
		"""Open a workflow that shows a picture's mask, and the editor over it."""
		desk.open(
			{
				'load': {'kind': 'LoadImage', 'inputs': {'image': 'red.png'}},
				'grey': {'kind': 'MaskToImage', 'inputs': {'mask': {'node': 'load', 'output': 'MASK'}}},
				'show': {'kind': 'PreviewImage', 'inputs': {'images': {'node': 'grey', 'output': 'IMAGE'}}},
			}
		)
		desk.at('widget-load-image-mask').click()
		desk.at('mask-stage').wait_for()

	def stroke(self, desk: Desk, *spots: tuple[float, float], button: str = 'left') -> None:
		"""Draw through places that are parts of the picture's width and height."""
		box = desk.page.locator('.mask-sheet').bounding_box()
		assert box is not None
		places = [(box['x'] + x * box['width'], box['y'] + y * box['height']) for x, y in spots]
		desk.page.mouse.move(*places[0])
		desk.page.mouse.down(button='right' if button == 'right' else 'left')
		for place in places:
			desk.page.mouse.move(*place, steps=4)
		desk.page.mouse.up(button='right' if button == 'right' else 'left')

	def covered(self, desk: Desk) -> float:
		"""How much of the drawn mask is masked, as a part of all."""
		counted = desk.page.evaluate("""() => {
			const canvas = document.querySelector('.mask-sheet canvas');
			const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
			return data.filter((value, index) => index % 4 === 3 && value > 127).length / (canvas.width * canvas.height);
		}""")
		return float(counted)

	def test_tools(self, desk: Desk) -> None:
		"""Brush, eraser, fill, invert, clear and soften change what is masked, and each can be taken back."""
		self.open(desk)
		press = desk.page.keyboard.press
		for _ in range(9):
			press('[')
		self.stroke(desk, (0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.2))
		ring = self.covered(desk)
		press('g')
		self.stroke(desk, (0.5, 0.5))
		full = self.covered(desk)
		press('i')
		inverted = self.covered(desk)
		press('Control+z')
		self.stroke(desk, (0.2, 0.5), (0.8, 0.5), button='right')
		cut = self.covered(desk)
		press('s')
		self.stroke(desk, (0.2, 0.2), (0.5, 0.2), (0.2, 0.2))
		press('Delete')
		empty = self.covered(desk)

		assert 0 < ring < 0.35 < full
		assert inverted == pytest.approx(1 - full, abs=0.02)
		assert 0.3 < cut < full
		assert empty == 0

		for _ in range(5):
			press('Control+z')
		assert self.covered(desk) == 0
		expect(desk.at('mask-undo')).to_be_disabled()
		for expected in (ring, full):
			press('Control+Shift+z')
			assert self.covered(desk) == expected
		desk.at('mask-redo').click()
		assert self.covered(desk) == cut

		press('Escape')
		expect(desk.page.get_by_role('alert')).to_have_text('The mask is not saved.')
		desk.at('mask-discard').click()
		expect(desk.at('mask-editor')).to_have_count(0)
		expect(desk.at('widget-load-image')).to_have_value('red.png')

	def test_zoom_and_keys_without_a_mouse(self, desk: Desk) -> None:
		"""The wheel zooms at the pointer, Space moves the picture; arrows and Enter paint."""
		self.open(desk)
		sheet = desk.page.locator('.mask-sheet')
		before = sheet.bounding_box()
		assert before is not None
		drawn = sheet.evaluate('element => getComputedStyle(element).transform')
		desk.page.mouse.move(before['x'], before['y'])
		desk.page.mouse.wheel(0, -300)
		expect(sheet).not_to_have_css('transform', drawn)
		zoomed = sheet.bounding_box()
		assert zoomed is not None
		assert zoomed['width'] > 1.3 * before['width']
		assert (zoomed['x'], zoomed['y']) == pytest.approx((before['x'], before['y']), abs=1)

		desk.page.keyboard.down('Space')
		desk.page.mouse.down()
		desk.page.mouse.move(before['x'] + 40, before['y'] + 30)
		desk.page.mouse.up()
		desk.page.keyboard.up('Space')
		moved = sheet.bounding_box()
		assert moved is not None
		assert (moved['x'], moved['y']) == pytest.approx((zoomed['x'] + 40, zoomed['y'] + 30), abs=1)
		assert self.covered(desk) == 0

		desk.page.keyboard.press('0')
		desk.page.keyboard.press('b')
		for _ in range(4):
			desk.page.keyboard.press('ArrowRight')
		desk.page.keyboard.press('Enter')
		assert self.covered(desk) > 0
		desk.page.keyboard.press('Escape')
		desk.at('mask-discard').click()

	def test_saved_mask_is_what_the_node_gives(self, desk: Desk) -> None:
		"""The mask output is white where it was painted; the colours stay, and the mask can be opened again."""
		self.open(desk)
		desk.page.keyboard.press('b')
		self.stroke(desk, (0.1, 0.25), (0.9, 0.25))
		drawn = self.covered(desk)
		desk.page.keyboard.press('Control+s')
		expect(desk.at('mask-editor')).to_have_count(0)
		expect(desk.at('widget-load-image')).to_have_value('clipspace/red-masked.png [input]')
		mask = np.asarray(desk.picture('show'))[..., 0]
		with Image.open(desk.base / 'input' / 'clipspace' / 'red-masked.png') as stored:
			pixels = np.asarray(stored)

		assert mask.shape == (48, 64)
		assert (mask[12, 32], mask[40, 32]) == (255, 0)
		assert np.mean(mask > 127) == pytest.approx(drawn, abs=0.01)
		assert pixels.shape == (48, 64, 4)
		assert (pixels[..., :3] == (200, 0, 0)).all()

		desk.at('node-load').locator('header').click()
		desk.page.keyboard.press('Control+Shift+M')
		desk.at('mask-stage').wait_for()
		assert self.covered(desk) == pytest.approx(drawn, abs=0.01)
		desk.page.keyboard.press('Escape')
		expect(desk.at('mask-editor')).to_have_count(0)
		assert desk.complaints == []

	def test_masks_a_picture_of_the_run_form(self, desk: Desk) -> None:
		"""The editor lies over the form, which keeps what was typed there and gets the picture with its mask."""
		nodes = {
			'load': {'kind': 'LoadImage', 'inputs': {'image': 'red.png'}},
			'blank': {'kind': 'EmptyImage', 'inputs': {'width': 64}},
		}
		inputs = {'photo': {'node': 'load', 'input': 'image'}, 'width': {'node': 'blank', 'input': 'width'}}
		desk.open(nodes, inputs)
		desk.page.keyboard.press('Shift+r')
		desk.at('widget-form-width').fill('128')
		desk.at('widget-form-photo-mask').click()
		desk.at('mask-stage').wait_for()
		self.stroke(desk, (0.1, 0.75), (0.9, 0.75))
		desk.page.get_by_role('button', name='Cancel').click()
		desk.at('mask-discard').click()
		expect(desk.at('mask-editor')).to_have_count(0)
		expect(desk.at('widget-form-photo')).to_have_value('red.png')
		desk.at('widget-form-photo-mask').click()
		desk.at('mask-stage').wait_for()
		self.stroke(desk, (0.1, 0.75), (0.9, 0.75))
		desk.at('mask-save').click()
		expect(desk.at('mask-editor')).to_have_count(0)

		expect(desk.at('widget-form-photo')).to_have_value(re.compile(r'^clipspace/red-masked.*\.png \[input\]$'))
		expect(desk.at('widget-form-width')).to_have_value('128')
		expect(desk.at('widget-load-image')).to_have_value('red.png')

		desk.page.keyboard.press('Escape')
		expect(desk.at('form-run')).to_have_count(0)
		assert desk.complaints == []
