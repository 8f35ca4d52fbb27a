"""`comfy_api.latest`: what a running node may tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nodes.comfy.shims.comfy.utils import tell_progress

if TYPE_CHECKING:
	from PIL import Image


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
		tell_progress(value, max_value, _picture(preview_image), node_id)


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
		tell_progress(value, max_value, _picture(preview_image), node_id)


class ComfyAPI:
	"""For asynchronous nodes."""

	def __init__(self) -> None:
		self.execution = Execution()


class ComfyAPISync:
	"""For nodes that are plain functions."""

	def __init__(self) -> None:
		self.execution = ExecutionSync()


def _picture(preview: Any) -> Image.Image | None:
	if isinstance(preview, tuple):
		preview = preview[1]
	from PIL import Image

	if preview is None or isinstance(preview, Image.Image):
		return preview
	pixels = preview.detach().cpu().float().clamp(0, 1)
	pixels = pixels[0] if pixels.ndim == 4 else pixels
	return Image.fromarray((pixels * 255).round().byte().numpy())
