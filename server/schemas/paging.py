"""Long lists in pages: what every such route takes and gives."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import Field

from server.schemas.base import Parameters, Reply

T = TypeVar('T')
LONGEST_CURSOR = 6000


class PageQuery(Parameters):
	"""Which page, and how long."""

	limit: Annotated[int, Field(ge=1, le=500, description='how many items at most')] = 50
	cursor: Annotated[str | None, Field(max_length=LONGEST_CURSOR, description='the `next` of the page before')] = None


class Page(Reply, Generic[T]):
	"""Some items of a list. `next` is the `cursor` of the page that follows, null on the last one."""

	items: list[T]
	next: str | None
