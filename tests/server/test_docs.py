"""The page about the API: all of it is there, it needs nothing from elsewhere, and nothing gets in by what it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from pydantic import JsonValue

from server.app import OPERATIONS
from server.docs import ASSETS, ApiPages, read_asset
from server.docs_page import page_html
from server.docs_schema import bounds_html, example, fields_html, type_html
from server.markup import inline, prose, tag
from server.schemas.openapi import Components, Document, Info, OperationPart, Parameter, Response, TagPart
from tests.server.client import Api

PAGE = ApiPages(OPERATIONS).html
NASTY = '"><script>alert(1)</script>'


class Reader(HTMLParser):
	"""Ids, links and what else matters of a page."""

	def __init__(self, page: str) -> None:
		super().__init__()
		self.ids: list[str] = []
		self.links: list[str] = []
		self.loads: list[str] = []
		self.handlers: list[str] = []
		self.open: list[str] = []
		self.feed(page)

	def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
		if tag not in ('meta', 'link', 'input', 'path', 'circle', 'rect'):
			self.open.append(tag)
		for name, value in attrs:
			if name == 'id':
				self.ids.append(value or '')
			elif name == 'src' or (name == 'href' and tag == 'link'):
				self.loads.append(value or '')
			elif name == 'href':
				self.links.append(value or '')
			elif name.startswith('on') or name == 'style':
				self.handlers.append(name)

	def handle_endtag(self, tag: str) -> None:
		if tag not in ('path', 'circle', 'rect'):
			assert self.open.pop() == tag


class TestPage:
	"""The page as it is sent."""

	def test_every_operation_and_schema_is_there(self) -> None:
		"""Under an id, to which something links."""
		read = Reader(PAGE)
		names = {operation.name for operation in OPERATIONS} | {operation.tag.name for operation in OPERATIONS}

		assert names <= set(read.ids)
		assert names <= {link.removeprefix('#') for link in read.links}
		assert read.open == []

	def test_every_link_leads_somewhere(self) -> None:
		"""Ids are unique, and what is linked to is there."""
		read = Reader(PAGE)

		assert len(read.ids) == len(set(read.ids))
		assert {link for link in read.links if not link.startswith('#')} == {'openapi.json'}
		assert {link[1:] for link in read.links if link.startswith('#')} <= set(read.ids)

	def test_nothing_comes_from_elsewhere(self) -> None:
		"""A style sheet and a script, both from here; nothing in the page that a strict policy would forbid."""
		read = Reader(PAGE)

		assert read.loads == ['data:,', 'docs/docs.css', 'docs/docs.js']
		assert read.handlers == []
		assert re.findall(r'https?:|//|@import|url\(', read_asset('docs.css')) == []
		assert re.findall(r'https?:', read_asset('docs.js')) == []

	async def test_is_served_under_a_strict_policy(self, api: Api) -> None:
		"""Nothing is allowed but its own files and its own server."""
		response = await api.get('/v1/docs')
		policy = response.headers['Content-Security-Policy']

		assert (response.status, response.content_type) == (200, 'text/html')
		assert await response.text() == PAGE
		assert policy.startswith("default-src 'none';")
		assert 'unsafe' not in policy
		assert (await api.web.get('/v1/docs', headers={'If-None-Match': response.headers['ETag']})).status == 304

	@pytest.mark.parametrize(('name', 'type'), ASSETS.items())
	async def test_files_are_served(self, api: Api, name: str, type: str) -> None:
		"""Under the types that browsers insist on."""
		response = await api.get(f'/v1/docs/{name}')

		assert (response.status, response.content_type) == (200, type)
		assert response.headers['X-Content-Type-Options'] == 'nosniff'
		assert len(await response.text()) > 1000

	@pytest.mark.parametrize('name', ['docs.py', '..%2fdocs.py', '%2e%2e', 'x'])
	async def test_no_other_files_are(self, api: Api, name: str) -> None:
		"""Only the two."""
		assert (await api.get(f'/v1/docs/{name}')).status in (400, 404)

	def test_nothing_gets_in(self) -> None:
		"""Whatever names and texts hold, it is shown, not run."""
		operation = OperationPart(
			name='x',
			summary=NASTY,
			description=NASTY,
			tags=['t'],
			parameters=[
				Parameter(name=NASTY, place='query', required=False, schema_={'default': NASTY, 'pattern': NASTY})
			],
			responses={'200': Response(description=NASTY)},
		)
		page = page_html(
			Document(
				info=Info(title=NASTY, version=NASTY, description=NASTY),
				tags=[TagPart(name='t', description=NASTY)],
				paths={f'/{NASTY}': {'get': operation}},
				components=Components(schemas={'S': {'description': NASTY, 'enum': [NASTY], 'title': NASTY}}),
			),
			folder='docs',
		)

		assert '<script>' not in page
		assert page.count('<script ') == 1


class TestMarkup:
	"""HTML from Python."""

	def test_tag(self) -> None:
		"""Attributes are escaped; None and False leave them out, True gives them no value."""
		assert tag('a', 'x', href='"', class_='c', data_x='1', hidden=True, id=None, open=False) == (
			'<a href="&quot;" class="c" data-x="1" hidden>x</a>'
		)
		assert tag('input', name='n') == '<input name="n">'

	def test_prose(self) -> None:
		"""Paragraphs, and code between backticks."""
		assert prose('A `b` <c>.\nD\n\nE') == '<p>A <code>b</code> &lt;c&gt;. D</p><p>E</p>'
		assert inline('`a`') == '<code>a</code>'


class TestSchemas:
	"""JSON Schemas for people."""

	@pytest.mark.parametrize(
		('schema', 'shown'),
		[
			({}, 'anything'),
			(None, 'anything'),
			({'$ref': '#/components/schemas/A'}, '<a href="#schema-A">A</a>'),
			({'const': 'a'}, '<code>a</code>'),
			({'enum': ['a', 1]}, '<code>a</code> | <code>1</code>'),
			({'anyOf': [{'type': 'string'}, {'type': 'null'}]}, 'string or null'),
			({'type': 'array', 'prefixItems': [{'type': 'string'}, {'type': 'integer'}]}, '[string, integer]'),
			({'type': 'array', 'items': {'type': 'string'}}, 'list of string'),
			({'type': 'array'}, 'list of anything'),
			({'type': 'object', 'additionalProperties': {'type': 'number'}}, 'name → number'),
			({'type': 'object'}, 'object'),
			({'type': 'string', 'format': 'path'}, 'string (path)'),
		],
	)
	def test_type(self, schema: JsonValue, shown: str) -> None:
		"""A few words."""
		assert type_html(schema) == shown

	def test_bounds(self) -> None:
		"""Also those of one of several choices; a default is told if it says something."""
		assert bounds_html({'minimum': 1, 'maximum': 5, 'default': False}) == (
			'≥ <code>1</code>, ≤ <code>5</code>, default <code>false</code>'
		)
		assert bounds_html({'anyOf': [{'maxLength': 3}, {'type': 'null'}], 'default': None}) == (
			'at most <code>3</code> letters'
		)
		assert bounds_html({'const': 'a', 'default': 'a'}) == ''

	def test_fields(self) -> None:
		"""A row for each, that says whether it may be missing."""
		table = fields_html({'properties': {'a': {'type': 'string', 'description': 'D'}, 'b': {}}, 'required': ['a']})

		assert table.count('<tr>') == 2
		assert table.count('optional') == 2  # The class and the word, once.
		assert '<p>D</p>' in table

	def test_example(self) -> None:
		"""Required fields only, references followed, not for ever."""
		schemas: dict[str, dict[str, JsonValue]] = {
			'A': {'properties': {'b': {'$ref': '#/x/B'}, 'c': {'type': 'string'}}, 'required': ['b']},
			'B': {'anyOf': [{'type': 'array'}, {'type': 'null'}]},
			'Loop': {'$ref': '#/x/Loop'},
		}

		assert example({'$ref': '#/x/A'}, schemas) == {'b': []}
		assert example({'$ref': '#/x/Loop'}, schemas) == {}
		assert example({'type': 'integer'}, schemas) == 1
		assert example({'enum': ['x', 'y']}, schemas) == 'x'
