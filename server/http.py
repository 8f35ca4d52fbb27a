"""Bodies in, bodies out: every one through a pydantic model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json

from server.bounds import check_bytes, check_values
from server.errors import BadRequest, InvalidRequest, TooSlow
from server.keys import LIMITS, MAX_BODY
from server.misfits import in_words
from server.schemas.base import Request
from server.schemas.errors import Misfit
from server.serving import Limits

R = TypeVar('R', bound=Request)
BYTE_ORDER_MARK = b'\xef\xbb\xbf'


async def read_json(request: web.Request, limits: Limits | None = None) -> JsonValue:
	"""The body as JSON, whatever content type it claims; `BadRequest` if it is none.

	NaN and Infinity are read. What nests deeper than 200 levels, or could not be written again as UTF-8, is refused. Raises
	`TooLarge` and `TooSlow`. With `limits`, these hold instead of the server's.
	"""
	limits = limits or request.app[LIMITS].within(request.app[MAX_BODY])
	raw = (await read_bytes(request, limits)).removeprefix(BYTE_ORDER_MARK)
	if not raw.strip():
		raise BadRequest('The request has no body; JSON is expected.')
	check_values(raw, limits)
	try:
		document: JsonValue = from_json(raw)
	except ValueError as error:
		if 'recursion limit' in str(error):
			raise BadRequest('The body is not read: it nests deeper than 200 levels.') from error
		raise BadRequest(f'The body is not JSON: {error}.') from error
	return document


async def read_bytes(request: web.Request, limits: Limits) -> bytes:
	"""The body, decompressed, if it is not too large and does not stop coming."""
	check_bytes(request.content_length or 0, limits)
	body = bytearray()
	try:
		while True:
			async with asyncio.timeout(limits.silence_seconds):
				piece = await request.content.readany()
			if not piece:
				return bytes(body)
			body += piece
			check_bytes(len(body), limits)
	except TimeoutError:
		raise TooSlow(f'Nothing more of the body came for {limits.silence_seconds:g} seconds.') from None


async def read_body(request: web.Request, model: type[R], limits: Limits | None = None) -> R:
	"""The body as a model, as `fit` makes it; `BadRequest` if it is no JSON object."""
	document = await read_json(request, limits)
	if not isinstance(document, dict):
		raise BadRequest('The body must be a JSON object.')
	return fit(document, model)


async def read_request(request: web.Request, takes: Mapping[str, type[BaseModel]]) -> dict[str, BaseModel]:
	"""The `path`, `query` and `body` of a request as models. `InvalidRequest` names every place that does not fit."""
	given: dict[str, BaseModel] = {}
	misfits: list[Misfit] = []
	for place, model in takes.items():
		try:
			values = await _READERS[place](request, model)
			given[place] = model.model_validate(values)
		except ValidationError as error:
			misfits += (
				Misfit(place='.'.join((place, *where)), message=message) for where, message in in_words(error, values)
			)
	if misfits:
		raise InvalidRequest(misfits)
	return given


async def _path_values(request: web.Request, model: type[BaseModel]) -> JsonValue:
	return dict(request.match_info)


async def _query_values(request: web.Request, model: type[BaseModel]) -> JsonValue:
	"""One value for a name that is given once; all of them where the model takes a list, or too many were given."""
	values: dict[str, JsonValue] = {}
	for name in request.query:
		found: list[JsonValue] = [*request.query.getall(name)]
		item = model.model_fields.get(name)
		takes_list = item is not None and get_origin(item.annotation) in (list, tuple)
		values[name] = found if takes_list or len(found) > 1 else found[0]
	return values


async def _body_values(request: web.Request, model: type[BaseModel]) -> JsonValue:
	return await read_json(request)


_READERS: Mapping[str, Callable[[web.Request, type[BaseModel]], Awaitable[JsonValue]]] = {
	'path': _path_values,
	'query': _query_values,
	'body': _body_values,
}


def fit(document: Mapping[str, JsonValue], model: type[R]) -> R:
	"""A JSON object as a model; `BadRequest` names every place that does not fit."""
	try:
		return model.model_validate(document)
	except ValidationError as error:
		places = '; '.join(f'{".".join(where)}: {message}' for where, message in in_words(error, document))
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
