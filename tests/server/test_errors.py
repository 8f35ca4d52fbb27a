"""From exceptions to answers."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engine.errors import (
	BadDocument,
	BadName,
	EngineError,
	FileMissing,
	InvalidGraph,
	JobCancelled,
	ModelNotFound,
	WorkerLost,
)
from engine.jobs import IllegalTransition, JobNotFound, JobState
from engine.problems import Problem
from server.errors import (
	BadRequest,
	Forbidden,
	InvalidRequest,
	NameTaken,
	Outdated,
	UnknownUser,
	Unprocessable,
	errors,
	snake,
	status_of,
)
from server.schemas.errors import Misfit

CASES: list[tuple[EngineError, int, str]] = [
	(BadRequest('x'), 400, 'bad_request'),
	(BadDocument('x'), 400, 'bad_document'),
	(BadName('x', 'input'), 400, 'bad_name'),
	(UnknownUser('x'), 401, 'unknown_user'),
	(Forbidden('x'), 403, 'forbidden'),
	(FileMissing('x', 'input'), 404, 'file_missing'),
	(ModelNotFound('x', 'vae'), 404, 'model_not_found'),
	(JobNotFound('x'), 404, 'job_not_found'),
	(IllegalTransition('x', JobState.QUEUED, JobState.QUEUED), 409, 'illegal_transition'),
	(Outdated('x'), 412, 'outdated'),
	(Unprocessable('x'), 422, 'unprocessable'),
	(NameTaken('x'), 409, 'name_taken'),
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
			assert 400 <= status_of(cls) < 600

	@pytest.mark.parametrize(('name', 'code'), [('BadName', 'bad_name'), ('Not Found', 'not_found'), ('A', 'a')])
	def test_snake(self, name: str, code: str) -> None:
		"""Names as codes."""
		assert snake(name) == code


class TestMiddleware:
	"""What a handler raises."""

	async def answer(self, error: BaseException) -> tuple[int, Any]:
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
		assert await self.answer(error) == (status, {'error': {'code': code, 'message': str(error), 'details': []}})

	async def test_every_misfit_is_a_detail(self) -> None:
		"""Places of the request, each with what is wrong there."""
		misfits = [Misfit(place='query.limit', message='too large'), Misfit(place='body', message='no object')]
		status, body = await self.answer(InvalidRequest(misfits))

		assert status == 400
		assert body['error']['code'] == 'invalid_request'
		assert body['error']['message'] == 'The request does not fit: query.limit: too large; body: no object.'
		assert body['error']['details'] == [misfit.model_dump() for misfit in misfits]

	async def test_every_problem_of_a_graph_is_a_detail(self) -> None:
		"""As `/v1/check` tells it."""
		problem = Problem(code='unknown_input', node='4', kind='Save', input='odd', expected='none', received='odd')
		status, body = await self.answer(InvalidGraph([problem]))
		(detail,) = body['error']['details']

		assert (status, body['error']['code']) == (400, 'invalid_graph')
		assert (detail['node'], detail['input'], detail['code']) == ('4', 'odd', 'unknown_input')
		assert detail['sentence'] == problem.sentence

	async def test_anything_else_is_logged_and_not_shown(self, caplog: pytest.LogCaptureFixture) -> None:
		"""500 says an id alone; the log has it with the stack."""
		with caplog.at_level(logging.ERROR, 'server.errors'):
			status, body = await self.answer(RuntimeError('a secret path'))
		message = body['error']['message']

		assert status == 500
		assert 'secret' not in message
		assert message.rstrip('.').split()[-1] in caplog.text
		assert 'a secret path' in caplog.text
