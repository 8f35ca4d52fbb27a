"""How fast the editor is, in a headless Chromium against the real server: `python -m tests.benchmarks.editor [NODES ...]`.

The graph is a grid of samplers and the nodes around them, each row linked from left to right. Then a node among a hundred
others is run that tells of its progress a thousand times a second. Frames are what the browser drew, so with software
rendering; times are of this machine, and nothing is asserted on them. Each movement is made several times, from the same
view, and the best is printed: what else runs on the machine can only slow it down.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from pydantic import JsonValue

from engine.settings import PROJECT
from tests.serving import Server, serving
from tests.web.chromium import FLAGS, find_chromium

SIZES = (1000, 5000)
ROW = 40
VIEW = ViewportSize(width=1600, height=900)
FRAMES = 40
TIMES = 3
KINDS = ('EmptyLatentImage', 'LatentUpscaleBy', 'LatentFlip', 'KSampler', 'LatentCrop')
TICKS = 5000
TICKS_A_SECOND = 1000
TICKING = """
import time

import comfy.utils


class Ticking:
	CATEGORY = 'benchmark'
	RETURN_TYPES = ()
	FUNCTION = 'run'
	OUTPUT_NODE = True

	@classmethod
	def INPUT_TYPES(cls):
		return {'required': {'ticks': ('INT', {'default': 1000, 'max': 10**6}), 'rate': ('INT', {'default': 1000, 'max': 10**6})}}

	@classmethod
	def IS_CHANGED(cls, **inputs):
		return float('nan')

	def run(self, ticks, rate):
		# Of longer bars the server tells twenty ticks a second; of these all.
		bar, start = comfy.utils.ProgressBar(200), time.perf_counter()
		for tick in range(ticks):
			bar.update_absolute(tick % 200 + 1)
			time.sleep(max(0.0, start + (tick + 1) / rate - time.perf_counter()))
		return {'ui': {'text': [f'{ticks / (time.perf_counter() - start):.0f}']}}


