"""Building graphs in a real browser: search, palette, points in links, alignment, finding, the outline, tabs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
MIDDLE = """key => {
	const path = document.querySelector(`.react-flow__edge[data-id='${key}'] .react-flow__edge-path`);
	const at = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
	return [at.x, at.y];
}"""


def document(page: Page) -> dict[str, object]:
	"""What would be saved."""
	found: dict[str, object] = json.loads(page.evaluate('window.lumengraph.document()'))
	return found


def layout(page: Page, part: str) -> dict[str, dict[str, object]]:
	"""The nodes' places, the groups, notes or reroutes of the workflow."""
	whole = document(page)['layout']
	assert isinstance(whole, dict)
	found: dict[str, dict[str, object]] = whole.get(part, {})
	return found


def head(page: Page, node: str) -> Locator:
	"""The title bar of a node."""
	return page.get_by_test_id(f'node-{node}').locator('header')


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], *, drop: bool = True) -> None:
	"""With the mouse, in steps, as a hand does."""
	page.mouse.move(*start)
	page.mouse.down()
	page.mouse.move(*end, steps=8)
	if drop:
		page.mouse.up()


def middle(locator: Locator) -> tuple[float, float]:
	"""Of what is on the screen."""
	box = locator.bounding_box()
	assert box is not None
	return box['x'] + box['width'] / 2, box['y'] + box['height'] / 2


def socket(page: Page, node: str, name: str) -> Locator:
	"""Of an input (`in:NAME`) or output (`out:INDEX`)."""
	return page.locator(f'[data-nodeid="{node}"][data-handleid="{name}"]')


class TestAdding:
	"""Nodes come by search and from the palette."""

	def test_search_forgives_typing_errors_and_remembers(self, editor: Editor) -> None:
		"""A double click opens it; swapped letters find the kind; used kinds come first the next time."""
		page = editor.page
		page.mouse.dblclick(900, 820)
		page.get_by_test_id('search-input').fill('ksmapler')
		page.keyboard.press('Enter')
		expect(page.get_by_test_id('node-k_sampler')).to_be_visible()
		page.keyboard.press('/')
		first = page.locator('[data-testid^=search-result]').first

		expect(first).to_have_attribute('data-testid', 'search-result-KSampler')

	def test_palette_adds_by_pointer_and_key(self, editor: Editor) -> None:
		"""A kind is dragged to where it shall stand; Enter puts one into the middle."""
		page = editor.page
		page.get_by_test_id('panel-nodes').click()
		page.get_by_test_id('palette-filter').fill('save image')
		row = page.get_by_test_id('palette-tree-SaveImage')
		drag(page, middle(row), (900, 700))
		expect(page.get_by_test_id('node-save_image')).to_be_visible()
		box = page.get_by_test_id('node-save_image').bounding_box()
		row.focus()
		page.keyboard.press('Enter')

		assert box is not None
		assert abs(box['x'] - 900) < 5
		expect(page.get_by_test_id('node-save_image_2')).to_be_attached()

	def test_palette_is_a_tree_of_categories(self, editor: Editor) -> None:
		"""Arrow keys open and close branches."""
		page = editor.page
		page.get_by_test_id('panel-nodes').click()
		branch = page.get_by_test_id('palette-tree-/sampling')
		branch.focus()
		page.keyboard.press('ArrowRight')
		expect(page.get_by_test_id('palette-tree-KSampler')).to_be_visible()
		page.keyboard.press('ArrowLeft')

		expect(page.get_by_test_id('palette-tree-KSampler')).to_have_count(0)


class TestLinking:
	"""Links say what they fit, and run through points."""

	def test_reason_stands_at_a_socket_that_does_not_fit(self, editor: Editor) -> None:
		"""While a link is drawn over it; sockets that fit are lit, others are not."""
		page = editor.page
		drag(
			page, middle(socket(page, 'model', 'out:1')), middle(socket(page, 'sample', 'in:latent_image')), drop=False
		)

		expect(page.get_by_test_id('link-tip')).to_contain_text('CLIP does not fit into')
		expect(socket(page, 'positive', 'in:clip')).to_have_attribute('data-fit', 'yes')
		expect(socket(page, 'sample', 'in:model')).to_have_attribute('data-fit', 'no')
		page.mouse.up()
		expect(page.get_by_test_id('link-tip')).to_have_count(0)

	def test_points_are_added_dragged_saved_and_deleted(self, editor: Editor, tmp_path: Path) -> None:
		"""A double click on a link puts a point there; it survives a file; undo and Delete take it away."""
		page = editor.page
		page.mouse.dblclick(*page.evaluate(MIDDLE, '["sample","latent_image"]'))
		point = page.get_by_test_id('reroute-point')
		expect(point).to_be_visible()
		before = layout(page, 'reroutes')['point']
		x, y = middle(point)
		drag(page, (x, y), (x + 5, y + 120))
		after = layout(page, 'reroutes')['point']

		assert after['links'] == [{'node': 'sample', 'input': 'latent_image'}]
		assert isinstance(after['y'], int)
		assert isinstance(before['y'], int)
		assert after['y'] > before['y'] + 60

		file = tmp_path / 'points.json'
		file.write_text(page.evaluate('window.lumengraph.document()'))
		page.get_by_test_id('workflow-file').set_input_files(file)
		expect(page.get_by_role('tab', name='Text to image')).to_have_count(2)
		expect(point).to_be_visible()
		point.click()
		page.keyboard.press('Delete')

		expect(point).to_have_count(0)
		page.keyboard.press('Control+z')
		expect(point).to_be_visible()


