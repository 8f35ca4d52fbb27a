"""Python clients from PyPI, as their users use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.conftest import Document
from tests.clients.running import Report, python, run_client, seen
from tests.serving import Server


class TestComfyApiSimplified:
	"""It posts a prompt, then connects, and waits for the end; pictures come by the history and /view."""

	@pytest.fixture(scope='class')
	def report(self, served: Server, exported: Document, tmp_path_factory: pytest.TempPathFactory) -> Report:
		"""What it brought back."""
		folder = tmp_path_factory.mktemp('simplified')
		return run_client(python('comfy_api_simplified'), 'simplified.py', served.url, exported, folder)

	def test_picture(self, report: Report) -> None:
		"""The picture is the one that the changed prompt asks for, under the name that the server gave it."""
		[name] = report.told['pictures']

		assert name.startswith('text_to_image_')
		assert report.picture(name).size == (128, 128)
		assert seen(report.picture(name)) == ('green', 'white')

	def test_queue(self, report: Report) -> None:
		"""What waits has a place, and runs once what is before it was interrupted."""
		assert report.told['places'] == [1, 1]
		assert report.told['ends'] == ['error', 'success']

	def test_refusal(self, report: Report) -> None:
		"""A prompt that is wrong is refused with a status."""
		assert '400' in report.told['refused']

	def test_upload(self, report: Report, served: Server) -> None:
		"""A picture lies where the answer says."""
		uploaded = report.told['uploaded']
		sent = Path(report.folder, 'mine.bmp').read_bytes()

		assert uploaded == {'name': 'mine.bmp', 'subfolder': 'theirs', 'type': 'input'}
		assert (served.base / 'input' / 'theirs' / 'mine.bmp').read_bytes() == sent

	def test_discovery(self, report: Report) -> None:
		"""Nodes, devices and embeddings are told as it expects."""
		assert {'Prompt', 'KSampler', 'Save Image'} <= set(report.told['titles'])
		assert {'seed', 'steps', 'sampler_name'} <= set(report.told['inputs'])
		assert report.told['devices'] == 1
		assert report.told['embeddings'] == []


class TestComfyScript:
	"""It makes functions of /object_info, watches the WebSocket all the time, and reads the history at the end."""

	@pytest.fixture(scope='class')
	def report(self, served: Server, exported: Document, tmp_path_factory: pytest.TempPathFactory) -> Report:
		"""What it brought back."""
		folder = tmp_path_factory.mktemp('script')
		return run_client(python('comfy_script'), 'script.py', f'{served.url}/', exported, folder)

	def test_picture(self, report: Report) -> None:
		"""The workflow, called function by function, gives the picture of its prompt."""
		assert report.told['formats'] == ['PNG']
		assert report.picture('0.png').size == (128, 128)
		assert seen(report.picture('0.png')) == ('red', 'white')

	def test_progress(self, report: Report) -> None:
		"""Every sampling step since it began to listen was told."""
		values = [value for value, _ in report.told['ticks']]

		assert {most for _, most in report.told['ticks']} == {20}
		assert values == list(range(values[0], 21))

	def test_cancelled(self, report: Report) -> None:
		"""An interrupted workflow ends for it too, without a result."""
		assert report.told['cancelled']
