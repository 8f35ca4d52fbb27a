"""Networks whose repeated blocks are compiled: each kind of block once, for pictures of all sizes.

A block's `forward` is compiled, not its hooks. So what looks for a cancelled job, or changes what a block hears and says,
is between the blocks as ever; a block that is changed inside is computed as it is written for as long as that lasts.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, cast

import torch
from torch.nn import Module

from engine.context import current
from engine.errors import NotInstalled
from nodes.diffusion.interrupt import look_for_cancel
from nodes.diffusion.patches.apply import shared
from nodes.diffusion.placement import streamed
from nodes.diffusion.whereabouts import place_of

log = logging.getLogger(__name__)

INDUCTOR = 'inductor'
CUDA_GRAPHS = 'cudagraphs'
UNLISTED: Mapping[str, tuple[str, ...]] = {'SD3Transformer2DModel': ('JointTransformerBlock',)}
"""Networks of which diffusers does not list the blocks that repeat, with the classes of these."""
COMPILERS: Mapping[str, str] = {'darwin': 'clang++', 'win32': 'cl'}
"""Which C++ compiler torch takes, by system; `g++` on all others."""
VARIANTS = 64
"""How often one kind of block may be compiled: once for each width, precision and kind of input that comes along."""

Forward = Callable[..., Any]
Backend = str | Callable[..., Any]
"""One of torch's by name, or a function that makes something callable of a graph."""


def compiled(model: Any, backend: Backend = INDUCTOR) -> Any:
	"""A model (a `Denoiser`) that computes with compiled blocks; its weights are those of the one that is given.

	Blocks are compiled when they are first used, with a `backend` of torch's. A model that is streamed, or has nothing to
	compile, is handed back as it is, and the node is told. Raises `NotInstalled` where there is no C++ compiler.
	"""
	module = model.network.module
	if any(isinstance(block.__dict__.get('forward'), CompiledBlock) for block in _repeated(module)):
		return model
	place = place_of(module).type
	reason = ''
	if streamed(module) is not None:
		reason = 'there is not room for all of it, so that its blocks come and go'
	elif not any(_repeated(module)):
		reason = f'{type(module).__name__} has no blocks that repeat'
	elif backend == CUDA_GRAPHS and place != 'cuda':
		reason = f'CUDA graphs are for GPUs of NVIDIA, and it computes on {place!r}'
	if reason:
		_tell(f'The model is not compiled: {reason}.')
		return model
	if backend == INDUCTOR:
		require_compiler()
	twin = shared(module)
	faults: set[type[Module]] = set()
	for block in _repeated(twin):
		block.__dict__['forward'] = CompiledBlock(block, backend, faults)
	return replace(model, network=model.network.around(twin))


def require_compiler() -> None:
	"""Raise `NotInstalled` if the C++ compiler is missing that torch takes for the code it makes."""
	named = os.environ.get('CXX', '')
	name = named or COMPILERS.get(sys.platform, 'g++')
	if shutil.which(name) is None:
		advice = (
			f'CXX names it, and it is not on the search path ({name})' if named else 'install it, or name yours in CXX'
		)
		raise NotInstalled(f'a C++ compiler ({name})', 'Compiling a model', f'{advice}; or do without compiling')


class CompiledBlock:
	"""Stands in for the `forward` of a network's block. `faults` are those kinds of blocks that could not be compiled."""

	def __init__(self, block: Module, backend: Backend, faults: set[type[Module]]) -> None:
		self._block = weakref.ref(block)  # It holds this; a circle would keep the weights.
		self._kind = type(block)
		self._inside = [part for part in block.modules() if part is not block]
		self._backend = backend
		self._faults = faults

	def __call__(self, *args: Any, **given: Any) -> Any:
		"""What its class says that the block says, but for rounding."""
		block, plain = self._block(), self._kind.forward
		if self._kind in self._faults:
			return plain(block, *args, **given)
		if any(map(_is_changed, self._inside)):
			_say(f'Where settings change a {self._kind.__name__} inside, it is not compiled.')
			return plain(block, *args, **given)
		call = _compiled(plain, self._backend)
		try:
			with _any_sizes():
				return call(block, *args, **given)
		except _faults() as error:
			# It is compiled whole or not at all, so nothing has been computed yet.
			self._faults.add(self._kind)
			_say(f'A {self._kind.__name__} cannot be compiled, and is computed as it is: {_reason(error)}')
			return plain(block, *args, **given)


def _repeated(module: Module) -> Iterator[Module]:
	"""The blocks of a network that repeat, by their classes' names."""
	listed = cast(list[str], getattr(module, '_repeated_blocks', []))
	names = {*listed, *UNLISTED.get(type(module).__name__, ())}
	return (part for part in module.modules() if type(part).__name__ in names)


def _is_changed(part: Module) -> bool:
	"""Whether something takes part in what a module computes that was not there when its block was compiled."""
	hooks = (*part._forward_hooks.values(), *part._forward_pre_hooks.values())
	return 'forward' in part.__dict__ or any(hook is not look_for_cancel for hook in hooks)


@cache
def _compiled(forward: Forward, backend: Backend) -> Forward:
	"""The `forward` of a class of blocks, compiled for sizes of all kinds: what was computed before changes no result."""
	return torch.compile(forward, backend=backend, fullgraph=True, dynamic=True)


@contextmanager
def _any_sizes() -> Iterator[None]:
	"""Have torch compile for sizes that need not be alike because they happened to be so the first time."""
	from torch._dynamo import config as tracing
	from torch.fx.experimental import _config as symbols

	# Their functions are put into these modules when they are imported.
	with cast(Any, tracing).patch(recompile_limit=VARIANTS), cast(Any, symbols).patch(use_duck_shape=False):
		yield


def _faults() -> tuple[type[Exception], ...]:
	"""What torch raises if it cannot compile something."""
	from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

	return TorchDynamoException, FailOnRecompileLimitHit


def _reason(error: Exception) -> str:
	"""The line of an error that tells what went wrong: torch begins with which backend it was, and ends with advice."""
	lines = [line for line in str(error).splitlines() if line and not line.endswith('raised:')]
	return lines[0] if lines else type(error).__name__


def _tell(text: str) -> None:
	context = current.get()
	if context is not None:
		context.note(text)
	_say(text)


@cache
def _say(text: str) -> None:
	"""Log something once."""
	log.warning(text)
