"""A client like Krita's plugin against a real server, from connecting to the picture."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from tests.clients.conftest import Document
from tests.clients.krita import Krita, connected
from tests.clients.running import seen
from tests.serving import Server


@pytest.fixture
async def krita(served: Server) -> AsyncIterator[Krita]:
	"""The client, connected."""
	async with connected(served.url) as krita:
		yield krita


def opened(data: bytes) -> Image.Image:
	"""A PNG as a picture."""
	with Image.open(io.BytesIO(data)) as picture:
		assert picture.format == 'PNG'
		return picture.convert('RGB')


def sending(demo: Document) -> Document:
	"""The workflow with its picture sent over the socket, not saved."""
	[decoder] = [id for id, node in demo.items() if node['class_type'] == 'VAEDecode']
	[saver] = [id for id, node in demo.items() if node['class_type'] == 'SaveImage']
	send = {'class_type': 'TestingSend', 'inputs': {'images': [decoder, 0], 'format': 'PNG'}}
	return {**{id: node for id, node in demo.items() if id != saver}, 'send': send}


class TestConnecting:
	async def test_learns_what_there_is(self, krita: Krita) -> None:
		"""Features over the socket; nodes with lists of files where it looks for them."""
		nodes = await krita.get('/object_info')
		listed = nodes['CheckpointLoaderSimple']['input']['required']['ckpt_name'][0]

		assert krita.flags['max_upload_size'] > 2**20
		assert listed == ['lumen-demo.safetensors']
		assert 'euler' in nodes['KSampler']['input']['required']['sampler_name'][0]


class TestRunning:
	async def test_downloads_the_picture(self, krita: Krita, demo: Document) -> None:
		"""Every node and every sampling step is counted; `executed` says where the picture lies."""
		demo['sample']['inputs'] |= {'seed': 5, 'steps': 12}
		demo['positive']['inputs']['text'] = 'a yellow square on a green background'
		outcome = await krita.run(demo)
		[image] = outcome.saved
		picture = opened(await krita.view(image))

		assert (outcome.state, outcome.nodes, outcome.samples) == ('finished', len(demo), 12)
		assert (outcome.sent, outcome.previews) == ([], 0)
		assert picture.size == (128, 128)
		assert seen(picture) == ('yellow', 'green')

	async def test_is_told_again_of_what_is_cached(self, krita: Krita, demo: Document) -> None:
		"""The same job again has the same picture, with all nodes counted though none runs."""
		first = await krita.run(demo)
		again = await krita.run(demo)

		assert again.saved == first.saved != []
		assert (again.state, again.nodes, again.samples) == ('finished', len(demo), 0)

	async def test_takes_the_picture_from_the_socket(self, krita: Krita, demo: Document) -> None:
		"""A PNG in the preview channel is the result: the very picture that would have been saved."""
		[image] = (await krita.run(demo)).saved
		outcome = await krita.run(sending(demo))
		[sent] = outcome.sent

		assert outcome.state == 'finished'
		assert outcome.saved == []
		assert opened(sent).tobytes() == opened(await krita.view(image)).tobytes()

	async def test_tells_previews_from_results(self, krita: Krita, demo: Document) -> None:
		"""Previews that it asked for are JPEG; the result is the one PNG."""
		demo['sample']['inputs'] |= {'seed': 6, 'steps': 5}
		outcome = await krita.run(sending(demo), extra_data={'preview_method': 'auto'})

		assert outcome.previews > 0
		assert len(outcome.sent) == 1

	async def test_uploads_what_it_works_on(self, krita: Krita) -> None:
		"""A layer comes up, and back as it was."""
		layer = Image.effect_noise((16, 8), 80).convert('RGB')
		stream = io.BytesIO()
		layer.save(stream, 'PNG')
		placed = await krita.upload('layer.png', stream.getvalue())
		outcome = await krita.run(
			{
				'1': {'class_type': 'LoadImage', 'inputs': {'image': placed['name']}},
				'2': {'class_type': 'TestingSend', 'inputs': {'images': ['1', 0], 'format': 'PNG'}},
			}
		)

		assert opened(outcome.sent[0]).tobytes() == layer.tobytes()


class TestStopping:
	async def test_interrupts_its_job(self, krita: Krita, demo: Document) -> None:
		"""The running job stops, it hears so, and the next one works."""
		demo['sample']['inputs'] |= {'seed': 7, 'steps': 10_000}
		long = await krita.enqueue(demo)
		await krita.follow(long, until='progress')
		await krita.post('/interrupt', {'prompt_id': long.job})
		await krita.follow(long)
		demo['sample']['inputs']['steps'] = 1

		assert (long.state, long.saved) == ('interrupted', [])
		assert (await krita.run(demo)).state == 'finished'

	async def test_clears_the_queue(self, krita: Krita, demo: Document) -> None:
		"""What waits never runs; what runs is stopped on its own."""
		demo['sample']['inputs'] |= {'seed': 8, 'steps': 10_000}
		long = await krita.enqueue(demo)
		await krita.follow(long, until='progress')
		waiting = await krita.enqueue(demo)
		await krita.post('/queue', {'clear': True})
		queue = await krita.get('/queue')
		await krita.post('/interrupt', {'prompt_id': waiting.job})
		await krita.post('/interrupt', {'prompt_id': long.job})
		await krita.follow(long)

		assert [item[1] for item in queue['queue_running']] == [long.job]
		assert queue['queue_pending'] == []
		assert long.state == 'interrupted'
		assert await krita.get(f'/history/{waiting.job}') == {}

	async def test_hears_of_a_failure(self, krita: Krita) -> None:
		"""A node that raises ends the job with its words."""
		outcome = await krita.run(
			{
				'1': {'class_type': 'TestingAsyncError', 'inputs': {'value': 1, 'seconds': 0.01}},
				'2': {'class_type': 'TestingShow', 'inputs': {'value': ['1', 0]}},
			}
		)

		assert (outcome.state, outcome.error) == ('failed', 'Failed on purpose, later\n')
