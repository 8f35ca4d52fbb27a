"""/v1/models: the catalogue of model files."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.catalogue import Catalogue
from engine.facts import FileMark, TensorMark
from engine.settings import Settings
from server.routes.models import read_page
from server.schemas.catalogue import ModelQuery
from tests.server.client import Api


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
