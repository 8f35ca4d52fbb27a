"""Cursors: where a page ends is told by the last item itself, so what comes and goes meanwhile shifts nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from server.errors import InvalidRequest
from server.schemas.errors import Misfit
from server.schemas.paging import PageQuery

T = TypeVar('T')
K = TypeVar('K', bound=tuple[int | float | str, ...])


def write_cursor(key: tuple[int | float | str, ...]) -> str:
	"""A place in a list as text for an address; opaque to clients."""
	return base64.urlsafe_b64encode(to_json(key)).decode().rstrip('=')


def read_cursor(query: PageQuery, kind: TypeAdapter[K]) -> K | None:
	"""The place after which the page begins, None for the first page. `InvalidRequest` if it is no cursor of ours."""
	if query.cursor is None:
		return None
	try:
		padded = query.cursor + '=' * (-len(query.cursor) % 4)
		return kind.validate_json(base64.b64decode(padded, altchars=b'-_', validate=True), strict=True)
	except (ValueError, ValidationError):
		misfit = Misfit(place='query.cursor', message='This is not the `next` of a page of this list')
		raise InvalidRequest([misfit]) from None


def cut(
	items: Sequence[T], query: PageQuery, key: Callable[[T], K], kind: TypeAdapter[K]
) -> tuple[list[T], str | None]:
	"""The page of a list in memory that is sorted by `key`, and the cursor of the next page."""
	after = read_cursor(query, kind)
	left = items if after is None else [item for item in items if key(item) > after]
	page = list(left[: query.limit])
	return page, write_cursor(key(page[-1])) if len(left) > len(page) else None
