"""The house's floors: who may import whom, and that importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
HEAVY = {'torch', 'diffusers', 'transformers', 'safetensors'}
FORBIDDEN = {
	'engine': {*HEAVY, 'aiohttp', 'sqlalchemy', 'nodes', 'server', 'rich'},
	'nodes': {'aiohttp', 'sqlalchemy', 'server'},
	'server': {*HEAVY, 'nodes'},
}
LIBRARIES = ('diffusion', 'pixels')
HEAVY_FOLDERS = {*LIBRARIES, 'demo'}
ALLOWED_ANYWAY = {'engine/devices.py': {'torch'}}
MODULES = sorted(path for top in FORBIDDEN for path in (PROJECT / top).rglob('*.py'))
# Alembic runs it; nobody imports it.
RUN_ONLY = PROJECT / 'server' / 'store' / 'migrations' / 'env.py'
IMPORTED = [path for path in MODULES if path != RUN_ONLY]


def imported(path: Path, *, at_top: bool = False) -> Iterator[str]:
	"""The names a file imports; with `at_top`, only what is imported when the file is."""
	tree = ast.parse(path.read_text())
	statements = list(tree.body) if at_top else list(ast.walk(tree))
	for statement in statements:
		if isinstance(statement, ast.Import):
			yield from (alias.name for alias in statement.names)
		elif isinstance(statement, ast.ImportFrom) and statement.module:
			yield statement.module


def module_name(path: Path) -> str:
	"""The dotted name of a source file."""
	parts = path.relative_to(PROJECT).with_suffix('').parts
	return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


VALUES = ('nodes.values', 'nodes.grounding_values', 'nodes.vision_values', 'nodes.steering')


class TestLayers:
	"""Imports point one way: server → engine, nodes → engine, and nobody looks up."""

	@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
	def test_file_imports_only_what_its_layer_may(self, path: Path) -> None:
		"""No file imports a layer above its own, or a library that its layer does without."""
		name = path.relative_to(PROJECT).as_posix()
		forbidden = FORBIDDEN[name.partition('/')[0]] - ALLOWED_ANYWAY.get(name, set())

		assert forbidden.isdisjoint(module.partition('.')[0] for module in imported(path))

	@pytest.mark.parametrize('path', sorted((PROJECT / 'nodes').glob('*.py')), ids=lambda path: path.name)
	def test_node_modules_import_torch_only_inside_functions(self, path: Path) -> None:
		"""Node functions can be declared without torch: it is imported where tensors are touched."""
		assert HEAVY.isdisjoint(module.partition('.')[0] for module in imported(path, at_top=True))

	@pytest.mark.parametrize(
		'path',
		sorted(path for folder in LIBRARIES for path in (PROJECT / 'nodes' / folder).rglob('*.py')),
		ids=lambda path: f'{path.parent.name}/{path.name}',
	)
	def test_library_does_not_import_nodes(self, path: Path) -> None:
		"""The libraries of pixels and of diffusion stand under the nodes: they know their values only."""
		own = {module for module in imported(path) if module == 'nodes' or module.startswith('nodes.')}

		assert all(module.startswith(('nodes.diffusion', 'nodes.pixels')) or module in VALUES for module in own)


class TestImport:
	"""Importing the program does nothing, and needs nothing heavy."""

	def test_packages_import_no_torch(self, tmp_path: Path) -> None:
		"""`import engine, nodes, server`, with every module that serving and checking use, brings in no torch."""
		light = [
			module_name(path)
			for path in IMPORTED
			if HEAVY_FOLDERS.isdisjoint(path.parts) and path.name not in ('devices.py',)
		]
		code = f"""
			import importlib, sys
			for name in {['engine', 'nodes', 'server', 'main', *light]!r}:
				importlib.import_module(name)
			print(sorted({HEAVY!r} & set(sys.modules)))
		"""
		done = run_python(code, tmp_path)

		assert done.stdout.strip() == '[]', done.stdout + done.stderr

	def test_importing_every_module_has_no_effects(self, tmp_path: Path) -> None:
		"""No module starts a thread, writes a file, prints, or reads the command line when it is imported."""
		names = [module_name(path) for path in IMPORTED]
		code = f"""
			import importlib, os, sys, threading
			import diffusers, transformers, torch, aiohttp
			before = threading.active_count()
			environment = dict(os.environ)
			sys.argv = ['something', '--nonsense']
			for name in {names!r}:
				importlib.import_module(name)
			print([threading.active_count() - before, dict(os.environ) == environment, os.listdir('.')])
		"""
		done = run_python(code, tmp_path)

		assert done.stdout.strip() == '[0, True, []]', done.stdout + done.stderr


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
	"""Run a piece of code in a new interpreter, in an empty folder."""
	lines = code.strip('\n').splitlines()
	indent = len(lines[0]) - len(lines[0].lstrip('\t'))
	return subprocess.run(
		[sys.executable, '-B', '-c', '\n'.join(line[indent:] for line in lines)],
		cwd=folder,
		env={'PYTHONPATH': str(PROJECT), 'PATH': '', 'HOME': str(folder)},
		capture_output=True,
		text=True,
		timeout=300,
		check=False,
	)
