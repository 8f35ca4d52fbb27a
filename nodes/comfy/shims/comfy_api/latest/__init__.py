"""`comfy_api.latest`: what a running node may tell."""

from __future__ import annotations

from typing import Any

from engine.context import PREVIEW_SIDE
from nodes.comfy.shims.comfy.utils import Preview, tell_progress


class ExecutionSync:
	"""The running node's progress, from plain functions."""

	def set_progress(
		self,
		value: float,
		max_value: float,
		node_id: str | None = None,
		preview_image: Any = None,
		ignore_size_limit: bool = False,
	) -> None:
		"""Tell how far the running node has come, and perhaps show a picture or the first of a tensor [B, H, W, C]."""
		tell_progress(value, max_value, _preview(preview_image, ignore_size_limit), node_id)


class Execution:
	"""The running node's progress, from coroutines."""

	async def set_progress(
		self,
		value: float,
		max_value: float,
		node_id: str | None = None,
		preview_image: Any = None,
		ignore_size_limit: bool = False,
	) -> None:
		"""Tell how far the running node has come, and perhaps show a picture or the first of a tensor [B, H, W, C]."""
		tell_progress(value, max_value, _preview(preview_image, ignore_size_limit), node_id)


class ComfyAPI:
	"""For asynchronous nodes."""

	def __init__(self) -> None:
		self.execution = Execution()


class ComfyAPISync:
	"""For nodes that are plain functions."""

	def __init__(self) -> None:
		self.execution = ExecutionSync()


def _preview(preview: Any, whole: bool) -> Preview | None:
	from PIL import Image

	side = None if whole else PREVIEW_SIDE
	if isinstance(preview, tuple):
		preview = preview[1]
	if preview is None:
		return None
	if isinstance(preview, Image.Image):
		return 'JPEG', preview, side
	pixels = preview.detach().cpu().float().clamp(0, 1)
	pixels = pixels[0] if pixels.ndim == 4 else pixels
	return 'JPEG', Image.fromarray((pixels * 255).round().byte().numpy()), side
