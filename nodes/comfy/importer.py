"""Loads packs from folders of custom nodes: ComfyUI's by their mappings of classes, native ones by `register(kit)`.

A pack is a folder with `__init__.py`, of any name, or one `.py` file. It is imported by its place and put into
`sys.modules` before it runs, so that its relative imports work; how it sees the host's modules is in `nodes.comfy.view`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.declaration import NodeInfo
from engine.errors import PluginError
from engine.plugins import Kit, PackReport, pack_name
from nodes.comfy.adapter import ForeignNode
from nodes.comfy.instances import Instances
from nodes.comfy.view import PackLoader, finder
from nodes.comfy.web import web_folders

log = logging.getLogger(__name__)

ORIGIN = 'custom_nodes.'
PREPARING = 'prestartup_script.py'


def open_pack(path: Path, kit: Kit) -> PackReport:
	"""Import the pack at a path and take its nodes into the kit. Never raises: a failure's traceback is in the report.

	A kind that a built-in node has stays built-in; among packs the last one wins. A class whose declaration cannot be
	had is left out, and told beside the kinds that could.
	"""
	started = time.perf_counter()
	path = path.absolute()
	name = pack_name(path)
	kinds: tuple[str, ...] = ()
	web: dict[str, Path] = {}
	try:
		module = import_pack(path)
		web = web_folders(module, path)
		kinds, error = _take(module, path, kit)
	# A pack that ends the program, as scripts do, is a failure like others.
	except (Exception, SystemExit):
		error = traceback.format_exc()
	if error:
		log.warning('Pack %r, or a part of it, could not be loaded.\n%s', name, error)
	return PackReport(name=name, path=path, kinds=kinds, seconds=time.perf_counter() - started, error=error, web=web)


def prepare_pack(path: Path) -> None:
	"""Run a folder's `prestartup_script.py`, if it has one; what it raises is logged."""
	script = path.absolute() / PREPARING
	if not script.is_file():
		return
	try:
		_run(f'{_key(path.absolute())}.prestartup_script', script)
	except (Exception, SystemExit):
		log.warning('The %s of pack %r failed.', PREPARING, pack_name(path), exc_info=True)


def import_pack(path: Path) -> ModuleType:
	"""Import a pack by its absolute path. Raises whatever it raises; then nothing of it stays in `sys.modules`."""
	key = _key(path)
	if path.is_dir():
		finder.watch(path)
		return _run(key, path / '__init__.py', [str(path)])
	finder.watch(path)
	return _run(key, path)


def _key(path: Path) -> str:
	"""A pack's name in `sys.modules`: its whole path, without the dots that would make it a submodule."""
	return str(path.parent / pack_name(path)).replace('.', '_x_')


def _run(key: str, source: Path, locations: list[str] | None = None) -> ModuleType:
	spec = importlib.util.spec_from_file_location(
		key, source, loader=PackLoader(key, str(source)), submodule_search_locations=locations
	)
	if spec is None or spec.loader is None:
		raise PluginError(key, f'{source} cannot be imported')
	module = importlib.util.module_from_spec(spec)
	sys.modules[key] = module
	try:
		spec.loader.exec_module(module)
	except BaseException:
		for name in [name for name in sys.modules if name == key or name.startswith(f'{key}.')]:
			del sys.modules[name]
		raise
	return module


def _take(module: ModuleType, path: Path, kit: Kit) -> tuple[tuple[str, ...], str]:
	"""The kinds that a pack brings, and what went wrong with others."""
	classes = getattr(module, 'NODE_CLASS_MAPPINGS', None)
	register = getattr(module, 'register', None)
	if isinstance(classes, Mapping):
		return _take_classes(classes, getattr(module, 'NODE_DISPLAY_NAME_MAPPINGS', None), path, kit)
	if callable(register):
		before = dict(kit.nodes)
		register(kit)
		return _named_anew(before, module, path, kit), ''
	if hasattr(module, 'comfy_entrypoint'):
		return (), 'The pack has only nodes of the typed API (comfy_entrypoint), which is not supported yet.'
	return (), 'The pack has no NODE_CLASS_MAPPINGS and no register(kit), so it brings no nodes.'


def _named_anew(before: Mapping[str, object], module: ModuleType, path: Path, kit: Kit) -> tuple[str, ...]:
	"""The kinds that a native pack has added; the name of its module, a path, gives way to that of the pack."""
	kinds = tuple(kind for kind, spec in kit.nodes.items() if before.get(kind) is not spec)
	for kind in kinds:
		if kit.nodes[kind].info.origin == module.__name__:
			kit.nodes.replace(kit.nodes[kind], origin=ORIGIN + pack_name(path))
	return kinds


def _take_classes(classes: Mapping[str, Any], titles: object, path: Path, kit: Kit) -> tuple[tuple[str, ...], str]:
	origin = ORIGIN + pack_name(path)
	code = source_digest(path)
	instances = Instances()
	taken: dict[str, ForeignNode] = {}
	errors: list[str] = []
	for kind, cls in classes.items():
		if kind in kit.nodes and not kit.nodes[kind].info.origin.startswith(ORIGIN):
			log.info('Node %r of pack %r is built in; the built-in one is used.', kind, pack_name(path))
			continue
		title = titles.get(kind) if isinstance(titles, Mapping) else None
		try:
			cls.RELATIVE_PYTHON_MODULE = origin
			node = ForeignNode(str(kind), cls, instances, title=str(title or ''), origin=origin, code=code)
			kit.nodes.replace(node.spec, origin=origin)
			taken[node.info.kind] = node
		except Exception:
			errors.append(f'Node {kind!r}:\n{traceback.format_exc()}')
	kit.refresh.append(lambda: _refreshed(taken, origin, kit))
	return tuple(taken), '\n'.join(errors)


def _refreshed(taken: Mapping[str, ForeignNode], origin: str, kit: Kit) -> tuple[NodeInfo, ...]:
	"""The declarations of a pack told anew; a class that raises this time keeps what it told before."""
	infos: list[NodeInfo] = []
	for kind, node in taken.items():
		if kit.nodes[kind].info.origin != origin:
			continue
		try:
			node.declare()
		except Exception:
			log.warning('Node %r could not be described anew.', kind, exc_info=True)
		kit.nodes.replace(node.spec, origin=origin)
		infos.append(kit.nodes[kind].info)
	return tuple(infos)


def source_digest(path: Path) -> str:
	"""SHA-256 over the names and contents of a pack's Python sources."""
	digest = hashlib.sha256()
	sources = sorted(path.rglob('*.py')) if path.is_dir() else [path]
	for source in sources:
		try:
			content = source.read_bytes()
		except OSError:  # A broken link, or a folder that bears such a name.
			continue
		digest.update(f'{source.relative_to(path.parent).as_posix()}:{len(content)}:'.encode())
		digest.update(content)
	return digest.hexdigest()
