"""What workers write, and what they must not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.jobs import JobState
from tests.engine.shop import Shop, opened, poll
from tests.engine.test_seat import DEADLY, failure_of

pytestmark = pytest.mark.asyncio(loop_scope='module')


@pytest_asyncio.fixture(scope='module', loop_scope='module')
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
	"""One worker for all."""
	async with opened(tmp_path_factory.mktemp('shop'), DEADLY) as made:
		yield made


class TestOutput:
	async def test_lines_are_handed_on(self, shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
		"""To whoever asked for them, with the worker's name, and to the server's own output."""
		await shop.ended(
			shop.submit(
				{'say': ('Say', {'text': r'10%\r20%\rfull \xe2\x82\xac \xff'}), 'see': ('See', {'value': ('say', 0)})}
			)
		)
		await poll(lambda: ('worker-1', 'full € \ufffd') in shop.lines)
		seen = ''

		def echoed() -> bool:
			nonlocal seen
			seen += capfd.readouterr().err
			return '[worker-1] full € \ufffd\n' in seen

		await poll(echoed)
		assert '10%' not in seen

	async def test_a_listener_that_fails(
		self, shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
	) -> None:
		"""It is told in the log; the worker is read all the same."""
		pid = shop.pid
		with monkeypatch.context() as patch:
			patch.setattr(shop.supervisor, 'on_line', lambda name, text: 1 // 0)
			await shop.ended(shop.submit({'say': ('Say', {'text': 'unheard'}), 'see': ('See', {'value': ('say', 0)})}))
			await poll(lambda: 'could not be handed on' in caplog.text)
		await shop.ended(shop.submit({'say': ('Say', {'text': 'heard'}), 'see': ('See', {'value': ('say', 0)})}))
		await poll(lambda: ('worker-1', 'heard') in shop.lines)

		assert ('worker-1', 'unheard') not in shop.lines
		assert shop.pid == pid

	async def test_more_than_anybody_reads(self, shop: Shop) -> None:
		"""A chatty worker comes to its end, and so do lines without one."""
		await shop.idle()
		pid = shop.pid
		lines = await shop.ended(
			shop.submit({'say': ('Say', {'text': 'x' * 99, 'times': 100_000}), 'see': ('See', {'value': ('say', 0)})})
		)
		line = await shop.ended(
			shop.submit(
				{'say': ('Say', {'text': 'y' * 100, 'times': 50_000, 'end': ''}), 'see': ('See', {'value': ('say', 0)})}
			)
		)

		await shop.ended(shop.submit({'say': ('Say', {'text': ''}), 'see': ('See', {'value': ('say', 0)})}))

		assert (lines.state, line.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
		assert max(len(text) for _, text in shop.lines) < 10_000
		assert shop.pid == pid
		shop.lines.clear()


class TestSecrets:
	async def test_they_reach_the_node_and_nothing_else(
		self, shop: Shop, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
	) -> None:
		"""A node has them; events, failures, lines and the log have not, even where a node tells them."""
		caplog.set_level(0)
		secret, path = 'sk-very-secret', tmp_path / 'used'
		job = await shop.ended(
			shop.submit({'tell': ('Tell', {'path': str(path)})}, secrets={'api_key_comfy_org': secret})
		)
		await poll(lambda: any('the key is ***' in text for _, text in shop.lines))
		crashed = await shop.ended(
			shop.submit({'tell': ('Tell', {'path': str(path), 'crash': True})}, secrets={'api_key_comfy_org': secret})
		)

		assert path.read_text() == secret
		assert failure_of(job).message == 'nobody takes ***'
		assert any('the key is ***' in line for line in failure_of(crashed).log)
		assert secret not in repr(shop.events) + repr(job) + repr(shop.lines) + caplog.text
		assert secret not in ''.join(event.model_dump_json() for event in shop.events)
		assert secret not in capfd.readouterr().err
