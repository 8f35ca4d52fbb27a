"""`/v1/models/status` and its neighbours: models in memory."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.modelreport import ResidentReport, WorkReport
from server.schemas.base import Parameters, Reply


class WorkerModels(Reply):
	"""The models of one worker, least recently used first. `place` is where it computes with them; `budgets` are the bytes
	that it may use at each place for models and for what is worked out with them, `used` those that it does. `work` is what
	is worked out now, and the bytes that are kept free for it."""

	worker: str
	device: str
	place: str
	budgets: dict[str, int]
	used: dict[str, int]
	residents: list[ResidentReport]
	work: list[WorkReport]


class ModelsStatus(Reply):
	"""The models of all workers."""

	workers: list[WorkerModels]


class LoadPath(Parameters):
	"""A model in memory, or its load."""

	id: Annotated[str, Field(max_length=100)]


class LoadCancel(Parameters):
	"""Why a load is cancelled; those who wait for it are told."""

	reason: Annotated[str, Field(max_length=500)] = 'it was called off'


class LoadCancelled(Reply):
	"""Whether there was such a load."""

	cancelled: bool


class Unloaded(Reply):
	"""How many bytes of weights were let go of."""

	freed: int
