"""How long browsers may keep what they get."""

from __future__ import annotations

import pytest

from server.caching import DAY, HOUR, cache_control
from tests.server.client import Api


class TestCacheControl:
	"""By path and status."""

	@pytest.mark.parametrize(
		('path', 'status', 'value'),
		[
			('/a/main.js', 200, 'no-cache'),
			('/a/main.css', 404, 'no-cache'),
			('/templates/index.json', 200, 'no-cache'),
			('/templates/index.de.json', 200, 'no-cache'),
			('/templates/other.json', 200, None),
			('/queue', 200, None),
			*(
				(f'/a.{ending}', 200, DAY)
				for ending in ('jpg', 'JPEG', 'png', 'ppm', 'bmp', 'pgm', 'tif', 'TIFF', 'webp')
			),
			('/a.png', 206, DAY),
			('/a.png', 301, DAY),
			('/a.png', 308, DAY),
			('/a.PNG', 404, HOUR),
			('/a.png', 302, 'no-cache'),
			('/a.png', 303, 'no-cache'),
			('/a.png', 307, 'no-cache'),
			('/a.png', 304, None),
			('/a.png', 500, None),
			('/a.gif', 200, None),
			('/v1/images/a.png', 200, None),
			('/v1/images/a.png', 404, None),
		],
	)
	def test_value(self, path: str, status: int, value: str | None) -> None:
		"""Scripts are asked for each time, pictures are kept a day, their absence an hour."""
		assert cache_control(path, status) == value

	async def test_answers_carry_it(self, api: Api) -> None:
		"""Also answers that are files or refusals; a picture that has not changed carries none."""
		picture = await api.get('/assets/logo.PNG')
		unchanged = await api.web.get('/assets/logo.PNG', headers={'If-None-Match': picture.headers['ETag']})

		assert (await api.get('/assets/main.js')).headers['Cache-Control'] == 'no-cache'
		assert picture.headers['Cache-Control'] == DAY
		assert (await api.get('/missing.png')).headers['Cache-Control'] == HOUR
		assert unchanged.status == 304
		assert 'Cache-Control' not in unchanged.headers

	async def test_what_the_handler_set_is_kept(self, api: Api) -> None:
		"""The editor's page is never kept."""
		response = await api.get('/')

		assert response.headers['Cache-Control'] == 'no-store, must-revalidate'
		assert response.headers['Pragma'] == 'no-cache'
		assert response.headers['Expires'] == '0'
