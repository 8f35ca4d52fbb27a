"""TaylorSeer: what parts of a network will say is foretold from how it went on over the last steps (Liu et al. 2025).

The mathematics are diffusers'; here is which parts of our networks they are for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import torch
from diffusers.hooks.hooks import CacheContext, HookFunctionReference, StateManager
from diffusers.hooks.taylorseer_cache import TaylorSeerCacheHook, TaylorSeerState

from engine.errors import NodeUsage
from nodes.diffusion.step_cache import Forward
from nodes.diffusion.whereabouts import dtype_of

ATTENTION_AND_MLP = re.compile(
	r'(transformer_blocks|single_transformer_blocks|layers)\.\d+\.'
	r'(attn2?|attention|ff|ff_context|feed_forward|img_mlp|txt_mlp|proj_mlp)'
)
"""What is foretold of a transformer: what its blocks add, before it is scaled by the time."""
INSIDE_UNET = re.compile(r'(down_blocks|mid_block|up_blocks)\..*(resnets|transformer_blocks)\.\d+')
"""What says nothing in a UNet while its last layer is foretold: blocks hand on what they get, so all would be lost else."""
LAST_OF_UNET = 'conv_out'


class Taylor:
	"""A `step_cache.Memory`: the last outputs of a network's parts, and how they changed, up to so many orders.

	All is computed at the first `warm_up` looks, and then at each `interval`th.
	"""

	def __init__(self, interval: int, warm_up: int, order: int, module: torch.nn.Module) -> None:
		self._hooks: list[tuple[torch.nn.Module, TaylorSeerCacheHook]] = []
		unet = hasattr(module, 'down_blocks')
		for name, part in module.named_modules():
			silent = unet and INSIDE_UNET.fullmatch(name) is not None
			foretold = name == LAST_OF_UNET if unet else ATTENTION_AND_MLP.fullmatch(name) is not None
			if silent or foretold:
				self._hooks.append((part, _hook(interval, warm_up, order, module, silent=silent)))
		if not self._hooks:
			raise NodeUsage(f'TaylorSeer does not know the parts of a {type(module).__name__}.')

	def stand_ins(self) -> Iterator[tuple[torch.nn.Module, Forward]]:
		"""See `Memory`."""
		for part, hook in self._hooks:
			reference = cast(Any, hook.fn_ref)  # its class declares no types
			reference.original_forward = part.forward
			yield part, partial(hook.new_forward, part)


def _hook(interval: int, warm_up: int, order: int, module: torch.nn.Module, *, silent: bool) -> TaylorSeerCacheHook:
	"""One of diffusers' hooks, which count the looks of one context: there is one here for each batch of prompts."""
	dtype = dtype_of(module)
	told = {'taylor_factors_dtype': dtype, 'max_order': order, 'is_inactive': silent}
	# Declared to take an instance, it takes a class.
	states = StateManager(cast(Any, TaylorSeerState), init_kwargs=told)
	states.set_context(CacheContext('batch'))
	hook = TaylorSeerCacheHook(interval, warm_up, dtype, states)
	hook.fn_ref = HookFunctionReference()
	return hook
