"""Bodies in, bodies out: every one through a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json

from server.errors import BadRequest
from server.schemas.base import Request

R = TypeVar('R', bound=Request)
BYTE_ORDER_MARK = b'\xef\xbb\xbf'


async def read_json(request: web.Request) -> JsonValue:
	"""The body as JSON, whatever content type it claims; `BadRequest` if it is none.

	NaN and Infinity are read. What nests deeper than 200 levels, or could not be written again as UTF-8, is refused.
	"""
	raw = (await request.read()).removeprefix(BYTE_ORDER_MARK)
	if not raw.strip():
		raise BadRequest('The request has no body; JSON is expected.')
	try:
		document: JsonValue = from_json(raw)
	except ValueError as error:
		raise BadRequest(f'The body is not JSON: {error}.') from error
	return document


async def read_body(request: web.Request, model: type[R]) -> R:
	"""The body as a model, as `fit` makes it; `BadRequest` if it is no JSON object."""
	document = await read_json(request)
	if not isinstance(document, dict):
		raise BadRequest('The body must be a JSON object.')
	return fit(document, model)


def fit(document: Mapping[str, JsonValue], model: type[R]) -> R:
	"""A JSON object as a model; `BadRequest` names every place that does not fit."""
	try:
		return model.model_validate(document)
	except ValidationError as error:
		places = '; '.join(
			f'{".".join(str(part) for part in found["loc"])}: {found["msg"]}' for found in error.errors()
		)
		raise BadRequest(f'The body does not fit: {places}.') from error


def query_number(request: web.Request, name: str) -> int | None:
	"""A whole number from the query, None if it is not given; `BadRequest` if it is something else."""
	text = request.query.get(name)
	if text is None:
		return None
	try:
		return int(text)
	except ValueError:
		raise BadRequest(f'{name} must be a whole number, not {text[:80]!r}.') from None


def reply(
	model: BaseModel, *, status: int = 200, exclude_unset: bool = False, exclude_none: bool = False
) -> web.Response:
	"""An answer with this body."""
	text = model.model_dump_json(exclude_unset=exclude_unset, exclude_none=exclude_none)
	return web.Response(status=status, body=text.encode(), content_type='application/json', charset='utf-8')


def done() -> web.Response:
	"""The answer where there is nothing to say: 200 and no body."""
	return web.Response()
