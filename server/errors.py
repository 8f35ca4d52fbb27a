"""From exceptions to answers: one table of statuses, one middleware."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from engine.errors import BadName, EngineError, GraphError, NotFound, WorkerLost
from engine.jobs import IllegalTransition
from server.schemas.errors import ErrorBody, ErrorDetail

log = logging.getLogger(__name__)


class BadRequest(EngineError):
	"""The request cannot be understood; the sentence says what is wrong with it."""


class Forbidden(EngineError):
	"""The request is understood and refused, whoever sends it."""


STATUSES: Mapping[type[EngineError], int] = {
	BadRequest: 400,
	BadName: 400,
	GraphError: 400,
	Forbidden: 403,
	NotFound: 404,
	IllegalTransition: 409,
	WorkerLost: 503,
	EngineError: 500,
}


def status_of(error: EngineError) -> int:
	"""The status of an exception: its own, or that of its nearest base in the table."""
	return next(STATUSES[base] for base in type(error).__mro__ if base in STATUSES)


def error_reply(status: int, code: str, message: str) -> web.Response:
	"""The answer to a request that is refused."""
	body = ErrorBody(error=ErrorDetail(code=code, message=message))
	return web.Response(status=status, body=body.model_dump_json().encode(), content_type='application/json')


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
		return error_reply(status_of(error), snake(type(error).__name__), str(error))
	except Exception:
		name = uuid.uuid4().hex[:12]
		log.exception('%s %s failed (error %s)', request.method, request.path, name)
		return error_reply(
			500, 'internal_error', f'Something went wrong in the server; its log has it as error {name}.'
		)


def one_line(error: Exception) -> str:
	"""An exception's message without its line breaks."""
	return ' '.join(str(error).split())


def snake(name: str) -> str:
	"""`BadName` and `Not Found` → `bad_name` and `not_found`."""
	return re.sub(r'(?<=[a-z])(?=[A-Z])|\W+', '_', name).lower()
