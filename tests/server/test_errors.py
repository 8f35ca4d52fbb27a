"""From exceptions to answers."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engine.errors import BadDocument, BadName, EngineError, FileMissing, JobCancelled, ModelNotFound, WorkerLost
from engine.jobs import IllegalTransition, JobNotFound, JobState
from server.errors import BadRequest, Forbidden, errors, snake, status_of

CASES: list[tuple[EngineError, int, str]] = [
	(BadRequest('x'), 400, 'bad_request'),
	(BadDocument('x'), 400, 'bad_document'),
	(BadName('x', 'input'), 400, 'bad_name'),
	(Forbidden('x'), 403, 'forbidden'),
	(FileMissing('x', 'input'), 404, 'file_missing'),
	(ModelNotFound('x', 'vae'), 404, 'model_not_found'),
	(JobNotFound('x'), 404, 'job_not_found'),
	(IllegalTransition('x', JobState.QUEUED, JobState.QUEUED), 409, 'illegal_transition'),
	(WorkerLost('x'), 503, 'worker_lost'),
	(JobCancelled('x'), 500, 'job_cancelled'),
]


def subclasses(cls: type[EngineError]) -> list[type[EngineError]]:
	"""A class and all below it."""
	return [cls, *(below for sub in cls.__subclasses__() for below in subclasses(sub))]


class TestStatuses:
	"""One table."""

	def test_every_exception_has_a_status(self) -> None:
		"""Whatever the engine raises on purpose can be answered."""
		for cls in subclasses(EngineError):
			assert 400 <= status_of(cls.__new__(cls)) < 600

	@pytest.mark.parametrize(('name', 'code'), [('BadName', 'bad_name'), ('Not Found', 'not_found'), ('A', 'a')])
	def test_snake(self, name: str, code: str) -> None:
		"""Names as codes."""
		assert snake(name) == code


class TestMiddleware:
	"""What a handler raises."""

	async def answer(self, error: BaseException) -> tuple[int, dict[str, dict[str, str]]]:
		"""The answer of a handler that raises this."""

		async def handler(request: web.Request) -> web.Response:
			raise error

		app = web.Application(middlewares=(errors,))
		app.router.add_get('/', handler)
		async with TestClient(TestServer(app)) as client:
			response = await client.get('/')
			return response.status, await response.json()

	@pytest.mark.parametrize(('error', 'status', 'code'), CASES, ids=lambda case: type(case).__name__)
	async def test_engine_error(self, error: EngineError, status: int, code: str) -> None:
		"""Status by class, code by name, the exception's own sentence."""
		assert await self.answer(error) == (status, {'error': {'code': code, 'message': str(error)}})

	async def test_anything_else_is_logged_and_not_shown(self, caplog: pytest.LogCaptureFixture) -> None:
		"""500 says an id alone; the log has it with the stack."""
		with caplog.at_level(logging.ERROR, 'server.errors'):
			status, body = await self.answer(RuntimeError('a secret path'))
		message = body['error']['message']

		assert status == 500
		assert 'secret' not in message
		assert message.rstrip('.').split()[-1] in caplog.text
		assert 'a secret path' in caplog.text
