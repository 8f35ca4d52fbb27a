"""Stable Diffusion 1.5 in its full size through the server, from a file with random weights. Needs 4 GB of memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession
from PIL import Image

from tests.benchmarks import full_size
from tests.serving import serving

pytestmark = pytest.mark.full_size

PATIENCE = 600
STEPS = 2


@pytest.fixture(scope='module')
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
	"""A server that has the model, and keeps nothing on disk."""
	base = tmp_path_factory.mktemp('full_size')
	folder = base / 'models' / 'checkpoints'
	folder.mkdir(parents=True)
	full_size.write(folder / 'sd15.safetensors', full_size.sd15_shapes())
	with serving(base, '--no-disk-cache') as server:
		yield server.url


def prompt(side: int) -> dict[str, Any]:
	"""A picture of that side, from the words to the file."""
	return {
		'model': {'class_type': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'sd15.safetensors'}},
		'wanted': {'class_type': 'CLIPTextEncode', 'inputs': {'clip': ['model', 1], 'text': 'a red cat'}},
		'unwanted': {'class_type': 'CLIPTextEncode', 'inputs': {'clip': ['model', 1], 'text': ''}},
		'empty': {'class_type': 'EmptyLatentImage', 'inputs': {'width': side, 'height': side, 'batch_size': 1}},
		'sample': {
			'class_type': 'KSampler',
			'inputs': {
				'model': ['model', 0],
				'positive': ['wanted', 0],
				'negative': ['unwanted', 0],
				'latent_image': ['empty', 0],
				'seed': 1,
				'steps': STEPS,
				'cfg': 7.0,
				'sampler_name': 'euler',
				'scheduler': 'normal',
				'denoise': 1.0,
			},
		},
		'decode': {'class_type': 'VAEDecode', 'inputs': {'samples': ['sample', 0], 'vae': ['model', 2]}},
		'save': {'class_type': 'SaveImage', 'inputs': {'images': ['decode', 0], 'filename_prefix': 'full'}},
	}


async def made(url: str, graph: dict[str, Any]) -> Image.Image:
	"""Run a prompt and fetch its picture."""
	async with ClientSession(url) as session, session.ws_connect('/ws', params={'clientId': 'full'}) as listening:
		async with session.post('/prompt', json={'prompt': graph, 'client_id': 'full'}) as answer:
			job = (await answer.json())['prompt_id']
		while True:
			frame = await listening.receive(PATIENCE)
			told = json.loads(frame.data) if isinstance(frame.data, str) else {}
			if told.get('type') == 'executing' and told['data']['node'] is None:
				break
		async with session.get(f'/history/{job}') as answer:
			outcome = (await answer.json())[job]
		assert outcome['status']['status_str'] == 'success', outcome['status']
		async with session.get('/view', params=outcome['outputs']['save']['images'][0]) as answer:
			return Image.open(io.BytesIO(await answer.read()))


@pytest.mark.parametrize('side', [128, 256])
async def test_makes_a_picture(side: int, url: str) -> None:
	"""Of the size that was asked for, with something on it."""
	picture = await made(url, prompt(side))

	assert picture.size == (side, side)
	assert len(set(picture.convert('L').tobytes())) > 20
