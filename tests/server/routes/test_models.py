"""/v1/models: the catalogue of model files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.catalogue import Catalogue
from engine.facts import FileMark, TensorMark
from engine.settings import Settings
from server.routes.models import read_page
from server.schemas.catalogue import ModelQuery
from tests.server.client import Api, call, eventually, seeds


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
	"""A damaged checkpoint, a LoRA whose tensors are known, and one whose tensors are not."""
	for kind in ('checkpoints', 'loras'):
		(tmp_path / 'models' / kind).mkdir(parents=True)
	(tmp_path / 'models' / 'checkpoints' / 'broken.safetensors').write_bytes(b'weights')
	for name, tensor in (('known', 'a.weight'), ('other', 'b.weight')):
		header = b'{"%s":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' % tensor.encode()
		(tmp_path / 'models' / 'loras' / f'{name}.safetensors').write_bytes(
			len(header).to_bytes(8, 'little') + header + b'1234'
		)
	catalogue = Catalogue(Settings(base=tmp_path))
	catalogue.marks = [FileMark(title='A', tensors=(TensorMark(name='a.weight'),), facts={'family': 'sd15'})]
	return catalogue


class TestPage:
	"""What is told of files."""

	def test_family_and_damage(self, catalogue: Catalogue) -> None:
		"""As the header tells them; both may be unknown."""
		page = read_page(catalogue, ModelQuery())

		assert [(item.kind, item.name, item.family) for item in page.items] == [
			('checkpoints', 'broken.safetensors', None),
			('loras', 'known.safetensors', 'sd15'),
			('loras', 'other.safetensors', None),
		]
		assert [item.damage is None for item in page.items] == [False, True, True]
		assert page.items[0].size == 7

	@pytest.mark.parametrize(
		('query', 'found'),
		[
			(ModelQuery(kind='checkpoints'), ['broken.safetensors']),
			(ModelQuery(text='KNOWN safe'), ['known.safetensors']),
			(ModelQuery(kind='nothing'), []),
			(ModelQuery(kind='checkpoints', text='known'), []),
		],
	)
	def test_filters(self, catalogue: Catalogue, query: ModelQuery, found: list[str]) -> None:
		"""The folder they lie in, and words of the name."""
		assert [item.name for item in read_page(catalogue, query).items] == found


class TestListing:
	"""Over HTTP."""

	async def test_pages(self, api: Api) -> None:
		"""By kind and name; every kind of folder is named."""
		first = await api.json('/v1/models', kind='checkpoints', limit=1)
		second = await api.json('/v1/models', kind='checkpoints', limit=1, cursor=first['next'])

		assert [item['name'] for item in (*first['items'], *second['items'])] == [
			'one.safetensors',
			'sub/two.safetensors',
		]
		assert second['next'] is None
		assert {'checkpoints', 'loras', 'vae'} <= set(first['kinds'])


def lifting(*, endless: bool = False) -> dict[str, Any]:
	"""A graph that leases a model; an endless one is never done loading."""
	return {'1': call('Lift', endless=endless, seed=next(seeds))}


async def residents(api: Api) -> list[dict[str, Any]]:
	"""The models in memory."""
	[worker] = (await api.json('/v1/models/status'))['workers']
	found: list[dict[str, Any]] = worker['residents']
	return found


async def loading(api: Api) -> dict[str, Any]:
	"""The model that is being loaded, once its weights are being read."""
	found: list[dict[str, Any]] = []

	async def begun() -> bool:
		found[:] = [item for item in await residents(api) if item['phase'] == 'loading_model']
		return bool(found)

	await eventually(begun, 'the load to begin')
	return found[0]


class TestStatus:
	"""Models in memory."""

	async def test_a_resident(self, api: Api) -> None:
		"""What it is, where, and how many bytes; it stays after the job, until it is dropped."""
		await api.ended(await api.submit(lifting()))
		[resident] = await residents(api)
		gone = await (await api.web.delete(f'/v1/models/status/{resident["id"]}')).json()

		assert (resident['model'], resident['part'], resident['places']) == ('one.safetensors', 'weight', {'cpu': 7})
		assert (resident['leases'], resident['phase'], resident['patches'], resident['room']) == (0, None, [], None)
		assert gone == {'freed': 7}
		assert await residents(api) == []
		assert await (await api.web.delete(f'/v1/models/status/{resident["id"]}')).json() == {'freed': 0}

	async def test_all_are_dropped(self, api: Api) -> None:
		"""And the bytes are told."""
		await api.ended(await api.submit(lifting()))
		response = await api.web.delete('/v1/models/status')

		assert await response.json() == {'freed': 7}
		assert await residents(api) == []

	async def test_while_a_job_runs(self, api: Api) -> None:
		"""A load is told with its phase and bytes, and with nobody's lease yet."""
		job = await api.submit(lifting(endless=True))
		resident = await loading(api)
		await api.web.post('/interrupt')
		await api.ended(job)

		assert (resident['model'], resident['done'], resident['total'], resident['leases']) == (
			'one.safetensors',
			0,
			7,
			0,
		)


class TestCancelLoad:
	"""Ending a load by its id."""

	async def test_the_job_is_cancelled(self, api: Api) -> None:
		"""It waits for the model, so it ends with the load; nothing is left in memory."""
		job = await api.submit(lifting(endless=True))
		load = (await loading(api))['id']
		first = await api.post(f'/v1/models/loads/{load}/cancel', {'reason': 'too slow'})
		await api.ended(job)
		second = await api.post(f'/v1/models/loads/{load}/cancel', {})

		assert (await first.json(), await second.json()) == ({'cancelled': True}, {'cancelled': False})
		assert (await api.json(f'/v1/jobs/{job}'))['state'] == 'cancelled'
		assert await residents(api) == []

	async def test_events(self, api: Api) -> None:
		"""Those who follow the job hear of the load, and how it ended."""
		async with api.web.ws_connect('/v1/events') as socket:
			job = await api.submit(lifting(endless=True))
			load = await loading(api)
			await api.web.post('/interrupt')
			told: list[dict[str, Any]] = []
			while not told or told[-1]['type'] != 'job_finished':
				told.append((await socket.receive_json(timeout=60))['event'])

		steps = [event for event in told if event['type'] == 'model_loading']
		assert {event['job'] for event in steps} == {job}
		assert {event['load'] for event in steps} == {load['id']}
		assert [event['phase'] for event in steps][:2] == ['initialization', 'loading_model']
