"""Work is never lost: saving, versions, conflicts, and what is there again after any crash."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.serving import Server, serving
from tests.web.conftest import Editor

pytestmark = pytest.mark.browser
PATIENCE_MS = 60_000
VIEW = ViewportSize(width=1600, height=900)


def open_editor(context: BrowserContext, server: Server) -> Page:
	"""A page with the editor ready."""
	page = context.new_page()
	page.goto(server.url)
	ready(page)
	return page


def ready(page: Page) -> None:
	"""Wait until the editor can be used."""
	page.get_by_test_id('editor-ready').wait_for(state='attached', timeout=PATIENCE_MS)


def reload(page: Page) -> None:
	"""Load the page again, and wait until it can be used."""
	page.reload()
	ready(page)


def set_steps(page: Page, value: int) -> None:
	"""Type into a widget and leave it."""
	widget = page.get_by_test_id('widget-sample-steps')
	widget.fill(str(value))
	widget.blur()


def expect_steps(page: Page, value: int) -> None:
	"""What the widget shows."""
	expect(page.get_by_test_id('widget-sample-steps')).to_have_value(str(value))


def press(page: Page, keys: str) -> None:
	"""Press keys on the canvas, outside of any field."""
	page.evaluate('document.activeElement?.blur()')
	page.keyboard.press(keys)


def save_as(page: Page, name: str) -> None:
	"""Save what is on the canvas under a new name."""
	press(page, 'Control+Alt+s')
	page.get_by_test_id('save-name').fill(name)
	page.get_by_test_id('save-confirm').click()
	expect(page.get_by_test_id('save-name')).to_have_count(0)


def tabs(page: Page) -> Locator:
	"""The open workflows."""
	return page.locator('[data-testid^=tab-][role=tab]')


def ask(server: Server, path: str) -> Any:
	"""What the server answers."""
	with urllib.request.urlopen(f'{server.url}/{path}') as answer:
		return json.load(answer)


def put_steps(server: Server, name: str, steps: int) -> None:
	"""Save a workflow as somebody else would."""
	document = ask(server, f'v1/workflows/{name}')
	document['nodes']['sample']['inputs']['steps'] = steps
	request = urllib.request.Request(
		f'{server.url}/v1/workflows/{name}', data=json.dumps(document).encode(), method='PUT'
	)
	urllib.request.urlopen(request).close()


def kept_drafts(page: Page, server: Server, count: int) -> list[Any]:
	"""The server's drafts, once there are so many."""
	for _ in range(100):
		drafts: list[Any] = ask(server, 'v1/drafts')['drafts']
		if len(drafts) == count:
			return drafts
		page.wait_for_timeout(100)
	raise AssertionError(f'{count} drafts were expected, there are {drafts}.')


def wait_until_kept(page: Page) -> None:
	"""Wait until the browser's database holds what is on the canvas."""
	page.wait_for_timeout(400)


class TestSaving:
	"""On the server, by name."""

	def test_save_and_open_again(self, editor: Editor) -> None:
		"""The first time asks for a name; after that Ctrl+S is enough, and the mark of unsaved edits goes."""
		page = editor.page
		set_steps(page, 11)
		expect(page.locator('.tab .changed')).to_have_count(1)
		save_as(page, 'kept: by "me"')

		expect(page.locator('.tab .changed')).to_have_count(0)
		assert ask(editor.server, 'v1/workflows/kept%20by%20me')['nodes']['sample']['inputs']['steps'] == 11

		set_steps(page, 12)
		press(page, 'Control+s')
		expect(page.locator('.tab .changed')).to_have_count(0)

		assert ask(editor.server, 'v1/workflows/kept%20by%20me')['nodes']['sample']['inputs']['steps'] == 12
		press(page, 'Control+z')
		expect(page.locator('.tab .changed')).to_have_count(1)
		press(page, 'Control+y')
		expect(page.locator('.tab .changed')).to_have_count(0)
		assert editor.complaints == []

	def test_what_comes_with_the_program_is_not_written_over(self, editor: Editor) -> None:
		"""The dialog says why, and takes another name; a name that is taken is replaced only after asking."""
		page = editor.page
		set_steps(page, 13)
		press(page, 'Control+s')
		page.get_by_test_id('save-name').fill('text_to_image')
		page.get_by_test_id('save-confirm').click()
		expect(page.get_by_test_id('save-refused')).to_contain_text('comes with the program')
		page.get_by_test_id('save-name').fill('asked')
		page.get_by_test_id('save-confirm').click()
		expect(page.get_by_test_id('save-name')).to_have_count(0)
		set_steps(page, 14)
		press(page, 'Control+Alt+s')
		page.get_by_test_id('save-name').fill('asked')
		page.get_by_test_id('save-confirm').click()
		expect(page.get_by_test_id('save-refused')).to_contain_text('already')
		assert ask(editor.server, 'v1/workflows/asked')['nodes']['sample']['inputs']['steps'] == 13
		page.get_by_test_id('save-confirm').click()
		expect(page.get_by_test_id('save-name')).to_have_count(0)

		assert ask(editor.server, 'v1/workflows/asked')['nodes']['sample']['inputs']['steps'] == 14


