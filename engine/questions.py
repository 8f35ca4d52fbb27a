"""What is asked of a worker beside its jobs: whether nodes accept their constants, and what its nodes list now."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic_core import to_json

from engine.errors import WorkerLost
from engine.formats.prompt import write_prompt
from engine.graph import Graph, NodeId
from engine.spec import ValidationRequest
from engine.wire import (
	AskForecast,
	AskModels,
	CancelLoad,
	Describe,
	Forecasted,
	Message,
	ModelsTold,
	Question,
	Unload,
	Validate,
	Validated,
)

VALIDATE_SECONDS = 30.0
ANSWER_SECONDS = 5.0
REFRESH_SECONDS = 1.0
Asked = AskModels | AskForecast | CancelLoad | Unload
T = TypeVar('T')


class Questions:
	"""The questions to one worker that are not answered yet."""

	def __init__(self, send: Callable[[Message], None]) -> None:
		self._send = send
		self._ids = itertools.count()
		self._validations: dict[int, asyncio.Future[dict[NodeId, str]]] = {}
		self._models: dict[int, asyncio.Future[ModelsTold]] = {}
		self._forecasts: dict[int, asyncio.Future[Forecasted]] = {}
		self._refresh: asyncio.Future[None] | None = None

	async def validate(self, requests: Sequence[ValidationRequest]) -> Mapping[NodeId, str]:
		"""Node id → why it refuses its constants. `WorkerLost` if the worker dies over it.

		A node that takes too long refuses: a graph that was not judged must not run.
		"""
		asked = Validate(
			id=next(self._ids),
			questions=tuple(
				Question(node=item.node, kind=item.kind, constants=dict(item.constants), links=dict(item.links))
				for item in requests
			),
		)
		answer: asyncio.Future[dict[NodeId, str]] = asyncio.get_running_loop().create_future()
		self._validations[asked.id] = answer
		self._send(asked)
		try:
			async with asyncio.timeout(VALIDATE_SECONDS):
				return await answer
		except TimeoutError:
			return {item.node: 'The validator did not answer.' for item in requests}
		finally:
			del self._validations[asked.id]

	async def models(self) -> ModelsTold:
		"""The models that the worker holds. `WorkerLost` if it dies, or does not answer."""
		return await self._ask(AskModels(id=next(self._ids)))

	async def cancel_load(self, load: str, reason: str) -> ModelsTold:
		"""End a load; `found` tells whether it runs there. `WorkerLost` as above."""
		return await self._ask(CancelLoad(id=next(self._ids), load=load, reason=reason))

	async def unload(self, resident: str) -> ModelsTold:
		"""Drop a model, or all; `freed` tells the bytes. `WorkerLost` as above."""
		return await self._ask(Unload(id=next(self._ids), resident=resident))

	async def forecast(self, graph: Graph, sinks: Sequence[NodeId]) -> Forecasted:
		"""What a checked graph will need of memory, and what a run of it would do. `WorkerLost` as above."""
		answer: asyncio.Future[Forecasted] = asyncio.get_running_loop().create_future()
		prompt = to_json(write_prompt(graph)).decode()
		asked = AskForecast(id=next(self._ids), prompt=prompt, sinks=tuple(sinks))
		return await self._answered(self._forecasts, asked, answer)

	async def _ask(self, message: AskModels | CancelLoad | Unload) -> ModelsTold:
		answer: asyncio.Future[ModelsTold] = asyncio.get_running_loop().create_future()
		return await self._answered(self._models, message, answer)

	async def _answered(self, waiting: dict[int, asyncio.Future[T]], message: Asked, answer: asyncio.Future[T]) -> T:
		waiting[message.id] = answer
		self._send(message)
		try:
			async with asyncio.timeout(ANSWER_SECONDS):
				return await answer
		except TimeoutError:
			raise WorkerLost('The worker did not answer in time.') from None
		finally:
			del waiting[message.id]

	async def refresh(self) -> None:
		"""Have the nodes told anew. Whoever asks meanwhile waits for the same answer, but not for long."""
		if self._refresh is None:
			self._refresh = asyncio.get_running_loop().create_future()
			self._send(Describe())
		with contextlib.suppress(TimeoutError):
			async with asyncio.timeout(REFRESH_SECONDS):
				await asyncio.shield(self._refresh)

	def validated(self, message: Validated) -> None:
		"""The worker has judged."""
		answer = self._validations.get(message.id)
		if answer is not None and not answer.done():
			answer.set_result({NodeId(node): reason for node, reason in message.refusals.items()})

	def told_models(self, message: ModelsTold) -> None:
		"""The worker has told its models."""
		answer = self._models.get(message.id)
		if answer is not None and not answer.done():
			answer.set_result(message)

	def told_forecast(self, message: Forecasted) -> None:
		"""The worker has told what a graph will need."""
		answer = self._forecasts.get(message.id)
		if answer is not None and not answer.done():
			answer.set_result(message)

	def described(self) -> None:
		"""The worker has told its nodes."""
		if self._refresh is not None:
			self._refresh.set_result(None)
			self._refresh = None

	def fail(self, cause: WorkerLost) -> None:
		"""The worker is gone: who waits for its judgement hears that; who waits for its nodes has the old ones."""
		answers = self._pending()
		for answer in answers:
			if not answer.done():
				answer.set_exception(cause)
		self.described()

	async def settled(self) -> None:
		"""Wait until everything that was asked by now is answered, or given up."""
		pending = self._pending()
		if self._refresh is not None:
			pending.append(self._refresh)
		if pending:
			await asyncio.wait(pending, timeout=VALIDATE_SECONDS)

	def _pending(self) -> list[asyncio.Future[Any]]:
		return [*self._validations.values(), *self._models.values(), *self._forecasts.values()]
