"""Types of files."""

from __future__ import annotations

import pytest

from server.static import content_type


class TestContentType:
	@pytest.mark.parametrize(
		('name', 'type'),
		[
			('a.js', 'text/javascript'),
			('a.mjs', 'text/javascript'),
			('A.JS', 'text/javascript'),
			('a.css', 'text/css'),
			('a.html', 'text/html'),
			('a.json', 'application/json'),
			('a.wasm', 'application/wasm'),
			('a.svg', 'image/svg+xml'),
			('a.woff2', 'font/woff2'),
			('a.png', 'image/png'),
			('a.webp', 'image/webp'),
			('a.mp4', 'video/mp4'),
			('a.unheard-of', 'application/octet-stream'),
			('a', 'application/octet-stream'),
		],
	)
	def test_type(self, name: str, type: str) -> None:
		"""Browsers refuse modules, styles and compiled code of other types than these."""
		assert content_type(name) == type
