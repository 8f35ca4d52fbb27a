"""`comfy.utils`: the progress bar."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from engine.context import current
from engine.errors import JobCancelled
from engine.graph import NodeId
from nodes.comfy.shims.comfy.model_management import InterruptProcessingException

if TYPE_CHECKING:
	from PIL import Image

PROGRESS_BAR_ENABLED = True
Preview = tuple[str, 'Image.Image', 'int | None']
"""A format, `JPEG` or `PNG`; a picture; its longest side, if it may be shrunk."""


def tell_progress(value: float, total: float, preview: Preview | None = None, node_id: str | None = None) -> None:
	"""Tell how far the running node has come, or another node of its job; outside of a node's call nobody listens.

	A picture that comes along is sent whether the client wants previews or not: it may be what the node is there for.
	Raises `InterruptProcessingException` if the job was asked to stop.
	"""
	context = current.get()
	if context is None:
		return
	if node_id is not None and NodeId(str(node_id)) in context.graph.calls:
		context = copy(context)
		context.node = str(node_id)
	try:
		context.progress(int(value), int(total))
	except JobCancelled as stop:
		raise InterruptProcessingException from stop
	if preview is not None:
		format, picture, side = preview
		context.send_image(picture, format='PNG' if format == 'PNG' else 'JPEG', side=side)


class ProgressBar:
	"""How far the running node has come, or the node of the job that `node_id` names."""

	def __init__(self, total: float, node_id: str | None = None) -> None:
		self.total = total
		self.current: float = 0
		self.node_id = node_id

	def update_absolute(self, value: float, total: float | None = None, preview: Preview | None = None) -> None:
		"""Set how much is done, and perhaps send a picture."""
		if total is not None:
			self.total = total
		self.current = min(value, self.total)
		# A node may set the switch of this module.
		if PROGRESS_BAR_ENABLED:
			tell_progress(self.current, self.total, preview, self.node_id)

	def update(self, value: float) -> None:
		"""Add to what is done."""
		self.update_absolute(self.current + value)
