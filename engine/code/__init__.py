"""Lumengraph from Python: `from engine.code import Workflow`. `lumengraph stubs` writes types for the installed nodes.

Names are imported when they are first asked for: who needs one module of this package does not pay for all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from engine.axes import Range
	from engine.code.handles import (
		Boolean,
		Clip,
		Conditioning,
		ControlNet,
		Float,
		Handle,
		Image,
		Int,
		Latent,
		Mask,
		Model,
		Node,
		String,
		Vae,
	)
	from engine.code.results import Result, SweepResult
	from engine.code.session import RunFailed, Session
	from engine.code.workflow import Workflow
	from engine.settings import Settings

__all__ = [
	'Boolean',
	'Clip',
	'Conditioning',
	'ControlNet',
	'Float',
	'Handle',
	'Image',
	'Int',
	'Latent',
	'Mask',
	'Model',
	'Node',
	'Range',
	'Result',
	'RunFailed',
	'Session',
	'Settings',
	'String',
	'SweepResult',
	'Vae',
	'Workflow',
]
MODULES = (
	'engine.code.handles',
	'engine.code.results',
	'engine.code.session',
	'engine.code.workflow',
	'engine.settings',
	'engine.axes',
)


def __getattr__(name: str) -> object:
	if name in __all__:
		for module in MODULES:
			found: object = getattr(importlib.import_module(module), name, None)
			if found is not None and getattr(found, '__module__', None) == module:
				return found
	raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
	return [*globals(), *__all__]