class TestVersions:
	"""What a workflow was, and what was done to it."""

	def test_compare_and_restore(self, editor: Editor) -> None:
		"""The panel lists what was saved before, says in words what restoring changes, and undo takes it back."""
		page = editor.page
		set_steps(page, 5)
		save_as(page, 'versioned')
		set_steps(page, 6)
		press(page, 'Control+s')
		expect(page.locator('.tab .changed')).to_have_count(0)
		page.get_by_test_id('panel-versions').click()
		version = page.locator('[data-testid^=version-]')
		expect(version).to_have_count(1)
		version.get_by_role('button', name='Compare').click()
		expect(version.get_by_test_id('differences')).to_contain_text('6 → 5')
		version.get_by_role('button', name='Restore').click()
		expect_steps(page, 5)
		press(page, 'Control+z')
		expect_steps(page, 6)

	def test_edits_can_be_jumped_to(self, editor: Editor) -> None:
		"""Each edit is a line in words; a click goes there, forwards and backwards."""
		page = editor.page
		before = page.get_by_test_id('widget-sample-steps').input_value()
		page.get_by_test_id('panel-versions').click()
		set_steps(page, 5)
		page.get_by_test_id('node-decode').locator('header').click()
		press(page, 'Delete')
		expect(page.get_by_test_id('edit-1')).to_contain_text('steps of')
		expect(page.get_by_test_id('edit-2')).to_contain_text('removed')
		page.get_by_test_id('edit-0').click()
		expect(page.get_by_test_id('node-decode')).to_be_visible()
		expect_steps(page, int(before))
		page.get_by_test_id('edit-2').click()
		expect(page.get_by_test_id('node-decode')).to_have_count(0)
		expect_steps(page, 5)


class TestConflicts:
	"""Somebody else saves the same workflow."""

	@pytest.fixture
	def stale(self, editor: Editor, request: pytest.FixtureRequest) -> str:
		"""The name of a workflow that is edited here (21 steps) and was saved with 30 by somebody else."""
		name = f'shared {request.node.name}'.replace('[', ' ').replace(']', '')[:50].strip()
		set_steps(editor.page, 20)
		save_as(editor.page, name)
		set_steps(editor.page, 21)
		quoted = name.replace(' ', '%20')
		put_steps(editor.server, quoted, 30)
		press(editor.page, 'Control+s')
		expect(editor.page.get_by_test_id('conflict')).to_be_visible()
		return quoted

	def stored(self, editor: Editor, name: str) -> int:
		"""The steps that the server has."""
		steps: int = ask(editor.server, f'v1/workflows/{name}')['nodes']['sample']['inputs']['steps']
		return steps

	def test_difference_then_overwrite(self, editor: Editor, stale: str) -> None:
		"""The difference is told in words; overwriting keeps theirs among the versions."""
		page = editor.page
		page.get_by_test_id('conflict-compare').click()
		expect(page.get_by_test_id('differences')).to_contain_text('30 → 21')
		assert self.stored(editor, stale) == 30
		page.get_by_test_id('conflict-overwrite').click()
		expect(page.get_by_test_id('conflict')).to_have_count(0)

		assert self.stored(editor, stale) == 21
		assert len(ask(editor.server, f'v1/workflows/{stale}/versions')['versions']) == 2

	def test_take_theirs(self, editor: Editor, stale: str) -> None:
		"""Theirs comes onto the canvas, saved; undo brings back one's own."""
		page = editor.page
		page.get_by_test_id('conflict-take').click()
		expect_steps(page, 30)
		expect(page.locator('.tab .changed')).to_have_count(0)
		press(page, 'Control+z')
		expect_steps(page, 21)
		press(page, 'Control+s')
		expect(page.locator('.tab .changed')).to_have_count(0)

		assert self.stored(editor, stale) == 21

	def test_another_name(self, editor: Editor, stale: str) -> None:
		"""Both are kept."""
		page = editor.page
		page.get_by_test_id('conflict-other').click()
		page.get_by_test_id('save-name').fill('mine beside theirs')
		page.get_by_test_id('save-confirm').click()
		expect(page.get_by_test_id('save-name')).to_have_count(0)

		assert (self.stored(editor, stale), self.stored(editor, 'mine%20beside%20theirs')) == (30, 21)

	def test_two_windows(self, editor: Editor) -> None:
		"""Each is told that the other is there, and at once when the other has saved."""
		page = editor.page
		save_as(page, 'in two windows')
		other = open_editor(page.context, editor.server)
		other.get_by_test_id('workflow-menu').click()
		other.get_by_test_id('workflow-in two windows').click()
		expect(page.get_by_test_id('notice-twice')).to_be_visible()
		expect(other.get_by_test_id('notice-twice')).to_be_visible()
		set_steps(other, 9)
		press(other, 'Control+s')
		expect(page.get_by_test_id('notice-changed')).to_be_visible()
		page.get_by_test_id('notice-look').click()
		page.get_by_test_id('conflict-take').click()
		expect_steps(page, 9)
		other.close()

	def test_noticed_when_one_comes_back(self, editor: Editor) -> None:
		"""A change on the server is seen when the window has the focus again, before anything is saved."""
		page = editor.page
		save_as(page, 'looked after')
		put_steps(editor.server, 'looked%20after', 31)
		page.evaluate("window.dispatchEvent(new Event('focus'))")
		expect(page.get_by_test_id('notice-changed')).to_be_visible()


