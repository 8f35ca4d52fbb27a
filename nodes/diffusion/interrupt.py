"""Lets a cancelled job leave a network in the middle of its pass, so that a stop does not wait for a whole step."""

from __future__ import annotations

import torch

from engine.context import current


def interruptible(module: torch.nn.Module) -> None:
	"""Have a network look before each of its blocks whether the job that it computes for was cancelled.

	Blocks are the modules that stand in lists (`ModuleList`): resnets, attentions, transformer blocks, layers. A pass that
	is left raises `JobCancelled`; the network itself is as before.
	"""
	for part in module.modules():
		if isinstance(part, torch.nn.ModuleList):
			for block in part:
				block.register_forward_pre_hook(look_for_cancel)


def look_for_cancel(module: torch.nn.Module, arguments: object) -> None:
	"""The hook: raises `JobCancelled` if the job that runs was cancelled. Inside of compiled blocks nothing looks."""
	if torch.compiler.is_compiling():
		return
	context = current.get()
	if context is not None:
		context.check_cancelled()
