"""What the documentation promises is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine.runner import Runner
from engine.settings import PROJECT, Settings
from server.cli import COMMANDS, parser

README = (PROJECT / 'README.md').read_text()
DOCUMENTS = [
	path
	for top in ('', 'engine', 'nodes', 'nodes/demo', 'server', 'web', 'workflows')
	for path in (PROJECT / top).glob('*.md')
]


class TestReadme:
	"""The first page."""

	def test_names_the_two_commands(self) -> None:
		"""One line installs and makes a picture, one installs and tests."""
		lines = [line.strip() for line in README.splitlines()]

		assert 'pip install -e . && python main.py run workflows/text_to_image.json' in lines
		assert "pip install -e '.[test]' && pytest" in lines

	@pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
	def test_links_lead_somewhere(self, path: Path) -> None:
		"""Every relative link and picture of every page exists."""
		targets = re.findall(r'\]\((?!https?:)([^)#]+)', path.read_text())

		assert [target for target in targets if not (path.parent / target).exists()] == []

	@pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
	def test_nothing_is_left_to_fill_in(self, path: Path) -> None:
		"""No page holds a placeholder."""
		assert '@@' not in path.read_text()

	def test_commands_parse(self) -> None:
		"""Each `python main.py …` of the README is a command line that the parser takes."""
		lines = re.findall(r'^    python main\.py (.+)$', README, re.MULTILINE)
		first_words = {line.split()[0] for line in lines}

		assert first_words <= set(COMMANDS)
		for line in lines:
			parser().parse_args(re.sub(r"'[^']*'", 'x', line).split())


class TestNodes:
	"""Every node says what it does."""

	def test_every_node_and_input_is_described(self, settings: Settings) -> None:
		"""Each kind has a docstring, each input a tooltip, and the README of nodes names each kind."""
		runner = Runner(settings, lambda event: None)
		page = (PROJECT / 'nodes' / 'README.md').read_text()

		for info in runner.nodes:
			assert info.description, info.kind
			assert info.kind in page
			assert [item.name for item in info.inputs if not item.tooltip] == [], info.kind


class TestPackage:
	"""pyproject.toml."""

	def test_torch_range_admits_the_cpu_build(self) -> None:
		"""The range of torch is satisfied by 2.13.0."""
		project = tomllib.loads((PROJECT / 'pyproject.toml').read_text())['project']
		wanted = next(item for item in project['dependencies'] if item.startswith('torch'))

		assert wanted == 'torch>=2.6,<2.14'

	def test_distribution_and_command(self) -> None:
		"""The distribution is `lumengraph`, and so is the command."""
		project = tomllib.loads((PROJECT / 'pyproject.toml').read_text())['project']

		assert project['name'] == 'lumengraph'
		assert project['scripts'] == {'lumengraph': 'main:main'}
