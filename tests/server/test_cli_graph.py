"""`graph`: a workflow as a drawing."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.settings import PROJECT
from server.cli import run_command

WORKFLOW = str(PROJECT / 'workflows' / 'text_to_image.json')


@pytest.fixture
def base(tmp_path: Path) -> list[str]:
	"""The flags that keep a command within its own folders."""
	return ['--base', str(tmp_path)]


class TestGraph:
	"""Text and SVG, to standard output and to files."""

	def test_text_is_the_usual(self, base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""A tree, also of a workflow that is named."""
		assert run_command(['graph', 'text_to_image', *base]) == 0
		assert capsys.readouterr().out.startswith('save · SaveImage')

	def test_svg(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""--form svg prints the picture; a file that ends with .svg gets it without being asked."""
		assert run_command(['graph', WORKFLOW, '--form', 'svg', *base]) == 0
		printed = capsys.readouterr().out
		assert run_command(['graph', WORKFLOW, '--output', str(tmp_path / 'drawn.svg'), *base]) == 0

		assert ElementTree.fromstring(printed).tag.endswith('svg')
		assert (tmp_path / 'drawn.svg').read_text() == printed
		assert capsys.readouterr().out == ''

	def test_bad_input(self, base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""No workflow, or no place to write to: 2, and the file is named."""
		assert run_command(['graph', 'nowhere.json', *base]) == 2
		assert 'nowhere.json' in capsys.readouterr().err
		assert run_command(['graph', WORKFLOW, '--output', str(tmp_path / 'no' / 'x.svg'), *base]) == 2
		assert 'x.svg' in capsys.readouterr().err
