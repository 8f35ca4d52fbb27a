"""From exceptions to answers: one table of statuses, one middleware."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from engine.errors import BadName, EngineError, GraphError, InvalidGraph, NotFound, WorkerLost, WrongInputs
from engine.jobs import IdTaken, IllegalTransition, JobIsLive, KeyTaken
from engine.logcontext import REQUEST
from server.schemas.check import ProblemReply
from server.schemas.errors import ErrorBody, ErrorDetail, Misfit
from server.store.writer import NotStored

log = logging.getLogger(__name__)


class BadRequest(EngineError):
	"""The request cannot be understood; the sentence says what is wrong with it."""


class InvalidRequest(BadRequest):
	"""Places of the request do not fit what the route takes; `misfits` names every one."""

	def __init__(self, misfits: Sequence[Misfit]) -> None:
		places = '; '.join(f'{misfit.place}: {misfit.message}' for misfit in misfits)
		super().__init__(f'The request does not fit: {places}.')
		self.misfits = tuple(misfits)


class Forbidden(EngineError):
	"""The request is understood and refused, whoever sends it."""


class Outdated(EngineError):
	"""A change was meant for something that is another by now: `If-Match` or `If-None-Match` forbids it."""


class Unprocessable(EngineError):
	"""What was asked of a thing cannot be done with it, however it is asked."""


class NameTaken(EngineError):
	"""There is something of that name already."""

	def __init__(self, name: str) -> None:
		super().__init__(f'There is a {name!r} already.')
		self.name = name


class UnknownUser(EngineError):
	"""The request names nobody whom the server knows."""


class TooLarge(EngineError):
	"""The request holds more than this server takes."""


class TooSlow(EngineError):
	"""The body of the request did not come."""


class Refusal(EngineError):
	"""A refusal that says more in headers."""

	def __init__(self, message: str, headers: Mapping[str, str]) -> None:
		super().__init__(message)
		self.headers = headers


class Unauthorized(Refusal):
	"""Whoever asks has shown no token that is good here."""

	def __init__(self) -> None:
		super().__init__(
			'This server asks for a token: log in at /v1/login, or send it as "Authorization: Bearer …".',
			{'WWW-Authenticate': 'Bearer realm="Lumengraph"'},
		)


class TooManyAttempts(Refusal):
	"""Too many wrong tokens came from one address."""

	def __init__(self, seconds: int) -> None:
		super().__init__(
			f'Too many wrong tokens came from here. Try again in {seconds} seconds.', {'Retry-After': str(seconds)}
		)


STATUSES: Mapping[type[EngineError], int] = {
	BadRequest: 400,
	BadName: 400,
	GraphError: 400,
	UnknownUser: 401,
	Unauthorized: 401,
	Forbidden: 403,
	NotFound: 404,
	TooSlow: 408,
	IdTaken: 409,
	KeyTaken: 409,
	IllegalTransition: 409,
	JobIsLive: 409,
	NameTaken: 409,
	Outdated: 412,
	TooLarge: 413,
	Unprocessable: 422,
	TooManyAttempts: 429,
	NotStored: 503,
	WorkerLost: 503,
	EngineError: 500,
}


def status_of(error: type[EngineError]) -> int:
	"""The status of a class of exceptions: its own, or that of its nearest base in the table."""
	return next(STATUSES[base] for base in error.__mro__ if base in STATUSES)


def code_of(error: type[EngineError]) -> str:
	"""What programs know a class of exceptions by."""
	return snake(error.__name__)


def details_of(error: EngineError) -> list[Misfit | ProblemReply]:
	"""Every single thing that is wrong, where an exception knows of several."""
	match error:
		case InvalidRequest():
			return [*error.misfits]
		case WrongInputs():
			return [
				Misfit(place=f'inputs.{misfit.input}', message=f'Expected {misfit.expected}, got {misfit.received}')
				for misfit in error.misfits
			]
		case InvalidGraph():
			return [ProblemReply.of(problem) for problem in error.problems]
		case _:
			return []


def error_reply(
	status: int,
	code: str,
	message: str,
	details: Sequence[Misfit | ProblemReply] = (),
	headers: Mapping[str, str] | None = None,
) -> web.Response:
	"""The answer to a request that is refused."""
	body = ErrorBody(error=ErrorDetail(code=code, message=message, details=list(details)))
	return web.Response(
		status=status, body=body.model_dump_json().encode(), content_type='application/json', headers=headers
	)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
	"""Turn whatever a handler raises into an answer with an `ErrorBody`."""
	try:
		return await handler(request)
	except web.HTTPException as error:
		if error.status < 400:
			raise
		reply = error_reply(error.status, snake(error.reason), f'{request.method} {request.path}: {error.reason}.')
		if 'Allow' in error.headers:
			reply.headers['Allow'] = error.headers['Allow']
		return reply
	except web.RequestPayloadError as error:
		return error_reply(400, 'bad_request', f'The body cannot be read: {one_line(error)}.')
	except ConnectionError:
		return web.Response(status=400)  # The client has gone; there is nobody to tell.
	except EngineError as error:
		kind = type(error)
		headers = error.headers if isinstance(error, Refusal) else None
		return error_reply(status_of(kind), code_of(kind), str(error), details_of(error), headers)
	except Exception:
		name = REQUEST.get() or uuid.uuid4().hex[:16]
		log.exception('%s %s failed (request %s)', request.method, request.raw_path, name)
		return error_reply(
			500, 'internal_error', f'Something went wrong in the server; its log has it as request {name}.'
		)


def one_line(error: Exception) -> str:
	"""An exception's message without its line breaks."""
	return ' '.join(str(error).split())


def snake(name: str) -> str:
	"""`BadName` and `Not Found` → `bad_name` and `not_found`."""
	return re.sub(r'(?<=[a-z])(?=[A-Z])|\W+', '_', name).lower()
