"""Questions to a worker that is played by the test."""

from __future__ import annotations

import asyncio

import pytest

from engine import questions
from engine.errors import WorkerLost
from engine.graph import Graph, NodeId
from engine.modelreport import ModelReport
from engine.questions import Questions
from engine.spec import ValidationRequest
from engine.wire import (
	AskForecast,
	AskModels,
	CancelLoad,
	Describe,
	Forecasted,
	Message,
	ModelsTold,
	Validate,
	Validated,
)

REQUEST = ValidationRequest(NodeId('n'), 'A', {'x': 1}, {'y': 'INT'})


class Asked:
	"""Questions, and what was sent."""

	def __init__(self) -> None:
		self.sent: list[Message] = []
		self.questions = Questions(self.sent.append)

	async def begin(self, count: int = 1) -> list[asyncio.Task[object]]:
		"""Ask for judgement."""
		tasks = [asyncio.create_task(self._validate()) for _ in range(count)]
		await asyncio.sleep(0)
		return tasks

	async def _validate(self) -> object:
		return await self.questions.validate([REQUEST])


@pytest.fixture
def asked() -> Asked:
	"""Nothing asked yet."""
	return Asked()


class TestValidate:
	async def test_each_gets_its_own_answer(self, asked: Asked) -> None:
		"""In whatever order they come; one that nobody waits for is no error."""
		first, second = await asked.begin(2)
		ids = [message.id for message in asked.sent if isinstance(message, Validate)]
		asked.questions.validated(Validated(id=ids[1], refusals={'n': 'no'}))
		asked.questions.validated(Validated(id=ids[1], refusals={'n': 'late'}))
		asked.questions.validated(Validated(id=99, refusals={}))
		asked.questions.validated(Validated(id=ids[0], refusals={}))

		assert await first == {}
		assert await second == {'n': 'no'}

	async def test_the_worker_dies(self, asked: Asked) -> None:
		"""Everybody hears of it."""
		tasks = await asked.begin(2)
		asked.questions.fail(WorkerLost('gone'))

		for task in tasks:
			with pytest.raises(WorkerLost, match='gone'):
				await task


class TestRefresh:
	async def test_all_wait_for_one_answer(self, asked: Asked) -> None:
		"""The worker is asked once; the next who asks after the answer asks anew."""
		tasks = [asyncio.create_task(asked.questions.refresh()) for _ in range(3)]
		await asyncio.sleep(0)
		asked.questions.described()
		await asyncio.gather(*tasks)
		once = list(asked.sent)
		again = asyncio.create_task(asked.questions.refresh())
		await asyncio.sleep(0)
		asked.questions.described()
		await again

		assert once == [Describe()]
		assert asked.sent == [Describe()] * 2

	async def test_no_answer(self, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Nobody waits for long; told unasked, or by a worker that has died, nothing comes of it."""
		monkeypatch.setattr(questions, 'REFRESH_SECONDS', 0.0)
		await asked.questions.refresh()
		asked.questions.fail(WorkerLost('gone'))
		asked.questions.described()

		assert asked.sent == [Describe()]


class TestModels:
	TOLD = ModelReport(place='cpu', budgets={}, used={}, residents=())

	async def test_answers_find_their_askers(self, asked: Asked) -> None:
		"""By number, whatever was asked."""
		status = asyncio.create_task(asked.questions.models())
		cancel = asyncio.create_task(asked.questions.cancel_load('x', 'why'))
		memory = asyncio.create_task(asked.questions.forecast(Graph({}), []))
		await asyncio.sleep(0)
		first, second, third = asked.sent
		assert isinstance(first, AskModels)
		assert isinstance(second, CancelLoad)
		assert isinstance(third, AskForecast)
		asked.questions.told_forecast(Forecasted(id=third.id, forecast=None))
		asked.questions.told_models(ModelsTold(id=second.id, models=self.TOLD, found=True))
		asked.questions.told_models(ModelsTold(id=first.id, models=self.TOLD))
		asked.questions.told_models(ModelsTold(id=99, models=self.TOLD))

		assert (await cancel).found
		assert not (await status).found
		assert (await memory).forecast is None

	async def test_the_worker_dies(self, asked: Asked) -> None:
		"""Whoever asked hears that."""
		task = asyncio.create_task(asked.questions.models())
		await asyncio.sleep(0)
		asked.questions.fail(WorkerLost('gone'))

		with pytest.raises(WorkerLost, match='gone'):
			await task

	async def test_no_answer(self, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A worker that computes and lets nobody else do anything is not waited for."""
		monkeypatch.setattr(questions, 'ANSWER_SECONDS', 0.01)

		with pytest.raises(WorkerLost, match='in time'):
			await asked.questions.models()


class TestSettled:
	async def test_with_the_last_answer(self, asked: Asked) -> None:
		"""A worker that is let go has answered what it was asked."""
		[task] = await asked.begin()
		settled = asyncio.create_task(asked.questions.settled())
		await asyncio.sleep(0)
		before = settled.done()
		[message] = asked.sent
		assert isinstance(message, Validate)
		asked.questions.validated(Validated(id=message.id, refusals={}))
		await settled
		await task

		assert not before

	async def test_nothing_was_asked(self, asked: Asked) -> None:
		"""At once."""
		await asyncio.wait_for(asked.questions.settled(), 60)

		assert asked.sent == []
