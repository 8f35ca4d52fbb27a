"""The door through which every pack of nodes comes in, the built-in one too.

A pack is a module with `register(kit)`. It adds nodes, loaders for the parts of model files, and folders of models.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

from engine.catalogue import Catalogue
from engine.errors import PluginError
from engine.models import Loaders
from engine.registry import Registry


@dataclass(frozen=True)
class Kit:
	"""What a pack can add to.

	`warm` collects calls that import heavy libraries ahead of the first job; they run when the worker is idle.
	"""

	catalogue: Catalogue
	nodes: Registry = field(default_factory=Registry)
	loaders: Loaders = field(default_factory=Loaders)
	warm: list[Callable[[], None]] = field(default_factory=list)

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
