"""How packs see imports: ComfyUI's modules are those of `nodes.comfy.shims`, and `sys.modules` stays as it is.

A module of a pack gets builtins of its own, whose `__import__` sends the host's names to the shims; so late imports and
those of its submodules are covered too. `importlib` looks likewise from there. A pack's own module of such a name is
reached relatively, as ever.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

SHIMS = 'nodes.comfy.shims'
HOST = frozenset(
	{
		'comfy',
		'comfy_api',
		'comfy_execution',
		'comfy_extras',
		'execution',
		'folder_paths',
		'latent_preview',
		'node_helpers',
		'nodes',
		'server',
	}
)
# These are no packages in ComfyUI, so whoever asks for a part of one means ours.
OURS = frozenset({'nodes', 'server'})
WATCHED = ('importlib', 'importlib.util', 'importlib.machinery')


class PackLoader(SourceFileLoader):
	"""Runs a module of a pack with the packs' builtins."""

	def exec_module(self, module: ModuleType) -> None:
		"""Run the module's code."""
		vars(module)['__builtins__'] = {**vars(builtins), '__import__': pack_import}
		super().exec_module(module)


class PackFinder:
	"""Finds the modules that lie in packs, so that each of them gets the packs' loader."""

	def __init__(self) -> None:
		self._places: tuple[str, ...] = ()

	def watch(self, pack: Path) -> None:
		"""Take a pack's modules for such from now on."""
		named = {str(pack), str(pack.resolve())} - set(self._places)
		self._places = (*self._places, *sorted(named))
		if self not in sys.meta_path:
			standard = [index for index, finder in enumerate(sys.meta_path) if finder is PathFinder]
			sys.meta_path.insert(standard[0] if standard else 0, self)

	def covers(self, location: object) -> bool:
		"""Whether a file or folder lies in a pack."""
		text = str(location)
		return any(text == place or text.startswith(place + os.sep) for place in self._places)

	def find_spec(
		self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
	) -> ModuleSpec | None:
		"""The import system's question; None for modules that lie elsewhere."""
		if not any(self.covers(entry) for entry in (sys.path if path is None else path)):
			return None
		spec = PathFinder.find_spec(fullname, path, target)
		return spec if spec is not None and self.adopt(spec) else None

	def adopt(self, spec: ModuleSpec) -> bool:
		"""Give a spec the packs' loader, if its source lies in a pack; tells whether it does."""
		if type(spec.loader) is not SourceFileLoader or not self.covers(spec.origin):
			return False
		spec.loader = PackLoader(spec.loader.name, spec.loader.path)
		return True


finder = PackFinder()
"""The one finder for all packs; it stands in `sys.meta_path` once a pack is watched."""


class Overlay(ModuleType):
	"""A module with some names of its own before those of another."""

	def __init__(self, real: ModuleType, **own: object) -> None:
		super().__init__(real.__name__, real.__doc__)
		vars(self).update(own, __spec__=real.__spec__, __real__=real)

	def __getattr__(self, name: str) -> Any:
		return getattr(vars(self)['__real__'], name)


def pack_import(
	name: str,
	globals: Mapping[str, object] | None = None,
	locals: Mapping[str, object] | None = None,
	fromlist: Sequence[str] | None = (),
	level: int = 0,
) -> ModuleType:
	"""`__import__` as packs have it. Raises `ModuleNotFoundError` naming a host's module that is not provided."""
	if level == 0 and _is_host(name):
		return _import_host(name, fromlist or ())
	module = builtins.__import__(name, globals, locals, fromlist or (), level)
	if level == 0 and name in WATCHED:
		return _overlays()[name if fromlist else 'importlib']
	return module


def import_module(name: str, package: str | None = None) -> ModuleType:
	"""`importlib.import_module` as packs have it."""
	return host_module(name) if _is_host(name) else importlib.import_module(name, package)


def host_module(name: str) -> ModuleType:
	"""The module that stands for one of the host's. Raises `ModuleNotFoundError` if there is none."""
	full = f'{SHIMS}.{name}'
	try:
		return importlib.import_module(full)
	except ModuleNotFoundError as error:
		if error.name is not None and f'{full}.'.startswith(f'{error.name}.'):
			raise ModuleNotFoundError(
				f'ComfyUI has a module {name!r} that packs may import; Lumengraph does not provide it.', name=name
			) from None
		raise


def _is_host(name: str) -> bool:
	top, dot, _ = name.partition('.')
	return top in HOST and not (dot and top in OURS)


def _import_host(name: str, fromlist: Sequence[str]) -> ModuleType:
	module = host_module(name)
	if not fromlist:
		return host_module(name.partition('.')[0])
	# Submodules named in `from package import submodule` are imported so.
	builtins.__import__(module.__name__, None, None, tuple(fromlist), 0)
	missing = [item for item in fromlist if item != '*' and not hasattr(module, item)]
	if missing:
		raise ImportError(f"Lumengraph's {name!r} for packs has no {', '.join(map(repr, missing))}.", name=name)
	return module


def _overlays() -> dict[str, ModuleType]:
	def spec_from_file_location(*arguments: Any, **named: Any) -> ModuleSpec | None:
		spec = importlib.util.spec_from_file_location(*arguments, **named)
		if spec is not None:
			finder.adopt(spec)
		return spec

	util = Overlay(importlib.util, spec_from_file_location=spec_from_file_location)
	machinery = Overlay(importlib.machinery, SourceFileLoader=PackLoader)
	top = Overlay(importlib, import_module=import_module, util=util, machinery=machinery)
	return {'importlib': top, 'importlib.util': util, 'importlib.machinery': machinery}
