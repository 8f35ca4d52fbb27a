"""The text frame of the WebSocket that tells of a model being loaded; clients of others do not know it."""

from __future__ import annotations

from typing import Literal

from engine.events import LoadPhase, LoadState, ModelLoading
from server.schemas.base import Reply


class ModelLoadingData(Reply):
	"""A model that a node waits for: how many bytes of the phase are done (0 of 0: not known)."""

	prompt_id: str
	node: str
	display_node: str
	model: str
	part: str
	phase: LoadPhase
	done: int
	total: int
	state: LoadState

	@classmethod
	def of(cls, event: ModelLoading, display: str) -> ModelLoadingData:
		"""The engine's event, at the node where it is shown."""
		return cls(
			prompt_id=event.job,
			node=event.node,
			display_node=display,
			model=event.model,
			part=event.part,
			phase=event.phase,
			done=event.done,
			total=event.total,
			state=event.state,
		)


class ModelLoadingMessage(Reply):
	"""A model is being loaded; only for clients that announced `model_loading`."""

	type: Literal['model_loading'] = 'model_loading'
	data: ModelLoadingData
