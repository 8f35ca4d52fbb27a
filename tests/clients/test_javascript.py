"""A JavaScript client from npm, as its users use it."""

from __future__ import annotations

import pytest

from tests.clients.conftest import Document
from tests.clients.running import Report, node, run_client, seen
from tests.serving import Server


class TestStableCanvas:
	"""It puts its id into every URL, waits for messages or polls, and is told of every frame."""

	@pytest.fixture(scope='class')
	def report(self, served: Server, exported: Document, tmp_path_factory: pytest.TempPathFactory) -> Report:
		"""What it brought back."""
		folder = tmp_path_factory.mktemp('stable-canvas')
		return run_client(node(), 'stable_canvas.mjs', served.url, exported, folder)

	@pytest.mark.parametrize('name', ['watched', 'polled'])
	def test_picture(self, report: Report, name: str) -> None:
		"""One picture comes whether it waits for messages or polls; no preview is taken for another."""
		picture = report.picture(f'{name}-0.png')

		assert report.told['types'] == ['image/png', 'image/png']
		assert picture.size == (128, 128)
		assert seen(picture) == ('red', 'white')

	def test_progress(self, report: Report) -> None:
		"""Every sampling step since it began to listen was told."""
		first = report.told['ticks'][0][0]

		assert report.told['ticks'] == [[value, 20] for value in range(first, 21)]

	def test_interrupt(self, report: Report) -> None:
		"""Its own job is stopped, and it hears that."""
		assert report.told['interrupted'] is True
		assert report.told['queue'] == {'Running': [], 'Pending': []}

	def test_refusal(self, report: Report) -> None:
		"""A prompt that is wrong is refused with a status, a reason and the node; it numbers nodes from 1."""
		assert report.told['refused'] == [400, 'prompt_outputs_failed_validation', ['5']]

	def test_history(self, report: Report) -> None:
		"""Jobs are listed, and forgotten when it asks for that."""
		assert report.told['left'] == report.told['history'] - 1

	def test_discovery(self, report: Report) -> None:
		"""Choices are lists where it looks for them."""
		assert report.told['models'] == ['lumen-demo.safetensors']
		assert 'euler' in report.told['samplers']
		assert 'karras' in report.told['schedulers']
		assert report.told['extensions'] == report.told['embeddings'] == []
		assert {'KSampler', 'SaveImage'} <= set(report.told['kinds'])

	def test_models(self, report: Report) -> None:
		"""Model files are listed with their size, and their metadata can be read."""
		[checkpoint] = report.told['checkpoints']

		assert {'checkpoints', 'loras', 'vae'} <= set(report.told['folders'])
		assert checkpoint['name'] == 'lumen-demo.safetensors'
		assert checkpoint['size'] > 2**20
		assert isinstance(report.told['metadata'], dict)

	def test_user(self, report: Report) -> None:
		"""Settings and files are kept for the one user."""
		value = {'colors': ['red', 1]}

		assert report.told['users']['storage'] == 'server'
		assert 'users' not in report.told['users']
		assert report.told['setting'] == report.told['settings']['Tests.Palette'] == value
		assert report.told['unset'] is None
		assert report.told['file'] == {'kept': True}
