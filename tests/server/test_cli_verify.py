"""`verify`: a picture, run anew and compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.formats.embedded import embedded
from server.cli import run_command

NODES = {
	'plain': {'kind': 'EmptyImage', 'inputs': {'width': 16, 'height': 8, 'batch_size': 1, 'color': 255}},
	'save': {'kind': 'SaveImage', 'inputs': {'images': {'node': 'plain', 'output': 0}, 'filename_prefix': 'x'}},
}


@pytest.fixture
def base(tmp_path: Path) -> list[str]:
	"""The flags that keep a command within its own folders."""
	return ['--base', str(tmp_path)]


@pytest.fixture
def picture(tmp_path: Path, base: list[str], capsys: pytest.CaptureFixture[str]) -> Path:
	"""A picture that `run` made."""
	(tmp_path / 'w.json').write_text(json.dumps({'lumengraph': 2, 'nodes': NODES}))
	assert run_command(['run', str(tmp_path / 'w.json'), *base]) == 0
	return Path(capsys.readouterr().out.strip())


class TestVerify:
	"""Verdicts and exit codes."""

	def test_the_same(self, picture: Path, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""0, and one line."""
		assert run_command(['verify', str(picture), *base]) == 0
		assert capsys.readouterr().out == f'{picture}: the same, pixel by pixel\n'

	def test_another(self, picture: Path, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""1, with the figures, also as JSON."""
		with Image.open(picture) as opened:
			info = PngInfo()
			for name, text in (embedded(picture) or {}).items():
				info.add_text(name, text)
			Image.new('RGB', opened.size, 'red').save(picture, pnginfo=info)

		assert run_command(['verify', str(picture), *base]) == 1
		told = capsys.readouterr().out
		assert run_command(['verify', str(picture), '--json', *base]) == 1
		found = json.loads(capsys.readouterr().out)

		assert 'another picture' in told
		assert 'levels differ by 255 at most' in told
		assert found['verdict'] == 'differs'
		assert found['likeness']['largest'] == 255.0

	def test_bad_input(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A file that is not there, or carries nothing: 2; so is a tolerance that is none."""
		Image.new('RGB', (4, 4)).save(tmp_path / 'bare.png')

		assert run_command(['verify', str(tmp_path / 'gone.png'), *base]) == 2
		assert run_command(['verify', str(tmp_path / 'bare.png'), *base]) == 2
		with pytest.raises(SystemExit) as caught:
			run_command(['verify', 'x.png', '--tolerance', '2', *base])
		assert caught.value.code == 2
		assert '--tolerance' in capsys.readouterr().err
