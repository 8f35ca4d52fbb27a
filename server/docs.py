"""The API described: as an OpenAPI document, and as a page with a style sheet and a script of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from aiohttp import web

from engine.versions import version_of
from server.docs_page import page_html
from server.openapi import make_document
from server.operation import Operation
from server.schemas.docs import Asset
from server.schemas.openapi import Document, OpenApiDocument

TITLE = 'Lumengraph'
FOLDER = Path(__file__).parent / 'data'
ASSETS: Mapping[Asset, str] = {'docs.css': 'text/css', 'docs.js': 'text/javascript'}
# The page may load its own two files, talk to its own server, and nothing else.
POLICY = (
	"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ApiPages:
	"""What is told of these operations. Made when it is first asked for; takes time: not for the event loop."""

	def __init__(self, operations: Sequence[Operation]) -> None:
		self._operations = operations

	@cached_property
	def _document(self) -> Document:
		return make_document(self._operations, title=TITLE, version=version_of('lumengraph') or '0')

	@cached_property
	def openapi(self) -> OpenApiDocument:
		"""The document as a body."""
		return OpenApiDocument(self._document.model_dump(mode='json', by_alias=True, exclude_none=True))

	@cached_property
	def html(self) -> str:
		"""The page."""
		return page_html(self._document, folder='docs')


def read_asset(name: Asset) -> str:
	"""One of the page's files."""
	return (FOLDER / name).read_text(encoding='utf-8')


API_PAGES = web.AppKey('api_pages', ApiPages)
"""Here, since operations need what other keys stand for."""
