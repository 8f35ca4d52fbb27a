"""`bundle`: from one machine to another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from server.cli import run_command
from tests import tiny

NODES = {
	'model': {'kind': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'tiny.safetensors'}},
	'load': {'kind': 'LoadImage', 'inputs': {'image': 'seen.png'}},
	'encode': {
		'kind': 'VAEEncode',
		'inputs': {'pixels': {'node': 'load', 'output': 0}, 'vae': {'node': 'model', 'output': 'VAE'}},
	},
	'decode': {
		'kind': 'VAEDecode',
		'inputs': {'samples': {'node': 'encode', 'output': 0}, 'vae': {'node': 'model', 'output': 'VAE'}},
	},
	'save': {'kind': 'SaveImage', 'inputs': {'images': {'node': 'decode', 'output': 0}, 'filename_prefix': 'x'}},
}


@pytest.fixture
def here(tmp_path: Path) -> list[str]:
	"""The flags of a machine that has model and input."""
	(tmp_path / 'here' / 'input').mkdir(parents=True)
	(tmp_path / 'here' / 'models' / 'checkpoints').mkdir(parents=True)
	Image.new('RGB', (16, 16), 'red').save(tmp_path / 'here' / 'input' / 'seen.png')
	tiny.save_checkpoint(tmp_path / 'here' / 'models' / 'checkpoints' / 'tiny.safetensors')
	(tmp_path / 'w.json').write_text(json.dumps({'lumengraph': 2, 'nodes': NODES}))
	return ['--base', str(tmp_path / 'here')]


@pytest.fixture
def there(tmp_path: Path) -> list[str]:
	"""The flags of a machine that has nothing."""
	return ['--base', str(tmp_path / 'there')]


def write(tmp_path: Path, flags: list[str], *more: str) -> str:
	"""A bundle of the workflow."""
	target = str(tmp_path / 'x.zip')
	assert run_command(['bundle', str(tmp_path / 'w.json'), '--output', target, *more, *flags]) == 0
	return target


class TestBundle:
	"""Written here, checked and run there."""

	def test_check(self, here: list[str], there: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""0 where all is there; 1 with what is missing where it is not, also as JSON."""
		bundle = write(tmp_path, here)

		assert run_command(['bundle', bundle, '--check', *here]) == 0
		assert 'all is there' in capsys.readouterr().out
		assert run_command(['bundle', bundle, '--check', *there]) == 1
		assert 'model checkpoints/tiny.safetensors' in capsys.readouterr().out
		assert run_command(['bundle', bundle, '--check', '--json', *there]) == 1
		assert json.loads(capsys.readouterr().out)['complete'] is False

	def test_run_there(
		self, here: list[str], there: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""With its models in it, it runs where nothing is, makes the same picture, and leaves nothing but that."""
		bundle = write(tmp_path, here, '--with-models')
		capsys.readouterr()

		assert run_command(['run', str(tmp_path / 'w.json'), *here]) == 0
		assert run_command(['run', bundle, *there]) == 0
		pictures = [Image.open(line) for line in capsys.readouterr().out.splitlines()]

		assert pictures[0].tobytes() == pictures[1].tobytes()
		assert not (tmp_path / 'there' / 'models').exists()
		assert not (tmp_path / 'there' / 'input').exists()

	def test_run_with_something_missing(
		self, here: list[str], there: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""It says what is missing, and runs nothing: 2."""
		bundle = write(tmp_path, here)

		assert run_command(['run', bundle, *there]) == 2
		assert 'model checkpoints/tiny.safetensors' in capsys.readouterr().err

	def test_models_by_other_names(self, here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A model that was renamed meanwhile is found by its content."""
		bundle = write(tmp_path, here)
		folder = tmp_path / 'here' / 'models' / 'checkpoints'
		(folder / 'tiny.safetensors').rename(folder / 'renamed.safetensors')

		assert run_command(['run', bundle, *here]) == 0

	def test_other_commands_take_it(self, here: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A bundle is a workflow file: it is drawn and compared."""
		bundle = write(tmp_path, here)

		assert run_command(['diff', bundle, str(tmp_path / 'w.json'), *here]) == 0
		assert run_command(['graph', bundle, *here]) == 0

	def test_of_a_picture_that_lies_beside_the_workflow(
		self, here: list[str], there: list[str], tmp_path: Path
	) -> None:
		"""As it can be run from there."""
		(tmp_path / 'here' / 'input' / 'seen.png').rename(tmp_path / 'seen.png')
		bundle = write(tmp_path, here, '--with-models')

		assert run_command(['run', bundle, *there]) == 0

	def test_of_a_bundle(self, here: list[str], there: list[str], tmp_path: Path) -> None:
		"""With the models that it brings; but never over itself."""
		bundle = write(tmp_path, here, '--with-models')
		again = str(tmp_path / 'y.zip')

		assert run_command(['bundle', bundle, '--output', again, '--with-models', *there]) == 0
		assert run_command(['bundle', again, '--output', again, *there]) == 2
		assert run_command(['run', again, *there]) == 0

	def test_bad_input(
		self, here: list[str], there: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""A workflow that does not run here, a file that is no bundle, a place that cannot be written to: 2."""
		assert run_command(['bundle', str(tmp_path / 'w.json'), *there]) == 2
		assert run_command(['bundle', str(tmp_path / 'w.json'), '--check', *here]) == 2
		assert 'no bundle' in capsys.readouterr().err
		assert run_command(['bundle', str(tmp_path / 'w.json'), '--output', str(tmp_path / 'no/x.zip'), *here]) == 2
