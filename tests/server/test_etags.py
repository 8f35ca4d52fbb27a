"""ETags: what a client has already, and changes that are meant for what it saw."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.errors import Outdated
from server.etags import conditional, etag_of, heed_conditions

HERE = etag_of(b'here')


def asking(**headers: str) -> web.Request:
	"""A request with these headers."""
	return make_mocked_request('GET', '/', headers={name.replace('_', '-'): value for name, value in headers.items()})


class TestConditional:
	"""Answers that need not be sent again."""

	def test_first_time(self) -> None:
		"""The body goes out with its tag, and is to be asked for again."""
		response = conditional(asking(), web.Response(body=b'here'))

		assert (response.status, response.body) == (200, b'here')
		assert response.headers['ETag'] == HERE
		assert response.headers['Cache-Control'] == 'no-cache'

	@pytest.mark.parametrize('sent', [HERE, f'W/{HERE}', f'"other", {HERE}', '*'])
	def test_client_has_it(self, sent: str) -> None:
		"""304 and no body; the tag is told again."""
		response = conditional(asking(If_None_Match=sent), web.Response(body=b'here'))

		assert (response.status, response.body) == (304, None)
		assert response.headers['ETag'] == HERE

	@pytest.mark.parametrize('sent', ['"other"', 'here', '', HERE.strip('"')])
	def test_client_has_something_else(self, sent: str) -> None:
		"""Other tags, and what is no tag, are no reason to keep the body back."""
		assert conditional(asking(If_None_Match=sent), web.Response(body=b'here')).status == 200

	def test_own_tag_is_kept(self) -> None:
		"""Who knows better than the body what the content is, says so."""
		response = conditional(asking(If_None_Match='"mine"'), web.Response(body=b'here', headers={'ETag': '"mine"'}))

		assert response.status == 304


class TestHeedConditions:
	"""Changes."""

	@pytest.mark.parametrize(
		('headers', 'etag'),
		[
			({}, HERE),
			({}, None),
			({'If_Match': HERE}, HERE),
			({'If_Match': '*'}, HERE),
			({'If_Match': f'"other", {HERE}'}, HERE),
			({'If_None_Match': '*'}, None),
			({'If_None_Match': '"other"'}, HERE),
		],
	)
	def test_allowed(self, headers: dict[str, str], etag: str | None) -> None:
		"""It is what the client saw, or the client does not mind."""
		heed_conditions(asking(**headers), etag)

	@pytest.mark.parametrize(
		('headers', 'etag'),
		[
			({'If_Match': '"other"'}, HERE),
			({'If_Match': f'W/{HERE}'}, HERE),
			({'If_Match': 'nonsense'}, HERE),
			({'If_Match': HERE}, None),
			({'If_Match': '*'}, None),
			({'If_None_Match': '*'}, HERE),
			({'If_None_Match': HERE}, HERE),
		],
	)
	def test_refused(self, headers: dict[str, str], etag: str | None) -> None:
		"""It is another by now, gone, or there already. A weak tag is too little for a change."""
		with pytest.raises(Outdated):
			heed_conditions(asking(**headers), etag)
