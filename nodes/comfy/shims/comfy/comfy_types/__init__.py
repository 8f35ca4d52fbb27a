"""`comfy.comfy_types`: names for annotations."""

from __future__ import annotations

from nodes.comfy.shims.comfy.comfy_types.node_typing import (
	IO,
	CheckLazyMixin,
	ComfyNodeABC,
	FileLocator,
	HiddenInputTypeDict,
	InputTypeDict,
	InputTypeOptions,
)

__all__ = [
	'IO',
	'CheckLazyMixin',
	'ComfyNodeABC',
	'FileLocator',
	'HiddenInputTypeDict',
	'InputTypeDict',
	'InputTypeOptions',
]
