"""The official web front end in a browser window, and how a user works with it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import ConsoleMessage, Page, Response

from tests.serving import Server

RUN_MILLISECONDS = 120_000
# Files of a user who has not made any: the front end asks, is told that there are none, and the browser remarks on that.
ABSENT = ('/api/userdata/comfy.templates.json', '/api/userdata/workflows%2F.index.json')
LOAD_FILE = """
	(text) => window.app.handleFile(new File([text], 'demo.json', { type: 'application/json' }))
"""
WATCH_TITLE = """
	() => {
		window.titles = []
		const watch = new MutationObserver(() => window.titles.push(document.title))
		watch.observe(document.querySelector('title'), { childList: true, characterData: true, subtree: true })
	}
"""
IMAGE_OF = '(kind) => window.app.graph.nodes.find((node) => node.type === kind)?.imgs?.[0]'
PLACE_OF = """
	(kind) => {
		const { offset, scale } = window.app.canvas.ds
		const { pos, size } = window.app.graph.nodes.find((node) => node.type === kind)
		const { x, y } = window.app.canvas.canvas.getBoundingClientRect()
		return {
			x: x + (pos[0] + offset[0]) * scale,
			y: y + (pos[1] + offset[1]) * scale,
			width: size[0] * scale,
			height: size[1] * scale,
		}
	}
"""


HUB = 'https://huggingface.co/'


@dataclass
class FrontEnd:
	"""A window, and what the browser complained about."""

	page: Page
	server: Server
	complaints: list[str] = field(default_factory=list)

	def open(self) -> None:
		"""Open the front end, and wait until it has its graph."""
		self.page.on('console', self._hear)
		self.page.on('pageerror', lambda error: self.complaints.append(str(error)))
		self.page.on('response', self._check)
		self.page.goto(self.server.url)
		self._await_graph()

	def reload(self) -> None:
		"""Load the page anew."""
		self.page.reload()
		self._await_graph()

	def load(self, document: Mapping[str, object]) -> None:
		"""Open a workflow file, as one that is dropped on the page, and bring all of it in view."""
		self.page.evaluate(LOAD_FILE, json.dumps(document))
		self.page.get_by_role('button', name='Fit View').click()
		self.page.evaluate(WATCH_TITLE)

	def run(self) -> None:
		"""Press the button."""
		self.page.get_by_test_id('queue-button').click()

	def wait_for_image(self, kind: str, side: int) -> None:
		"""Wait until the node of this kind shows a picture of this size."""
		self.page.wait_for_function(
			f'([kind, side]) => ({IMAGE_OF})(kind)?.naturalWidth === side', arg=[kind, side], timeout=RUN_MILLISECONDS
		)

	def look_at(self, kind: str) -> Image.Image:
		"""What is to be seen where the node of this kind is."""
		shot = self.page.screenshot(clip=self.page.evaluate(PLACE_OF, kind))
		with Image.open(io.BytesIO(shot)) as picture:
			return picture.convert('RGB')

	@property
	def titles(self) -> list[str]:
		"""The titles that the window had since a workflow was loaded; they tell the progress."""
		titles: list[str] = self.page.evaluate('window.titles')
		return titles

	def _await_graph(self) -> None:
		self.page.wait_for_function('window.app?.vueAppReady && window.app.graph?.nodes.length', timeout=60_000)

	def _hear(self, message: ConsoleMessage) -> None:
		# It would ask the hub how large the models of its default graph are; our pages may not connect to others.
		refused = HUB in message.text and 'Content Security Policy' in message.text
		if message.type == 'error' and not refused and urlsplit(message.location['url']).path not in ABSENT:
			self.complaints.append(message.text)

	def _check(self, response: Response) -> None:
		# The console does not say what it was that could not be had.
		if response.status >= 400 and urlsplit(response.url).path not in ABSENT:
			self.complaints.append(f'{response.status} {response.request.method} {response.url}')


def share(picture: Image.Image, color: tuple[int, int, int]) -> float:
	"""The part of a picture that has about this colour."""
	near = sum(
		count
		for count, pixel in picture.getcolors(picture.width * picture.height) or []
		if isinstance(pixel, tuple) and all(abs(a - b) < 64 for a, b in zip(pixel, color, strict=True))
	)
	return near / (picture.width * picture.height)


def colours(picture: Image.Image) -> int:
	"""How many different ones a picture has."""
	return len(picture.getcolors(picture.width * picture.height) or [])
