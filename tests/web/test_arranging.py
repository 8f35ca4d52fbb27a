"""What a graph is arranged with, in a real browser: modes, looks, frames, notes, subgraphs, layout, the overview."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Editor
from tests.web.test_building import document, drag, head, layout, middle

pytestmark = pytest.mark.browser


def select(page: Page, *nodes: str) -> None:
	"""These nodes and no others."""
	page.evaluate('nodes => window.lumengraph.select(nodes)', list(nodes))


def nodes_of(page: Page) -> dict[str, dict[str, Any]]:
	"""What would be saved of the nodes."""
	found: Any = document(page)['nodes']
	assert isinstance(found, dict)
	return found


class TestModes:
	@pytest.mark.parametrize(('key', 'mode'), [('Control+m', 'mute'), ('Control+b', 'bypass')])
	def test_a_node_is_left_out_and_taken_in_again(self, editor: Editor, key: str, mode: str) -> None:
		"""By key; it is saved so, and shown so."""
		page = editor.page
		select(page, 'negative')
		page.keyboard.press(key)
		expect(page.get_by_test_id('node-negative')).to_have_attribute('data-mode', mode)
		assert nodes_of(page)['negative']['mode'] == mode
		page.keyboard.press(key)

		expect(page.get_by_test_id('node-negative')).not_to_have_attribute('data-mode', mode)
		assert 'mode' not in nodes_of(page)['negative']

	def test_what_is_muted_is_told_before_the_run(self, editor: Editor) -> None:
		"""A sampler without its prompt cannot run; the line above the canvas says so."""
		page = editor.page
		select(page, 'positive')
		page.keyboard.press('Control+m')

		expect(page.get_by_test_id('preflight-problems')).to_be_visible()


class TestLooks:
	def test_collapsed_nodes_keep_their_links(self, editor: Editor) -> None:
		"""Only the title is left; all edges are still drawn."""
		page = editor.page
		edges = page.locator('.react-flow__edge').count()
		whole = page.get_by_test_id('node-sample').bounding_box()
		select(page, 'sample')
		page.keyboard.press('Alt+c')
		expect(page.get_by_test_id('widget-sample-steps')).not_to_be_visible()
		small = page.get_by_test_id('node-sample').bounding_box()

		assert whole is not None
		assert small is not None
		assert small['height'] < whole['height'] / 3
		assert page.locator('.react-flow__edge').count() == edges
		assert layout(page, 'nodes')['sample']['collapsed'] is True

	def test_pinned_nodes_stay(self, editor: Editor) -> None:
		"""A drag does not move them, until they are let go."""
		page = editor.page
		before = layout(page, 'nodes')['save']
		select(page, 'save')
		page.keyboard.press('p')
		x, y = middle(head(page, 'save'))
		drag(page, (x, y), (x - 80, y + 60))
		pinned = layout(page, 'nodes')['save']
		select(page, 'save')
		page.keyboard.press('p')
		# The canvas was drawn along instead.
		x, y = middle(head(page, 'save'))
		drag(page, (x, y), (x - 80, y + 60))
		moved = layout(page, 'nodes')['save']

		assert (pinned['x'], pinned['y']) == (before['x'], before['y'])
		assert (moved['x'], moved['y']) != (before['x'], before['y'])

	def test_colours_come_from_the_menu(self, editor: Editor) -> None:
		"""Of the node under the pointer; undo takes it back."""
		page = editor.page
		head(page, 'decode').click(button='right')
		page.get_by_role('menuitem', name='Blue').click()
		coloured = layout(page, 'nodes')['decode'].get('color')
		page.keyboard.press('Control+z')

		assert isinstance(coloured, str)
		assert coloured.startswith('#')
		assert 'color' not in layout(page, 'nodes')['decode']


class TestFrames:
	def test_what_lies_in_a_frame_moves_with_it(self, editor: Editor) -> None:
		"""A frame is drawn around the selected nodes, and named; its title is where it is taken hold of."""
		page = editor.page
		select(page, 'positive', 'negative')
		page.keyboard.press('Control+g')
		(name,) = layout(page, 'groups')
		frame = page.get_by_test_id(f'frame-{name}')
		frame.locator('.frame-head').dblclick()
		frame.locator('input').fill('Prompts')
		page.keyboard.press('Enter')
		expect(frame.locator('.frame-head')).to_have_text('Prompts')
		before = layout(page, 'nodes')
		box = frame.locator('.frame-head').bounding_box()
		assert box is not None
		x, y = box['x'] + box['width'] - 30, box['y'] + box['height'] / 2
		drag(page, (x, y), (x - 60, y + 90))
		after = layout(page, 'nodes')

		shifts = {
			node: (float(str(after[node]['x'])) - float(str(before[node]['x'])), after[node]['y'] != before[node]['y'])
			for node in ('positive', 'negative', 'sample')
		}
		assert shifts['positive'] == shifts['negative'] != (0, False)
		assert shifts['sample'] == (0, False)


class TestNotes:
	def test_notes_are_written_in_markdown(self, editor: Editor) -> None:
		"""What is typed is shown as headings and lists; a script in it is only text."""
		page = editor.page
		page.mouse.move(700, 780)
		before = set(layout(page, 'notes'))
		page.keyboard.press('n')
		(name,) = set(layout(page, 'notes')) - before
		note = page.get_by_test_id(f'note-{name}')
		if page.get_by_test_id(f'note-text-{name}').count() == 0:
			note.dblclick()
		page.get_by_test_id(f'note-text-{name}').fill('# Plan\n\n- one\n- **two**\n\n<script>window.bad = 1</script>')
		page.get_by_test_id(f'note-text-{name}').blur()

		expect(note.get_by_role('heading', name='Plan')).to_be_visible()
		expect(note.locator('li')).to_have_count(2)
		expect(note.locator('strong')).to_have_text('two')
		assert page.evaluate('window.bad') is None
		assert str(layout(page, 'notes')[name]['text']).startswith('# Plan')


class TestSubgraphs:
	def test_made_entered_changed_left_and_unpacked(self, editor: Editor) -> None:
		"""The way down is shown; what is changed inside is there after unpacking; undo goes back to the start."""
		page = editor.page
		start = page.evaluate('window.lumengraph.document()')
		select(page, 'positive', 'negative')
		page.keyboard.press('Control+Shift+G')
		expect(page.get_by_test_id('node-subgraph')).to_be_visible()
		select(page, 'subgraph')
		page.keyboard.press('Enter')
		expect(page.get_by_test_id('breadcrumb-0')).to_be_visible()
		assert sorted(page.evaluate('window.lumengraph.nodes()')) == ['negative', 'positive']
		page.evaluate("window.lumengraph.set('positive', 'text', 'a blue square')")
		page.get_by_test_id('breadcrumb-0').click()
		select(page, 'subgraph')
		page.keyboard.press('Control+Shift+U')
		expect(page.get_by_test_id('node-subgraph')).to_have_count(0)
		inside = nodes_of(page)['positive']['inputs']
		for _ in range(3):
			page.keyboard.press('Control+z')

		assert inside['text'] == 'a blue square'
		assert json.loads(page.evaluate('window.lumengraph.document()')) == json.loads(start)
		assert editor.complaints == []

	def test_a_widget_is_promoted(self, editor: Editor) -> None:
		"""From the menu of an input inside: it is then set at the instance, and reaches the node within."""
		page = editor.page
		select(page, 'positive')
		page.keyboard.press('Control+Shift+G')
		select(page, 'subgraph')
		page.keyboard.press('Enter')
		page.get_by_test_id('node-positive').get_by_text('text', exact=True).click(button='right')
		page.get_by_role('menuitem', name='Make it an input of the subgraph').click()
		page.get_by_test_id('breadcrumb-0').click()
		widget = page.get_by_test_id('widget-subgraph-text')
		widget.fill('a green circle')
		widget.blur()

		assert nodes_of(page)['subgraph']['inputs']['text'] == 'a green circle'


class TestLayout:
	def test_tidying_puts_each_node_behind_what_it_takes_from(self, editor: Editor) -> None:
		"""Nothing overlaps then, links go from left to right, and one undo brings all places back."""
		page = editor.page
		select(page, *nodes_of(page))
		page.keyboard.press('Alt+Shift+ArrowLeft')
		heap = layout(page, 'nodes')
		select(page)
		page.keyboard.press('Shift+t')
		page.wait_for_function(
			'before => JSON.stringify(JSON.parse(window.lumengraph.document()).layout.nodes) !== before',
			arg=json.dumps(heap, separators=(',', ':')),
		)
		boxes = {node: page.get_by_test_id(f'node-{node}').bounding_box() for node in heap}
		places = layout(page, 'nodes')
		for node, told in nodes_of(page).items():
			for value in told['inputs'].values():
				if isinstance(value, dict) and 'node' in value:
					assert float(str(places[value['node']]['x'])) < float(str(places[node]['x']))
		found = [box for box in boxes.values() if box is not None]
		assert len(found) == len(heap)
		for one in found:
			for other in found:
				apart = (
					one['x'] + one['width'] <= other['x']
					or other['x'] + other['width'] <= one['x']
					or one['y'] + one['height'] <= other['y']
					or other['y'] + other['height'] <= one['y']
				)
				assert one is other or apart
		page.keyboard.press('Control+z')
		assert layout(page, 'nodes') == heap


class TestOverview:
	def test_a_click_in_the_overview_goes_there(self, editor: Editor) -> None:
		"""What lies there is in the middle of the canvas then."""
		page = editor.page
		select(page, 'save')
		canvas = page.locator('.react-flow__pane').bounding_box()
		mini = page.locator('.mini-node').last.bounding_box()
		assert canvas is not None
		assert mini is not None
		page.mouse.click(mini['x'] + mini['width'] / 2, mini['y'] + mini['height'] / 2)
		page.wait_for_function(
			"""([x, y]) => [...document.querySelectorAll('[data-testid^=node-]')].some((node) => {
				const box = node.getBoundingClientRect();
				return Math.abs(box.x + box.width / 2 - x) < 60 && Math.abs(box.y + box.height / 2 - y) < 60;
			})""",
			arg=[canvas['x'] + canvas['width'] / 2, canvas['y'] + canvas['height'] / 2],
		)


class TestText:
	def test_copies_are_text_for_others(self, editor: Editor) -> None:
		"""What lies in the clipboard is JSON of the native format, and such text is pasted as nodes."""
		page = editor.page
		page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
		select(page, 'positive')
		page.keyboard.press('Control+c')
		text = page.evaluate('navigator.clipboard.readText()')
		copied = json.loads(text)
		page.keyboard.press('Control+v')
		expect(page.get_by_test_id('node-positive_2')).to_be_visible()

		assert copied['nodes']['positive']['kind'] == 'CLIPTextEncode'
		assert nodes_of(page)['positive_2']['inputs']['text'] == nodes_of(page)['positive']['inputs']['text']
