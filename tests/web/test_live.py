"""What the editor shows of a run while it goes on, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Editor
from tests.web.test_running import api

pytestmark = pytest.mark.browser
RUN_MILLISECONDS = 120_000


class TestLive:
	def test_progress_preview_and_time_left(self, editor: Editor) -> None:
		"""At the sampler and for the whole job; the preview gives way to the end; interrupting ends it."""
		page = editor.page
		page.evaluate("window.lumengraph.set('sample', 'steps', 10000)")
		page.get_by_test_id('queue-button').click()
		expect(page.get_by_test_id('preview-sample')).to_be_visible(timeout=RUN_MILLISECONDS)
		bar = page.get_by_test_id('progress-sample')
		expect(bar).to_have_attribute('aria-valuemax', '10000')
		expect(bar).to_have_attribute('aria-valuenow', re.compile('^[1-9]'))
		expect(page.get_by_test_id('job-progress')).to_have_attribute('aria-valuenow', re.compile(r'^\d+$'))
		expect(page.get_by_test_id('job-progress')).to_contain_text('left', timeout=RUN_MILLISECONDS)
		page.get_by_test_id('interrupt-button').click()
		expect(page.get_by_test_id('job-progress')).to_have_count(0, timeout=RUN_MILLISECONDS)

		expect(page.get_by_test_id('progress-sample')).to_have_count(0)
		assert editor.complaints == []

	def test_what_the_cache_has_is_shown_so(self, editor: Editor) -> None:
		"""A second run of the same graph calls nothing: its picture comes back, its nodes say where from."""
		page = editor.page
		page.evaluate("window.lumengraph.set('sample', 'steps', 2)")
		for state in ('done', 'cached'):
			page.get_by_test_id('queue-button').click()
			expect(page.get_by_test_id('status-save')).to_have_attribute('data-state', state, timeout=RUN_MILLISECONDS)

		expect(page.get_by_test_id('image-save').first).to_be_visible()
		expect(page.get_by_test_id('status-sample')).to_have_attribute('data-state', 'cached')

	def test_one_click_queues_several(self, editor: Editor) -> None:
		"""As many as the number beside the button says; they are counted at it."""
		page = editor.page
		api(editor, 'POST', '/v1/queue/pause')
		try:
			page.get_by_label('How many runs one click queues').fill('3')
			page.get_by_test_id('queue-button').click()

			expect(page.get_by_test_id('queue-count')).to_have_text('3')
			assert len(api(editor, 'GET', '/v1/queue')['queued']) == 3
		finally:
			api(editor, 'POST', '/v1/queue/clear')
			api(editor, 'POST', '/v1/queue/resume')
