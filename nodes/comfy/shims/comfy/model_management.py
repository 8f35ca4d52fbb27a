"""`comfy.model_management`: interruption, and the devices that nodes ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.context import current

if TYPE_CHECKING:
	from torch import device


class InterruptProcessingException(BaseException):
	"""The job was interrupted. A `BaseException`, so that a node's `except Exception` does not swallow it."""


def processing_interrupted() -> bool:
	"""Whether the running job was asked to stop."""
	context = current.get()
	return context is not None and context.cancel.cancelled


def throw_exception_if_processing_interrupted() -> None:
	"""Raise `InterruptProcessingException` if the running job was asked to stop."""
	if processing_interrupted():
		raise InterruptProcessingException


def get_torch_device() -> device:
	"""The device to compute on."""
	import torch

	return torch.device('cpu')


def intermediate_device() -> device:
	"""The device where nodes put their results."""
	import torch

	return torch.device('cpu')