class TestReload:
	"""The page goes away and comes back."""

	def test_tabs_and_undo_come_back(self, editor: Editor) -> None:
		"""All documents, the one that was on the canvas, and every step of its log; what was undone can be redone."""
		page = editor.page
		before = int(page.get_by_test_id('widget-sample-steps').input_value())
		set_steps(page, 7)
		page.get_by_test_id('node-decode').locator('header').click()
		press(page, 'Delete')
		press(page, 'Control+z')
		press(page, 'Alt+n')
		page.get_by_test_id('workflow-title').fill('Second')
		tabs(page).first.click()
		wait_until_kept(page)
		reload(page)

		expect(tabs(page)).to_have_count(2)
		expect(tabs(page).nth(1)).to_have_text('Second')
		expect(tabs(page).first).to_have_attribute('aria-selected', 'true')
		expect_steps(page, 7)
		press(page, 'Control+y')
		expect(page.get_by_test_id('node-decode')).to_have_count(0)
		press(page, 'Control+z')
		press(page, 'Control+z')
		expect_steps(page, before)
		assert editor.complaints == []

	def test_undo_reaches_into_subgraphs(self, editor: Editor) -> None:
		"""A subgraph that was made and edited before the reload is undone after it."""
		page = editor.page
		page.get_by_test_id('node-sample').locator('header').click()
		press(page, 'Control+Shift+g')
		page.locator('[data-testid^=enter-]').click()
		set_steps(page, 3)
		wait_until_kept(page)
		reload(page)
		expect_steps(page, 3)
		press(page, 'Control+z')
		expect(page.get_by_test_id('widget-sample-steps')).not_to_have_value('3')
		press(page, 'Control+z')
		expect(page.get_by_test_id('node-sample')).to_be_visible()
		expect(page.locator('[data-testid^=enter-]')).to_have_count(0)

	def test_what_an_earlier_editor_kept_is_taken_over(self, editor: Editor) -> None:
		"""It opens in a tab, and is removed from where it was."""
		page = editor.page
		former = {'lumengraph': 2, 'title': 'Former', 'nodes': {'a': {'kind': 'EmptyImage', 'inputs': {}}}}
		page.evaluate("text => localStorage.setItem('lumengraph.autosave', text)", json.dumps(former))
		reload(page)
		expect(tabs(page).filter(has_text='Former')).to_be_visible()
		assert page.evaluate("localStorage.getItem('lumengraph.autosave')") is None
		reload(page)
		expect(tabs(page).filter(has_text='Former')).to_have_count(1)

	def test_closed_tab_comes_back(self, editor: Editor) -> None:
		"""With its edits."""
		page = editor.page
		set_steps(page, 8)
		press(page, 'Alt+w')
		expect(page.get_by_test_id('node-sample')).to_have_count(0)
		press(page, 'Alt+Shift+w')
		expect_steps(page, 8)

	def test_closed_tab_comes_back_after_a_reload(self, editor: Editor) -> None:
		"""With what can be undone in it, though it was saved nowhere."""
		page = editor.page
		before = int(page.get_by_test_id('widget-sample-steps').input_value())
		set_steps(page, 8)
		press(page, 'Alt+w')
		expect(page.get_by_test_id('node-sample')).to_have_count(0)
		wait_until_kept(page)
		reload(page)
		expect(page.get_by_test_id('node-sample')).to_have_count(0)
		press(page, 'Alt+Shift+w')
		expect_steps(page, 8)
		press(page, 'Control+z')

		expect_steps(page, before)