class TestArranging:
	"""Nodes stand in line."""

	def test_align_and_equal_gaps(self, editor: Editor) -> None:
		"""Three nodes get one left edge, then equal gaps; one undo takes back each."""
		page = editor.page
		page.evaluate("window.lumengraph.select(['positive', 'sample', 'save'])")
		start = layout(page, 'nodes')
		page.keyboard.press('Alt+Shift+ArrowLeft')
		lined = layout(page, 'nodes')
		page.keyboard.press('Alt+Shift+V')
		boxes = sorted(
			(box['y'], box['y'] + box['height'])
			for node in ('positive', 'sample', 'save')
			if (box := page.get_by_test_id(f'node-{node}').bounding_box()) is not None
		)

		assert len({lined[node]['x'] for node in ('positive', 'sample', 'save')}) == 1
		assert abs((boxes[1][0] - boxes[0][1]) - (boxes[2][0] - boxes[1][1])) < 3
		page.keyboard.press('Control+z')
		page.keyboard.press('Control+z')
		assert layout(page, 'nodes') == start

	def test_guides_draw_a_node_into_line(self, editor: Editor) -> None:
		"""Dragged to within a few pixels of another's top, it lands on it, and a line shows it."""
		page = editor.page
		mine, other = (page.get_by_test_id(f'node-{node}').bounding_box() for node in ('save', 'sample'))
		assert mine is not None
		assert other is not None
		x, y = mine['x'] + 60, mine['y'] + 12
		drag(page, (x, y), (x + 3, y + other['y'] - mine['y'] + 3), drop=False)

		expect(page.get_by_test_id('guide').first).to_be_attached()
		page.mouse.up()
		expect(page.get_by_test_id('guide')).to_have_count(0)
		places = layout(page, 'nodes')
		assert places['save']['y'] == places['sample']['y']


class TestCopying:
	"""Copies carry what they need."""

	def test_an_instance_brings_its_subgraph_into_another_tab(self, editor: Editor) -> None:
		"""With frames and notes: packed nodes are copied as text and pasted into a new workflow."""
		page = editor.page
		page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
		page.evaluate("window.lumengraph.select(['positive', 'negative'])")
		page.keyboard.press('Control+Shift+G')
		expect(page.get_by_test_id('node-subgraph')).to_be_visible()
		page.keyboard.press('Control+g')
		page.keyboard.press('Control+a')
		page.keyboard.press('Control+c')
		page.keyboard.press('Alt+n')
		expect(page.get_by_test_id('node-subgraph')).to_have_count(0)
		page.keyboard.press('Control+v')
		expect(page.get_by_test_id('node-subgraph')).to_be_attached()
		pasted = document(page)

		assert isinstance(pasted['subgraphs'], dict)
		assert sorted(pasted['subgraphs']['subgraph']['nodes']) == ['negative', 'positive']
		assert len(layout(page, 'groups')) == 1
		assert len(layout(page, 'notes')) == 1

	def test_duplicates_keep_their_links(self, editor: Editor) -> None:
		"""A second sampler hangs on the same model."""
		page = editor.page
		page.evaluate("window.lumengraph.select(['sample'])")
		page.keyboard.press('Control+d')
		nodes = document(page)['nodes']

		assert isinstance(nodes, dict)
		assert nodes['sample_2']['inputs']['model'] == {'node': 'model', 'output': 'MODEL'}


