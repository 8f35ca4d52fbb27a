"""`diff`: exit codes as those of diff, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.settings import PROJECT
from server.cli import run_command

WORKFLOW = PROJECT / 'workflows' / 'text_to_image.json'


@pytest.fixture
def base(tmp_path: Path) -> list[str]:
	"""The flags that keep a command within its own folders."""
	return ['--base', str(tmp_path)]


@pytest.fixture
def other(tmp_path: Path) -> Path:
	"""The demo workflow with more steps, and a decoder in tiles."""
	path = tmp_path / 'other.json'
	text = WORKFLOW.read_text().replace('"steps": 20', '"steps": 30').replace('"VAEDecode"', '"VAEDecodeTiled"')
	path.write_text(text)
	return path


class TestDiff:
	"""Two workflows, as a person and as a program compares them."""

	def test_same(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Nothing is printed, and 0 is the exit code; one may be named, the other a file."""
		assert run_command(['diff', 'text_to_image', str(WORKFLOW), *base]) == 0
		assert capsys.readouterr().out == ''

	def test_different(self, base: list[str], other: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Each change has its line; the exit code is 1."""
		code = run_command(['diff', str(WORKFLOW), str(other), *base])
		lines = capsys.readouterr().out.splitlines()

		assert code == 1
		assert '    steps: 20 → 30' in lines
		assert '    kind: VAEDecode → VAEDecodeTiled' in lines

	def test_json(self, base: list[str], other: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""--json prints all of it as one object."""
		code = run_command(['diff', str(WORKFLOW), str(other), '--json', *base])
		found = json.loads(capsys.readouterr().out)

		assert code == 1
		assert found['same'] is False
		assert {node['after']['node'] for node in found['changed']} == {'sample', 'decode'}

	def test_all_that_is_told_of_larger_changes(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Added nodes, rewired inputs and new workflow inputs between two shipped workflows, in both directions."""
		assert run_command(['diff', 'text_to_image', 'lora', *base]) == 1
		there = capsys.readouterr().out
		assert run_command(['diff', 'lora', 'text_to_image', *base]) == 1
		back = capsys.readouterr().out

		assert '+ lora: LoraLoader' in there
		assert '    model (rewired): model.MODEL → lora.MODEL' in there
		assert '+ workflow input strength' in there
		assert '- lora: LoraLoader' in back

	def test_bad_input(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""A name that is none, a file that is gone, a file that is no workflow: 2, and the name is told."""
		(tmp_path / 'no.json').write_text('{}')
		for name in ('nowhere', str(tmp_path / 'gone.json'), str(tmp_path / 'no.json')):
			assert run_command(['diff', 'lora', name, *base]) == 2
			assert Path(name).name in capsys.readouterr().err
