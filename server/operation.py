"""A route of `/v1`, declared once as data: the router, the reading of requests and the OpenAPI document all go by it.

	async def list_nodes(request: web.Request, query: NodeQuery) -> NodePage:
		'''Every kind of node, in the order of the alphabet.'''

	routes: Sequence[Operation] = (Operation('GET', '/v1/nodes', list_nodes, tag=NODES, refuses=(WorkerLost,)),)

A handler's signature says what it takes and gives. Besides the request it may take `path`, `query` and `body`, each a
pydantic model. It gives a model (sent as JSON), an `Answer` where the status or headers differ from call to call, None
(nothing to say), or a response of its own, whose media types the operation names. The first paragraph of the docstring
is the summary, the rest the description.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Literal, TypeVar, get_args, get_origin

from aiohttp import web
from pydantic import BaseModel

from engine.errors import EngineError
from server.errors import BadRequest, InvalidRequest, Outdated, TooLarge, TooSlow
from server.etags import conditional
from server.http import read_request

M = TypeVar('M', bound=BaseModel)
Method = Literal['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
Handler = Callable[..., Awaitable[object]]
PLACES = ('path', 'query', 'body')


class BadHandler(TypeError):
	"""A handler's signature does not say what it takes and gives."""

	def __init__(self, handler: Handler, reason: str) -> None:
		super().__init__(f'{handler.__module__}.{handler.__qualname__}: {reason}')


@dataclass(frozen=True)
class Tag:
	"""A group of operations, with the sentence that stands above it in the documentation."""

	name: str
	description: str


@dataclass(frozen=True)
class Answer(Generic[M]):
	"""A body with its status and headers."""

	body: M
	status: int = 200
	headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Signature:
	"""What a handler takes and gives: models by the place in the request they come from, the model of its answer."""

	takes: Mapping[str, type[BaseModel]]
	gives: type[BaseModel] | None
	is_own: bool
	"""Whether the handler makes its response itself."""


@dataclass(frozen=True)
class Operation(web.AbstractRouteDef):
	"""One method of one path.

	`statuses` are those of answers that are no refusals, the usual one first; without any it is 200, or 204 if there is
	nothing to say.
	`refuses` are the exceptions that the handler raises on purpose: their statuses stand in the one table. `media` are
	the types of a response that the handler makes itself. `etag`: the answer has an ETag, and is 304 if the client has
	it already; `guarded`: `If-Match` and `If-None-Match` are heeded before something is changed. `partial`: fields that
	were never set may be missing from the answer. `destructive`: something is stopped or deleted. `endless`: the answer is a stream that only the client ends.
	"""

	method: Method
	path: str
	handler: Handler
	tag: Tag
	statuses: tuple[int, ...] = ()
	refuses: tuple[type[EngineError], ...] = ()
	media: tuple[str, ...] = ('application/json',)
	etag: bool = False
	guarded: bool = False
	partial: bool = False
	destructive: bool = False
	endless: bool = False

	@cached_property
	def signature(self) -> Signature:
		"""The handler's signature. Raises `BadHandler`."""
		return read_signature(self.handler)

	@property
	def name(self) -> str:
		"""The operation's name for clients that are generated: that of its handler."""
		return self.handler.__name__

	@property
	def summary(self) -> str:
		"""What it does, in a sentence or two."""
		return self._docstring[0]

	@property
	def description(self) -> str:
		"""What else there is to know; often nothing."""
		return self._docstring[1]

	@property
	def good_statuses(self) -> tuple[int, ...]:
		"""The statuses of answers that are no refusals."""
		if self.statuses:
			return self.statuses
		return (200,) if self.signature.gives or self.signature.is_own else (204,)

	@property
	def refusals(self) -> tuple[type[EngineError], ...]:
		"""Every exception with which it refuses: those it names, and those that reading the request brings."""
		takes = self.signature.takes
		return (
			*((InvalidRequest,) if takes else ()),
			*((BadRequest, TooLarge, TooSlow) if 'body' in takes else ()),
			*((Outdated,) if self.guarded else ()),
			*self.refuses,
		)

	def register(self, router: web.UrlDispatcher) -> list[web.AbstractRoute]:
		"""Called by aiohttp when the application is put together."""
		_ = self.signature  # A handler that says too little is found now, not at its first request.
		if self.method == 'GET':
			return [router.add_get(self.path, self._respond)]
		return [router.add_route(self.method, self.path, self._respond)]

	async def _respond(self, request: web.Request) -> web.StreamResponse:
		given = await read_request(request, self.signature.takes)
		answer = await self.handler(request, **given)
		match answer:
			case web.StreamResponse():
				return answer
			case None:
				return web.Response(status=self.good_statuses[0])
			case Answer():
				response = self._written(answer.body, answer.status, answer.headers)
			case BaseModel():
				response = self._written(answer, self.good_statuses[0])
			case _:
				raise BadHandler(self.handler, f'it gave {type(answer).__name__}, which is no answer')
		return conditional(request, response) if self.etag else response

	def _written(self, body: BaseModel, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
		content = body.model_dump_json(exclude_unset=self.partial, by_alias=True).encode()
		return web.Response(body=content, status=status, headers=headers, content_type=self.media[0], charset='utf-8')

	@property
	def _docstring(self) -> tuple[str, str]:
		first, _, rest = inspect.cleandoc(self.handler.__doc__ or '').partition('\n\n')
		return ' '.join(first.split()), rest


def read_signature(handler: Handler) -> Signature:
	"""What a handler takes and gives, by its annotations. Raises `BadHandler` for what cannot be a handler."""
	hints = typing.get_type_hints(handler)
	names = list(inspect.signature(handler).parameters)
	if names[:1] != ['request'] or not set(names[1:]) <= set(PLACES):
		raise BadHandler(handler, f'it takes {", ".join(names)}; a handler takes request, then any of {PLACES}')
	takes: dict[str, type[BaseModel]] = {}
	for name in names[1:]:
		model = hints.get(name)
		if not _is_model(model):
			raise BadHandler(handler, f'{name} is no model')
		takes[name] = model
	result = hints.get('return', BadHandler)
	if get_origin(result) is Answer:
		(result,) = get_args(result)
	is_own = isinstance(result, type) and issubclass(result, web.StreamResponse)
	if not (is_own or result is type(None) or _is_model(result)):
		raise BadHandler(handler, 'its result is no model, no Answer of one, no response and not None')
	return Signature(takes, result if _is_model(result) else None, is_own)


def _is_model(hint: object) -> typing.TypeGuard[type[BaseModel]]:
	return isinstance(hint, type) and issubclass(hint, BaseModel)
