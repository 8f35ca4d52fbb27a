"""The door through which every pack of nodes comes in, the built-in one too.

A pack is a module with `register(kit)`. It adds nodes, loaders for the parts of model files, and folders of models.
Packs that lie in folders of custom nodes are opened by an opener, which a pack that is loaded by name brings along.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field

from engine.catalogue import Catalogue
from engine.codec import Codecs
from engine.compute import Compute
from engine.declaration import Model, NodeInfo
from engine.errors import PluginError
from engine.facts import FileMark
from engine.models import Loaders
from engine.registry import Registry

log = logging.getLogger(__name__)


class PackReport(Model):
	"""How a pack in a folder of custom nodes was loaded: the kinds it brought, or the traceback of its failure.

	A pack of which only some nodes could be had has both. `web` maps names, under which browsers ask for them, to folders
	of scripts and styles.
	"""

	name: str
	path: Path
	kinds: tuple[str, ...] = ()
	seconds: float = 0.0
	error: str = ''
	web: dict[str, Path] = Field(default_factory=dict)


Opener = Callable[[Path, 'Kit'], PackReport]
"""Loads the pack at a path into a kit. Never raises: what went wrong is in the report."""


@dataclass(frozen=True)
class Kit:
	"""What a pack can add to.

	`warm` collects calls that import heavy libraries ahead of the first job; they run when the worker is idle. `codecs`
	knows the values on the wires, `marks` the kinds of model files. `openers` load packs that lie in folders: the first
	is used; `preparers` are called with every such pack before the first is opened. `adapt` maps a socket name to a call
	that brings a foreign value into its native form, `exports` one to a call that makes of a value what Python programs
	know (pictures of Pillow). `refresh` collects calls that tell declarations anew, kind by kind.
	`compute` knows the devices.
	"""

	catalogue: Catalogue
	nodes: Registry = field(default_factory=Registry)
	loaders: Loaders = field(default_factory=Loaders)
	codecs: Codecs = field(default_factory=Codecs)
	marks: list[FileMark] = field(default_factory=list)
	openers: list[Opener] = field(default_factory=list)
	preparers: list[Callable[[Path], None]] = field(default_factory=list)
	adapt: dict[str, Callable[[object], object]] = field(default_factory=dict)
	exports: dict[str, Callable[[Any], object]] = field(default_factory=dict)
	refresh: list[Callable[[], tuple[NodeInfo, ...]]] = field(default_factory=list)
	warm: list[Callable[[], None]] = field(default_factory=list)
	compute: Compute = field(default_factory=Compute)

	def collect(self, module: ModuleType, *, origin: str = '') -> int:
		"""Register every `@node` function of a module; tells how many."""
		return self.nodes.collect(module, origin=origin or module.__name__.partition('.')[0])


def load_pack(name: str, kit: Kit) -> None:
	"""Import a pack by its module name and let it register. Raises `PluginError` with the reason if it cannot."""
	try:
		module = importlib.import_module(name)
	except Exception as error:
		raise PluginError(name, f'it cannot be imported: {type(error).__name__}: {error}') from error
	register = getattr(module, 'register', None)
	if not callable(register):
		raise PluginError(name, 'it has no function register(kit)')
	register(kit)


def load_packs(
	kit: Kit, folders: Iterable[Path], *, allowed: Callable[[Path], bool] = lambda path: True
) -> tuple[PackReport, ...]:
	"""Open every allowed pack that lies in these folders, each folder in the order of names. A missing folder has none.

	A pack that fails is told in its report, and the others are opened all the same.
	"""
	packs = [path for folder in folders for path in packs_in(folder) if allowed(path)]
	if not kit.openers:
		return ()
	for prepare in kit.preparers:
		for path in packs:
			prepare(path)
	return tuple(kit.openers[0](path, kit) for path in packs)


def packs_in(folder: Path) -> tuple[Path, ...]:
	"""The packs in a folder, by name: folders with an `__init__.py` and `.py` files, unless named `*.disabled`."""
	try:
		found = sorted(folder.absolute().iterdir())
	except (FileNotFoundError, NotADirectoryError):
		return ()
	except OSError as error:
		log.warning('The folder of custom nodes %s cannot be read: %s.', folder, error)
		return ()
	return tuple(path for path in found if _is_pack(path))


def pack_name(path: Path) -> str:
	"""The name of a pack: its folder's, or its file's without the ending."""
	return path.stem if path.suffix == '.py' else path.name


def _is_pack(path: Path) -> bool:
	if path.name.startswith(('.', '__')) or path.name.lower().endswith('.disabled'):
		return False
	return (path / '__init__.py').is_file() if path.is_dir() else path.suffix == '.py'
