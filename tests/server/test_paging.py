"""Long lists in pages."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from server.errors import InvalidRequest
from server.paging import cut, read_cursor, write_cursor
from server.schemas.paging import PageQuery

KIND = TypeAdapter(tuple[int, str])


def encoded(text: bytes) -> str:
	"""Text as a cursor would have it."""
	return base64.urlsafe_b64encode(text).decode()


class TestCursor:
	"""A place in a list as text."""

	@given(st.tuples(st.integers(), st.text()))
	def test_comes_back_as_it_was(self, key: tuple[int, str]) -> None:
		"""Whatever numbers and names; it needs no escaping in an address."""
		cursor = write_cursor(key)

		assert cursor.replace('-', '').replace('_', '').isalnum()
		assert KIND.validate_json(base64.urlsafe_b64decode(cursor + '=' * (-len(cursor) % 4))) == key
		if len(cursor) < 6000:
			assert read_cursor(PageQuery(cursor=cursor), KIND) == key

	@pytest.mark.parametrize(
		'cursor',
		[
			'',
			'x',
			'%',
			'é',
			'====',
			encoded(b''),
			encoded(b'{}'),
			encoded(b'[1]'),
			encoded(b'["1","a"]'),
			encoded(b'\xff'),
		],
	)
	def test_what_is_none_is_refused(self, cursor: str) -> None:
		"""With the name of the parameter."""
		with pytest.raises(InvalidRequest) as caught:
			read_cursor(PageQuery(cursor=cursor), KIND)

		assert [misfit.place for misfit in caught.value.misfits] == ['query.cursor']

	def test_none_is_the_first_page(self) -> None:
		"""Without a cursor the list begins at its beginning."""
		assert read_cursor(PageQuery(), KIND) is None


class TestCut:
	"""Pages of a list in memory."""

	def pages(self, items: list[tuple[int, str]], limit: int) -> list[list[tuple[int, str]]]:
		"""All pages, one after the other."""
		found: list[list[tuple[int, str]]] = []
		cursor: str | None = None
		while True:
			page, cursor = cut(items, PageQuery(limit=limit, cursor=cursor), lambda item: item, KIND)
			found.append(page)
			if cursor is None:
				return found

	@given(st.sets(st.tuples(st.integers(), st.text(max_size=9)), max_size=40).map(sorted), st.integers(1, 12))
	def test_pages_are_the_list(self, items: list[tuple[int, str]], limit: int) -> None:
		"""Nothing is left out or told twice; every page but the last is full."""
		pages = self.pages(items, limit)

		assert [item for page in pages for item in page] == items
		assert all(len(page) == limit for page in pages[:-1])

	def test_last_page_is_known_as_such(self) -> None:
		"""A list that just fits has no further, empty page."""
		assert self.pages([(1, 'a'), (2, 'b')], 2) == [[(1, 'a'), (2, 'b')]]

	def test_what_comes_and_goes_shifts_nothing(self) -> None:
		"""The next page begins after the last item, even if that is gone."""
		_, cursor = cut([(1, ''), (2, ''), (3, '')], PageQuery(limit=2), lambda item: item, KIND)
		page, _ = cut([(0, ''), (1, ''), (3, '')], PageQuery(limit=2, cursor=cursor), lambda item: item, KIND)

		assert page == [(3, '')]

	@pytest.mark.parametrize('limit', [0, -1, 501])
	def test_limit_has_limits(self, limit: int) -> None:
		"""1 to 500."""
		with pytest.raises(ValidationError):
			PageQuery(limit=limit)
