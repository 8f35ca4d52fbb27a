"""Operations: what a handler's signature says is what is read, checked, sent and documented."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, Field

from engine.errors import FileMissing
from server.errors import BadRequest, InvalidRequest, Outdated, TooLarge, TooSlow, errors
from server.etags import heed_conditions
from server.keys import LIMITS, MAX_BODY
from server.operation import Answer, BadHandler, Operation, Tag
from server.schemas.base import Parameters, Reply
from server.serving import Limits

TAG = Tag('tests', 'Only for tests.')


class Place(Parameters):
	"""The path."""

	number: int


class Search(Parameters):
	"""The query."""

	limit: Annotated[int, Field(le=10)] = 3
	names: list[str] = Field(default_factory=list)


class Sent(BaseModel):
	"""The body."""

	text: str
	deep: dict[str, int] = Field(default_factory=dict)


class Told(Reply):
	"""The answer."""

	text: str
	more: str = ''


async def echo(request: web.Request, path: Place, query: Search, body: Sent) -> Told:
	"""Say what came.

	All of it.
	"""
	return Told(text=f'{path.number} {query.limit} {query.names} {body.text} {body.deep}')


async def make(request: web.Request) -> Answer[Told]:
	"""Make something."""
	return Answer(Told(text='é'), status=201, headers={'X-Made': 'yes'})


async def drop(request: web.Request) -> None:
	"""Drop something."""
	heed_conditions(request, '"here"')


async def accept(request: web.Request) -> Told:
	"""Accept something, to be done later."""
	return Told(text='later')


async def show(request: web.Request) -> web.Response:
	"""Show something of its own."""
	return web.Response(body=b'\0', content_type='image/png')


async def astray(request: web.Request) -> Told:
	"""Give what it did not promise."""
	given: Any = 'text'
	told: Told = given
	return told


ECHO = Operation('POST', '/echo/{number}', echo, tag=TAG, refuses=(FileMissing,))
MAKE = Operation('PUT', '/make', make, tag=TAG, statuses=(200, 201))
DROP = Operation('DELETE', '/drop', drop, tag=TAG, guarded=True, destructive=True)
ACCEPT = Operation('POST', '/accept', accept, tag=TAG, statuses=(202, 200))
SHOW = Operation('GET', '/show', show, tag=TAG, media=('image/png',))
TAGGED = Operation('GET', '/tagged', make, tag=TAG, etag=True, partial=True)
ASTRAY = Operation('GET', '/astray', astray, tag=TAG)


async def ask(method: str, path: str, **options: Any) -> tuple[ClientResponse, Any]:
	"""The response of a server with all of these operations, and its JSON if it has some."""
	app = web.Application(middlewares=(errors,), client_max_size=1000)
	app[LIMITS], app[MAX_BODY] = Limits(), 1000
	app.add_routes((ECHO, MAKE, DROP, ACCEPT, SHOW, TAGGED, ASTRAY))
	async with TestClient(TestServer(app)) as client:
		response = await client.request(method, path, **options)
		raw = await response.read()
		return response, await response.json() if raw and response.content_type == 'application/json' else raw


class TestReading:
	"""Path, query and body, as models."""

	async def test_all_of_it(self) -> None:
		"""Each part reaches the handler as the model that it asks for."""
		response, body = await ask('POST', '/echo/7?limit=5&names=a&names=b', json={'text': 'x', 'deep': {'a': 1}})

		assert response.status == 200
		assert body == {'text': "7 5 ['a', 'b'] x {'a': 1}", 'more': ''}

	async def test_one_item_is_a_list_too(self) -> None:
		"""A list that is given once has one item, and what is not given has its default."""
		_, body = await ask('POST', '/echo/7?names=a', json={'text': 'x'})

		assert body['text'] == "7 3 ['a'] x {}"

	async def test_every_misfit_is_told_at_once(self) -> None:
		"""With its place: path, query and body."""
		response, body = await ask('POST', '/echo/x?limit=99&odd=1', json={'deep': {'a': 'b'}})
		places = [detail['place'] for detail in body['error']['details']]

		assert response.status == 400
		assert body['error']['code'] == 'invalid_request'
		assert places == ['path.number', 'query.limit', 'query.odd', 'body.text', 'body.deep.a']
		assert all(place in body['error']['message'] for place in places)

	async def test_one_value_given_twice(self) -> None:
		"""Which of the two is meant, nobody knows."""
		_, body = await ask('POST', '/echo/7?limit=1&limit=2', json={'text': 'x'})

		assert [detail['place'] for detail in body['error']['details']] == ['query.limit']

	@pytest.mark.parametrize('raw', [b'', b'{', b'\xff'])
	async def test_what_is_no_json(self, raw: bytes) -> None:
		"""400 with a sentence."""
		response, body = await ask('POST', '/echo/7', data=raw)

		assert (response.status, body['error']['code']) == (400, 'bad_request')

	async def test_body_that_is_too_large(self) -> None:
		"""413, in the same form as any refusal."""
		response, body = await ask('POST', '/echo/7', data=b'"' + b'x' * 2000 + b'"')

		assert (response.status, body['error']['code']) == (413, 'too_large')


class TestAnswering:
	"""What a handler gives."""

	async def test_answer_with_status_and_headers(self) -> None:
		"""As the handler says; text is UTF-8."""
		response, body = await ask('PUT', '/make')

		assert (response.status, response.headers['X-Made']) == (201, 'yes')
		assert body == {'text': 'é', 'more': ''}
		assert response.charset == 'utf-8'

	async def test_usual_status(self) -> None:
		"""The first that is named."""
		response, body = await ask('POST', '/accept')

		assert (response.status, body['text']) == (202, 'later')

	async def test_nothing_to_say(self) -> None:
		"""204 without a body."""
		response, body = await ask('DELETE', '/drop')

		assert (response.status, body) == (204, b'')

	async def test_guarded(self) -> None:
		"""A change that is meant for something else is 412."""
		response, body = await ask('DELETE', '/drop', headers={'If-Match': '"there"'})

		assert (response.status, body['error']['code']) == (412, 'outdated')

	async def test_response_of_its_own(self) -> None:
		"""Is sent as it is."""
		response, body = await ask('GET', '/show')

		assert (response.content_type, body) == ('image/png', b'\0')

	async def test_etag(self) -> None:
		"""Comes with the answer, and spares sending it again; unset fields are left out of a partial one."""
		first, body = await ask('GET', '/tagged')
		again, nothing = await ask('GET', '/tagged', headers={'If-None-Match': first.headers['ETag']})

		assert body == {'text': 'é'}
		assert (again.status, nothing) == (304, b'')

	async def test_head(self) -> None:
		"""What can be got can be asked about."""
		response, body = await ask('HEAD', '/show')

		assert (response.status, body) == (200, b'')

	async def test_what_is_no_answer(self) -> None:
		"""Is an error of ours."""
		response, body = await ask('GET', '/astray')

		assert (response.status, body['error']['code']) == (500, 'internal_error')


class TestDeclaration:
	"""What is known of an operation without calling it."""

	def test_signature(self) -> None:
		"""Models by place, and that of the answer."""
		assert ECHO.signature.takes == {'path': Place, 'query': Search, 'body': Sent}
		assert ECHO.signature.gives is Told
		assert MAKE.signature.gives is Told
		assert (SHOW.signature.gives, SHOW.signature.is_own) == (None, True)
		assert (DROP.signature.gives, DROP.signature.is_own) == (None, False)

	def test_docstring(self) -> None:
		"""The first paragraph is the summary."""
		assert (ECHO.name, ECHO.summary, ECHO.description) == ('echo', 'Say what came.', 'All of it.')

	def test_statuses(self) -> None:
		"""Those that are named, else what the result says."""
		assert [operation.good_statuses for operation in (ECHO, MAKE, DROP, SHOW)] == [
			(200,),
			(200, 201),
			(204,),
			(200,),
		]

	def test_refusals(self) -> None:
		"""Those that are named, and those that come with what is read."""
		assert ECHO.refusals == (InvalidRequest, BadRequest, TooLarge, TooSlow, FileMissing)
		assert DROP.refusals == (Outdated,)
		assert SHOW.refusals == ()

	def test_bad_handlers(self) -> None:
		"""A signature that does not say enough is found when the application is put together."""

		async def unnamed(app: web.Request) -> None: ...
		async def unknown(request: web.Request, cookies: Place) -> None: ...
		async def untyped(request: web.Request, query: Place) -> None: ...
		async def plain(request: web.Request, query: int) -> None: ...
		async def silent(request: web.Request) -> None: ...
		async def text(request: web.Request) -> str:
			return ''

		del untyped.__annotations__['query']
		del silent.__annotations__['return']
		for handler in (unnamed, unknown, untyped, plain, silent, text):
			with pytest.raises(BadHandler, match=handler.__name__):
				web.Application().add_routes((Operation('GET', '/', handler, tag=TAG),))