class TestCrashes:
	"""Of the server, of the browser."""

	@pytest.fixture
	def context(self, browser: Browser) -> Iterator[BrowserContext]:
		"""A browser of its own."""
		context = browser.new_context(viewport=VIEW)
		yield context
		context.close()

	def test_server_is_killed(self, context: BrowserContext, tmp_path: Path) -> None:
		"""Edits go on while it is away; when it is back, the page, a reload and another browser have all of them."""
		with serving(tmp_path) as server:
			page = open_editor(context, server)
			set_steps(page, 7)
			kept_drafts(page, server, 1)
			server.process.kill()
			server.process.wait()
			set_steps(page, 8)
			expect(page.get_by_test_id('connection-state')).to_have_attribute('data-state', 'lost')
		port = server.url.rsplit(':', 1)[1].strip('/')
		with serving(tmp_path, '--port', port) as again:
			expect(page.get_by_test_id('connection-state')).to_have_attribute('data-state', 'open', timeout=PATIENCE_MS)
			expect_steps(page, 8)
			(draft,) = kept_drafts(page, again, 1)
			page.wait_for_function(
				"""async ([url, id]) => (await (await fetch(`${url}/v1/drafts/${id}`)).json())
				.document.nodes.sample.inputs.steps === 8""",
				arg=[again.url.rstrip('/'), draft['id']],
				timeout=PATIENCE_MS,
			)
			reload(page)
			expect_steps(page, 8)
			press(page, 'Control+z')
			expect_steps(page, 7)

	def test_browser_is_gone(self, browser: Browser, tmp_path: Path) -> None:
		"""Another one offers what was left unsaved, opens it only when asked, and it is kept until then."""
		with serving(tmp_path) as server:
			first = browser.new_context(viewport=VIEW)
			page = open_editor(first, server)
			set_steps(page, 7)
			kept_drafts(page, server, 1)
			set_steps(page, 8)
			page.close(run_before_unload=True)
			first.close()
			second = browser.new_context(viewport=VIEW)
			page = open_editor(second, server)
			expect(page.get_by_test_id('notice-drafts')).to_be_visible()
			expect(tabs(page)).to_have_count(1)
			expect(page.get_by_test_id('widget-sample-steps')).not_to_have_value('8')
			page.get_by_test_id('drafts-restore').click()
			expect(page.get_by_test_id('notice-drafts')).to_have_count(0)
			expect(tabs(page)).to_have_count(2)
			expect_steps(page, 8)
			save_as(page, 'rescued')
			kept_drafts(page, server, 0)
			second.close()

	def test_drafts_can_be_refused(self, browser: Browser, context: BrowserContext, tmp_path: Path) -> None:
		"""They are gone then; those of a browser that is still there are not offered to another."""
		with serving(tmp_path) as server:
			first = browser.new_context(viewport=VIEW)
			page = open_editor(first, server)
			set_steps(page, 7)
			kept_drafts(page, server, 1)
			other = open_editor(context, server)
			expect(other.get_by_test_id('connection-state')).to_have_attribute('data-state', 'open')
			expect(other.get_by_test_id('notice-drafts')).to_have_count(0)
			first.close()
			reload(other)
			other.get_by_test_id('drafts-discard').click()
			kept_drafts(other, server, 0)

	def test_same_browser_takes_up_the_window_that_was_closed(
		self, context: BrowserContext, editor_server: Server
	) -> None:
		"""A new window has the tabs of the last one that was closed, with their logs."""
		page = open_editor(context, editor_server)
		set_steps(page, 6)
		wait_until_kept(page)
		page.close()
		again = open_editor(context, editor_server)
		expect_steps(again, 6)
		press(again, 'Control+z')
		expect(again.get_by_test_id('widget-sample-steps')).not_to_have_value('6')
