"""Records as runs make them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from engine.context import JobInfo
from engine.events import AnyEvent, JobStarted
from engine.formats.embedded import embedded
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.record import NAME, RunRecord, record_in
from engine.recorder import pack_version
from engine.runner import Runner
from engine.settings import Settings

PACK = """
class Tint:
	INPUT_TYPES = classmethod(lambda cls: {'required': {'image': ('IMAGE',)}})
	RETURN_TYPES = ('IMAGE',)
	FUNCTION = 'run'
	CATEGORY = 'test'

	def run(self, image):
		return (image,)


NODE_CLASS_MAPPINGS = {'Tint': Tint}
"""


def graph() -> Graph:
	"""A picture loaded, handed through a pack's node, and saved."""
	return Graph(
		{
			NodeId('l'): Call('LoadImage', {'image': Constant('sub/seen.png')}),
			NodeId('t'): Call('Tint', {'image': Link(NodeId('l'), 0)}),
			NodeId('s'): Call('SaveImage', {'images': Link(NodeId('t'), 0), 'filename_prefix': Constant('x')}),
		}
	)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
	"""Folders with an input picture and a pack that says its version."""
	(tmp_path / 'input' / 'sub').mkdir(parents=True)
	Image.new('RGB', (4, 4), 'red').save(tmp_path / 'input' / 'sub' / 'seen.png')
	pack = tmp_path / 'custom_nodes' / 'tints'
	pack.mkdir(parents=True)
	(pack / '__init__.py').write_text(PACK)
	(pack / 'pyproject.toml').write_text('[project]\nname = "tints"\nversion = "1.2.3"\n')
	return Settings(base=tmp_path)


class TestRuns:
	"""Each run tells what it runs with, and writes it into pictures."""

	def test_told_and_written(self, settings: Settings) -> None:
		"""The event and the picture hold the same record: versions, device, pack, digests of files."""
		told: list[AnyEvent] = []
		runner = Runner(settings, told.append)
		runner.run_all(graph(), JobInfo('j'))
		[record] = [event.record for event in told if isinstance(event, JobStarted)]
		[picture] = settings.output_folder.glob('*.png')
		content = (settings.input_folder / 'sub' / 'seen.png').read_bytes()

		assert record is not None
		assert record_in(embedded(picture) or {}) == record
		assert record.libraries['torch']
		assert record.device == 'cpu'
		assert record.profile == runner.profile
		assert record.packs == {'tints': '1.2.3'}
		assert [(file.folder, file.name, file.digest) for file in record.inputs] == [
			('input', 'sub/seen.png', hashlib.sha256(content).hexdigest())
		]

	def test_without_metadata_pictures_carry_none(self, settings: Settings) -> None:
		"""The switch that leaves the workflow out leaves this out too."""
		Runner(settings.model_copy(update={'metadata': False}), lambda event: None).run_all(graph(), JobInfo('j'))
		[picture] = settings.output_folder.glob('*.png')

		assert NAME not in (embedded(picture) or {})

	def test_models(self, tmp_path: Path) -> None:
		"""Models by the digest that names them in the catalogue, with their size; missing ones without."""
		folder = tmp_path / 'models' / 'loras'
		folder.mkdir(parents=True)
		(folder / 'a.safetensors').write_bytes(b'\2\0\0\0\0\0\0\0{}')
		runner = Runner(Settings(base=tmp_path), lambda event: None)
		calls = {
			NodeId(name): Call('LoraLoaderModelOnly', {'lora_name': Constant(f'{name}.safetensors')}) for name in 'ab'
		}
		record = runner.record(Graph(calls))

		assert [(file.name, file.size, bool(file.digest)) for file in record.models] == [
			('a.safetensors', 10, True),
			('b.safetensors', 0, False),
		]
		assert record.models[0].digest == runner.storage.catalogue.digest(folder / 'a.safetensors')

	def test_a_changed_file_has_another_digest(self, settings: Settings) -> None:
		"""Digests are kept, but not beyond the file's next change."""
		runner = Runner(settings, lambda event: None)
		before = runner.record(graph())
		Image.new('RGB', (5, 5), 'blue').save(settings.input_folder / 'sub' / 'seen.png')

		assert runner.record(graph()).inputs[0].digest != before.inputs[0].digest

	def test_as_json(self, settings: Settings) -> None:
		"""A record survives being written down."""
		record = Runner(settings, lambda event: None).record(graph())

		assert RunRecord.model_validate(json.loads(record.model_dump_json())) == record


class TestPacks:
	"""The version of a pack."""

	def test_of_the_sources_where_none_is_said(self, tmp_path: Path) -> None:
		"""Without a readable pyproject.toml, the digest of the code stands in."""
		(tmp_path / 'pyproject.toml').write_text('nonsense [')

		assert pack_version(tmp_path, 'abcdef0123456789') == 'sources abcdef012345'
		assert pack_version(tmp_path / 'one.py', '') == ''