NODE_CLASS_MAPPINGS = {'Ticking': Ticking}
"""
COUNT = """() => {
	const Plain = window.WebSocket;
	window.messages_ = 0;
	window.WebSocket = class extends Plain {
		constructor(...given) {
			super(...given);
			this.addEventListener('message', () => { window.messages_ += 1; });
		}
	};
}"""
RECORD = """() => {
	window.frames_ = [];
	let last = performance.now();
	const tick = (now) => { window.frames_.push(now - last); last = now; window.frame_ = requestAnimationFrame(tick); };
	window.frame_ = requestAnimationFrame(tick);
}"""
# When two frames have been drawn and nothing is left to do.
DRAWN = """() => new Promise((done) => {
	requestAnimationFrame(() => requestAnimationFrame(() => requestIdleCallback(done)));
})"""
HOVERED = """() => {
	const box = document.querySelector('.react-flow__node:hover')?.getBoundingClientRect();
	return box === undefined || box.top < 120 ? null : [box.x, box.y, box.width, box.height];
}"""
RECORDED = '() => { cancelAnimationFrame(window.frame_); return window.frames_.slice(2); }'


def document(count: int, columns: int = ROW) -> dict[str, JsonValue]:
	"""A native file of so many nodes, in rows."""
	nodes: dict[str, JsonValue] = {}
	places: dict[str, JsonValue] = {}
	for number in range(count):
		row, column = divmod(number, columns)
		kind = KINDS[0] if column == 0 else KINDS[1 + (column - 1) % (len(KINDS) - 1)]
		link: JsonValue = {'node': f'n{number - 1}', 'output': 0}
		inputs: dict[str, JsonValue] = (
			{} if column == 0 else {'latent_image' if kind == 'KSampler' else 'samples': link}
		)
		nodes[f'n{number}'] = {'kind': kind, 'inputs': inputs}
		places[f'n{number}'] = {'x': column * 340, 'y': row * 420}
	return {'lumengraph': 2, 'title': f'{count} nodes', 'nodes': nodes, 'layout': {'nodes': places}}


@contextmanager
def recorded(page: Page) -> Iterator[list[float]]:
	"""How long the frames take that are drawn meanwhile, in milliseconds, the shortest first."""
	times: list[float] = []
	page.evaluate(RECORD)
	yield times
	times.extend(sorted(page.evaluate(RECORDED)))


def tell(name: str, times: list[float]) -> None:
	"""Print the median of them, and what most of them keep below."""
	if not times:
		print(f'  {name:34} fewer than three frames')
		return
	worst = times[-1 - len(times) // 20]
	print(f'  {name:34} median {statistics.median(times):6.1f} ms   95 % below {worst:6.1f} ms   {len(times)} frames')


def show(page: Page, *keys: str) -> None:
	"""Let the view be what these keys make it."""
	page.mouse.move(800, 880)
	for key in keys:
		page.keyboard.press(key)
		page.wait_for_timeout(800)


def pan(page: Page) -> None:
	"""Drag the canvas about."""
	page.mouse.move(800, 60 + 40)
	page.mouse.move(800, 450)
	page.mouse.down(button='middle')
	for step in range(FRAMES):
		page.mouse.move(800 - 8 * (step % 20), 450 - 4 * (step % 20))
	page.mouse.up(button='middle')


def zoom(page: Page) -> None:
	"""Turn the wheel to and fro."""
	page.mouse.move(800, 450)
	for step in range(FRAMES):
		page.mouse.wheel(0, 60 if step < FRAMES / 2 else -60)
		page.wait_for_timeout(5)


def drag(page: Page) -> None:
	"""Drag a node that is found with the pointer, as a person does."""
	box = None
	for x, y in product(range(500, 1000, 50), range(250, 650, 50)):
		page.mouse.move(x, y)
		box = page.evaluate(HOVERED)
		if box is not None:
			break
	assert box is not None, 'no node was under the pointer'
	left, top, width, height = box
	x, y = left + width / 3, top + min(4, height / 2)
	page.mouse.move(x, y)
	page.mouse.down()
	for step in range(FRAMES):
		page.mouse.move(x + 3 * (step % 20), y + 2 * (step % 20))
	page.mouse.up()


def first_load(browser: Browser, url: str) -> None:
	"""Print how soon a browser that knows nothing of it has the editor ready."""
	fetched: list[str] = []
	waits: list[float] = []
	for _ in range(TIMES):
		context = browser.new_context(viewport=VIEW)
		page = context.new_page()
		page.on('response', lambda answer: fetched.append(answer.url))
		start = time.perf_counter()
		page.goto(url)
		page.get_by_test_id('editor-ready').wait_for()
		waits.append(time.perf_counter() - start)
		context.close()
	print(f'interactive after {min(waits):.2f} s')
	scripts = {Path(one.split('?')[0]).name for one in fetched if one.split('?')[0].endswith('.js')}
	folder = PROJECT / 'web' / 'dist' / 'assets'
	size = sum(len(gzip.compress((folder / name).read_bytes(), 9)) for name in scripts if (folder / name).is_file())
	print(f'JavaScript at first load: {size / 1024:.0f} KB with gzip, {len(scripts)} files')


def opened(page: Page, count: int) -> None:
	"""Print how long a large graph takes to open, and how it moves."""
	with tempfile.NamedTemporaryFile('w', suffix='.json', delete=False) as file:
		json.dump(document(count), file)
	start = time.perf_counter()
	page.get_by_test_id('workflow-file').set_input_files(file.name)
	page.wait_for_function(f"document.title.startsWith('{count} nodes')", timeout=120_000)
	page.locator('.far-picture, .react-flow__node').first.wait_for(timeout=120_000)
	page.evaluate(DRAWN)
	print(f'{count} nodes: open after {time.perf_counter() - start:.2f} s')
	Path(file.name).unlink()
	page.wait_for_timeout(1500)
	moves: tuple[tuple[str, Callable[[Page], None]], ...] = (('pan', pan), ('zoom', zoom), ('drag', drag))
	for view, keys in (('fit to view', 'f'), ('100 %', 'f0')):
		for name, move in moves:
			runs = []
			for _ in range(TIMES):
				show(page, *keys)
				with recorded(page) as times:
					move(page)
				runs.append(times)
			tell(f'{name}, {view}', min(runs, key=statistics.median))


def under_events(page: Page) -> None:
	"""Print how the editor draws while a node tells of its progress a thousand times a second."""
	graph = document(100, columns=10)
	nodes, layout = graph['nodes'], graph['layout']
	assert isinstance(nodes, dict)
	assert isinstance(layout, dict)
	places = layout['nodes']
	assert isinstance(places, dict)
	nodes['ticking'] = {'kind': 'Ticking', 'inputs': {'ticks': TICKS, 'rate': TICKS_A_SECOND}}
	# In the middle, so that it is seen however near the view is.
	places['ticking'], places['n55'] = places['n55'], {'x': 3400, 'y': 0}
	with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
		json.dump({**graph, 'title': 'Ticking'}, file)
		file.flush()
		page.get_by_test_id('workflow-file').set_input_files(file.name)
		page.get_by_test_id('node-ticking').wait_for(state='attached')
	page.wait_for_timeout(1500)
	for name, key in (('fit to view', 'f'), ('100 %', '0')):
		show(page, key)
		messages = page.evaluate('() => window.messages_')
		page.keyboard.press('Control+Enter')
		page.wait_for_function(f'() => window.messages_ > {messages} + 20', timeout=60_000)
		start, first = time.perf_counter(), page.evaluate('() => window.messages_')
		with recorded(page) as times:
			page.wait_for_timeout(3000)
		tell(f'{TICKS_A_SECOND} ticks a second, {name}', times)
		told, seconds = page.evaluate('() => window.messages_') - first, time.perf_counter() - start
		print(f'  {told / seconds:.0f} messages a second came')
		page.wait_for_function(
			"() => document.querySelector('[data-testid=interrupt-button]').disabled", timeout=60_000
		)


@contextmanager
def window(browser: Browser, url: str) -> Iterator[Page]:
	"""A page with the editor ready, which counts the server's messages, of a browser that knows nothing of it."""
	context = browser.new_context(viewport=VIEW)
	page = context.new_page()
	page.add_init_script(f'({COUNT})()')
	page.goto(url)
	page.get_by_test_id('editor-ready').wait_for()
	yield page
	context.close()


@contextmanager
def ticking(base: Path) -> Iterator[Server]:
	"""A server that has the node."""
	(base / 'custom_nodes').mkdir()
	(base / 'custom_nodes' / 'ticking.py').write_text(TICKING)
	with serving(base) as server:
		yield server


def main(sizes: tuple[int, ...]) -> None:
	"""Print all figures."""
	with tempfile.TemporaryDirectory() as base, sync_playwright() as playwright, ticking(Path(base)) as server:
		browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS])
		first_load(browser, server.url)
		for count in sizes:
			with window(browser, server.url) as page:
				opened(page, count)
		with window(browser, server.url) as page:
			under_events(page)
		browser.close()


if __name__ == '__main__':
	main(tuple(int(word) for word in sys.argv[1:]) or SIZES)