class TestFinding:
	"""Nodes are found by what they hold, inside of subgraphs too."""

	def test_find_jumps_into_a_subgraph(self, editor: Editor) -> None:
		"""By a word of a prompt."""
		page = editor.page
		page.evaluate("window.lumengraph.select(['positive'])")
		page.keyboard.press('Control+Shift+G')
		page.keyboard.press('Control+f')
		page.get_by_test_id('find-input').fill('red star')
		expect(page.get_by_test_id('find-positive')).to_contain_text('in Subgraph')
		page.keyboard.press('Enter')

		expect(page.get_by_test_id('node-positive')).to_be_visible()
		assert page.evaluate('window.lumengraph.path().length') == 1

	def test_outline_jumps_renames_and_mutes(self, editor: Editor) -> None:
		"""By keys alone: F2, M, Enter; a subgraph opens under its instance."""
		page = editor.page
		page.evaluate("window.lumengraph.select(['positive'])")
		page.keyboard.press('Control+Shift+G')
		page.keyboard.press('Alt+2')
		row = page.get_by_test_id('outline-tree-decode')
		row.focus()
		page.keyboard.press('F2')
		page.get_by_test_id('outline-rename').fill('To pixels')
		page.keyboard.press('Enter')
		expect(head(page, 'decode')).to_contain_text('To pixels')
		row.focus()
		page.keyboard.press('m')
		expect(page.get_by_test_id('node-decode')).to_have_attribute('data-mode', 'mute')
		page.get_by_test_id('outline-tree-subgraph').focus()
		page.keyboard.press('ArrowRight')
		page.get_by_test_id('outline-tree-subgraph:positive').click()

		expect(page.get_by_test_id('node-positive')).to_be_visible()
		assert editor.complaints == []

	def test_outline_renames_in_one_step_or_not_at_all(self, editor: Editor) -> None:
		"""Enter makes one step to undo; Escape leaves the title, and the row has the focus again after both."""
		page = editor.page
		page.keyboard.press('Alt+2')
		row = page.get_by_test_id('outline-tree-decode')
		field = page.get_by_test_id('outline-rename')
		before = str(row.locator('.name').text_content())
		row.focus()
		page.keyboard.press('F2')
		field.fill('Dropped')
		page.keyboard.press('Escape')
		expect(row).to_be_focused()
		expect(row.locator('.name')).to_have_text(before)
		page.keyboard.press('F2')
		field.fill('To pixels')
		page.keyboard.press('Enter')
		expect(row).to_be_focused()
		expect(row.locator('.name')).to_have_text('To pixels')
		page.keyboard.press('Control+z')

		expect(row.locator('.name')).to_have_text(before)

	def test_outline_of_very_many_nodes_draws_few(self, editor: Editor, tmp_path: Path) -> None:
		"""Keys and the wheel reach all of them, and the row that has the focus stays."""
		page = editor.page
		nodes = {f'n{index}': {'kind': 'EmptyImage', 'inputs': {}, 'title': f'Node {index}'} for index in range(2000)}
		places = {name: {'x': 300 * (index % 50), 'y': 200 * (index // 50)} for index, name in enumerate(nodes)}
		file = tmp_path / 'many.json'
		file.write_text(json.dumps({'lumengraph': 2, 'title': 'Many', 'nodes': nodes, 'layout': {'nodes': places}}))
		page.get_by_test_id('workflow-file').set_input_files(file)
		expect(page.get_by_test_id('workflow-title')).to_have_value('Many')
		page.keyboard.press('Alt+2')
		tree = page.get_by_test_id('outline-tree')
		rows = tree.get_by_role('treeitem')
		first = page.get_by_test_id('outline-tree-n0')
		expect(first).to_have_attribute('aria-setsize', '2000')
		assert rows.count() < 120
		first.focus()
		page.keyboard.press('End')
		last = page.get_by_test_id('outline-tree-n1999')
		expect(last).to_be_focused()
		expect(last).to_be_in_viewport()
		expect(last).to_have_attribute('aria-posinset', '2000')
		page.keyboard.press('ArrowUp')
		expect(page.get_by_test_id('outline-tree-n1998')).to_be_focused()
		expect(first).to_have_count(0)
		tree.hover()
		page.mouse.wheel(0, -100_000)
		expect(first).to_be_in_viewport()
		expect(page.get_by_test_id('outline-tree-n1998')).to_be_focused()
		page.keyboard.press('ArrowDown')
		expect(last).to_be_focused()
		expect(last).to_be_in_viewport()
		page.keyboard.press('Enter')
		expect(page.get_by_test_id('node-n1999')).to_be_in_viewport()
		assert rows.count() < 120
		assert editor.complaints == []

	def test_input_of_a_subgraph_keeps_its_name_after_escape(self, editor: Editor) -> None:
		"""What was typed is dropped."""
		page = editor.page
		page.evaluate("window.lumengraph.select(['positive'])")
		page.keyboard.press('Control+Shift+G')
		page.keyboard.press('Alt+ArrowDown')
		name = page.get_by_test_id('subgraph-inputs').locator('.boundary-name').first
		before = str(name.text_content())
		name.click()
		page.get_by_test_id('subgraph-inputs').get_by_role('textbox').fill('Dropped')
		page.keyboard.press('Escape')

		expect(name).to_have_text(before)
