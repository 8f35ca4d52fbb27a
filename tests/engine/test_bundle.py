"""Bundles: written, read, unpacked; and what damaged or malicious ones come to."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from pydantic import JsonValue

from engine.bundle import BundleLock, is_bundle, open_bundle, write_bundle
from engine.bundlecheck import check_bundle, substitutes
from engine.errors import BadDocument, InvalidGraph
from engine.formats.workflow import Workflow, read_workflow
from engine.runner import Runner
from engine.settings import Settings
from tests import tiny

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
DOCUMENT: dict[str, JsonValue] = {
	'lumengraph': 2,
	'requires': {'models': {'tiny.safetensors': {'url': 'https://example.org/tiny'}}},
	'nodes': {
		'model': {'kind': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'tiny.safetensors'}},
		'load': {'kind': 'LoadImage', 'inputs': {'image': 'sub/seen.png'}},
		'again': {'kind': 'LoadImage', 'inputs': {'image': 'made.png [output]'}},
		'tint': {'kind': 'Tint', 'inputs': {'image': {'node': 'load', 'output': 0}}},
		'encode': {
			'kind': 'VAEEncode',
			'inputs': {'pixels': {'node': 'tint', 'output': 0}, 'vae': {'node': 'model', 'output': 'VAE'}},
		},
		'decode': {
			'kind': 'VAEDecode',
			'inputs': {'samples': {'node': 'encode', 'output': 0}, 'vae': {'node': 'model', 'output': 'VAE'}},
		},
		'save': {'kind': 'SaveImage', 'inputs': {'images': {'node': 'decode', 'output': 0}, 'filename_prefix': 'x'}},
		'show': {'kind': 'PreviewImage', 'inputs': {'images': {'node': 'again', 'output': 0}}},
	},
}


@pytest.fixture(scope='module')
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
	"""A machine that has all that the workflow needs."""
	base = tmp_path_factory.mktemp('there')
	for folder in ('input/sub', 'output', 'models/checkpoints', 'custom_nodes/tints'):
		(base / folder).mkdir(parents=True)
	Image.new('RGB', (16, 16), 'red').save(base / 'input' / 'sub' / 'seen.png')
	Image.new('RGB', (16, 16), 'blue').save(base / 'output' / 'made.png')
	tiny.save_checkpoint(base / 'models' / 'checkpoints' / 'tiny.safetensors')
	(base / 'custom_nodes' / 'tints' / '__init__.py').write_text(PACK)
	(base / 'custom_nodes' / 'tints' / 'pyproject.toml').write_text('[project]\nversion = "2.1"\n')
	return Settings(base=base)


@pytest.fixture(scope='module')
def runner(settings: Settings) -> Runner:
	"""Its engine."""
	return Runner(settings, lambda event: None)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
	"""Another machine, which has nothing."""
	return Settings(base=tmp_path / 'elsewhere')


def workflow(runner: Runner) -> Workflow:
	"""The workflow, read."""
	return read_workflow(DOCUMENT, runner.kit.nodes.infos)


def bundled(runner: Runner, path: Path, *, with_models: bool = False) -> BundleLock:
	"""The workflow in a bundle."""
	return write_bundle(workflow(runner), runner, path, with_models=with_models)


class TestWriting:
	"""What is in a bundle."""

	def test_lock(self, runner: Runner, settings: Settings, tmp_path: Path) -> None:
		"""Packs with versions, models with digests and sizes, inputs with digests; the models stay out."""
		lock = bundled(runner, tmp_path / 'x.zip')
		[model] = lock.requirements.models
		path = settings.models_folder / 'checkpoints' / 'tiny.safetensors'
		with zipfile.ZipFile(tmp_path / 'x.zip') as archive:
			names = archive.namelist()

		assert lock.requirements.packs == {'tints': '2.1'}
		assert (model.folder, model.name, model.size) == ('checkpoints', 'tiny.safetensors', path.stat().st_size)
		assert model.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
		assert model.url == 'https://example.org/tiny'
		assert [file.path for file in lock.inputs] == ['output/made.png', 'sub/seen.png']
		assert names == ['workflow.json', 'lock.json', 'input/output/made.png', 'input/sub/seen.png']

	def test_the_workflow_says_what_it_requires(self, runner: Runner, tmp_path: Path) -> None:
		"""Packs, and models with the digest of their content and where they are found; inputs as they lie in the bundle."""
		lock = bundled(runner, tmp_path / 'x.zip')
		with open_bundle(tmp_path / 'x.zip') as bundle:
			document = bundle.document

		assert isinstance(document, dict)
		assert document['requires'] == {
			'packs': {'tints': '2.1'},
			'models': {
				'tiny.safetensors': {
					'folder': 'checkpoints',
					'digest': lock.requirements.models[0].files[0].sha256,
					'url': 'https://example.org/tiny',
				}
			},
		}
		assert '"output/made.png"' in json.dumps(document)

	def test_equal_ones_are_equal(self, runner: Runner, tmp_path: Path) -> None:
		"""Byte by byte, whenever they are written."""
		for name in ('a', 'b'):
			bundled(runner, tmp_path / f'{name}.zip', with_models=True)

		assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes()

	def test_only_what_runs_here(self, elsewhere: Settings, tmp_path: Path) -> None:
		"""What is missing cannot be vouched for: nothing is written."""
		runner = Runner(elsewhere, lambda event: None)
		with pytest.raises(InvalidGraph, match=r'tiny\.safetensors'):
			bundled(runner, tmp_path / 'x.zip')

		assert not (tmp_path / 'x.zip').exists()


class TestChecking:
	"""What is missing on a machine."""

	def check(self, path: Path, settings: Settings) -> tuple[dict[str, str], dict[str, str], bool]:
		"""The states of models and of packs, and whether all is there."""
		runner = Runner(settings, lambda event: None)
		with open_bundle(path) as bundle:
			found = check_bundle(bundle.lock, read_workflow(bundle.document, runner.kit.nodes.infos), runner)
		return (
			{model.name: model.state for model in found.models},
			{pack.name: pack.state for pack in found.packs},
			found.complete,
		)

	def test_where_it_was_written(self, runner: Runner, settings: Settings, tmp_path: Path) -> None:
		"""All is there."""
		bundled(runner, tmp_path / 'x.zip')

		assert self.check(tmp_path / 'x.zip', settings) == ({'tiny.safetensors': 'there'}, {'tints': 'there'}, True)

	def test_where_nothing_is(self, runner: Runner, elsewhere: Settings, tmp_path: Path) -> None:
		"""Model and pack are missing; a model that is in the bundle is not."""
		bundled(runner, tmp_path / 'x.zip')
		bundled(runner, tmp_path / 'y.zip', with_models=True)

		assert self.check(tmp_path / 'x.zip', elsewhere) == (
			{'tiny.safetensors': 'missing'},
			{'tints': 'missing'},
			False,
		)
		assert self.check(tmp_path / 'y.zip', elsewhere)[0] == {'tiny.safetensors': 'included'}

	def test_another_model_of_that_name(self, runner: Runner, elsewhere: Settings, tmp_path: Path) -> None:
		"""Its content tells."""
		bundled(runner, tmp_path / 'x.zip')
		folder = elsewhere.models_folder / 'checkpoints'
		folder.mkdir(parents=True)
		(folder / 'tiny.safetensors').write_bytes(b'\2\0\0\0\0\0\0\0{}')

		assert self.check(tmp_path / 'x.zip', elsewhere)[0] == {'tiny.safetensors': 'other'}

	def test_the_same_model_by_another_name(
		self, runner: Runner, settings: Settings, elsewhere: Settings, tmp_path: Path
	) -> None:
		"""It is found by its content, and can be set in the workflow."""
		bundled(runner, tmp_path / 'x.zip')
		folder = elsewhere.models_folder / 'checkpoints' / 'mine'
		folder.mkdir(parents=True)
		(folder / 'renamed.safetensors').write_bytes(
			(settings.models_folder / 'checkpoints' / 'tiny.safetensors').read_bytes()
		)
		other = Runner(elsewhere, lambda event: None)
		with open_bundle(tmp_path / 'x.zip') as bundle:
			read = read_workflow(bundle.document, other.kit.nodes.infos)
			found = check_bundle(bundle.lock, read, other)

		assert [(model.state, model.found) for model in found.models] == [('elsewhere', 'mine/renamed.safetensors')]
		assert substitutes(found, read, other) == {'model.ckpt_name': 'mine/renamed.safetensors'}


class TestReading:
	"""Bundles that came from elsewhere."""

	def altered(self, path: Path, **entries: bytes | None) -> Path:
		"""A copy in which entries have other content, or are gone. Names are written with __ for /."""
		target = path.with_name('altered.zip')
		names = {name.replace('__', '/').replace('_DOT_', '.'): content for name, content in entries.items()}
		with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, 'w') as copy:
			for entry in source.namelist():
				content = names.get(entry, source.read(entry))
				if content is not None:
					copy.writestr(entry, content)
		return target

	def test_unpacked(self, runner: Runner, settings: Settings, tmp_path: Path) -> None:
		"""Inputs and models lie where the workflow names them."""
		bundled(runner, tmp_path / 'x.zip', with_models=True)
		with open_bundle(tmp_path / 'x.zip') as bundle:
			bundle.unpack(tmp_path / 'u')

		assert (tmp_path / 'u/input/sub/seen.png').read_bytes() == (settings.input_folder / 'sub/seen.png').read_bytes()
		assert (tmp_path / 'u/models/checkpoints/tiny.safetensors').is_file()

	def test_damaged_parts(self, runner: Runner, tmp_path: Path) -> None:
		"""What is not as the lock says, in length or content, is refused by name."""
		bundled(runner, tmp_path / 'x.zip')
		original = (runner.storage.files.root('input') / 'sub' / 'seen.png').read_bytes()
		for content in (b'', original + b'more', b'x' * len(original)):
			path = self.altered(tmp_path / 'x.zip', input__sub__seen_DOT_png=content)
			with open_bundle(path) as bundle, pytest.raises(BadDocument, match=r'seen\.png.* is damaged'):
				bundle.unpack(tmp_path / 'u')

	def test_paths_that_leave(self, runner: Runner, tmp_path: Path) -> None:
		"""A lock that names files outside of the folder is refused, and nothing is written there."""
		lock = json.loads(bundled(runner, tmp_path / 'x.zip').model_dump_json())
		for name in ('../../out.png', 'a/../../../out.png'):
			lock['inputs'] = [{'path': name, 'size': 3, 'sha256': hashlib.sha256(b'bad').hexdigest()}]
			path = self.altered(tmp_path / 'x.zip', lock_DOT_json=json.dumps(lock).encode())
			with zipfile.ZipFile(path, 'a') as archive:
				archive.writestr(f'input/{name}', b'bad')
			with open_bundle(path) as bundle, pytest.raises(BadDocument):
				bundle.unpack(tmp_path / 'deep' / 'u')

		assert not list(tmp_path.rglob('out.png'))

	@pytest.mark.parametrize(
		('entries', 'told'),
		[
			({'lock_DOT_json': None}, r'no lock\.json'),
			({'workflow_DOT_json': None}, r'no workflow\.json'),
			({'lock_DOT_json': b'{"bundle": 1}'}, r'lock\.json cannot be read'),
			({'lock_DOT_json': b'nonsense'}, 'not JSON'),
		],
	)
	def test_incomplete(self, entries: dict[str, bytes | None], told: str, runner: Runner, tmp_path: Path) -> None:
		"""What is no bundle is said to be none, with the reason."""
		bundled(runner, tmp_path / 'x.zip')
		path = self.altered(tmp_path / 'x.zip', **entries)

		with pytest.raises(BadDocument, match=told), open_bundle(path):
			pass

	def test_other_files(self, tmp_path: Path) -> None:
		"""A file that is no ZIP file is no bundle."""
		(tmp_path / 'x.zip').write_bytes(b'no')

		assert not is_bundle(tmp_path / 'x.zip')
		with pytest.raises(BadDocument, match='no bundle'), open_bundle(tmp_path / 'x.zip'):
			pass
		with (
			pytest.raises(BadDocument, match=r'no bundle: No such file or directory\.$'),
			open_bundle(tmp_path / 'gone.zip'),
		):
			pass
