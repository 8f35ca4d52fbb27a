"""How files of unknown makers are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.comfy.sending import file_headers, glance, is_markup

HTML = b'<!doctype html><script>alert(1)</script>'


class TestFileHeaders:
	"""What a browser is told of a file."""

	@pytest.mark.parametrize(
		('name', 'type'),
		[
			('a.png', 'image/png'),
			('a.webp', 'image/webp'),
			('a.mp4', 'video/mp4'),
			('a.mp3', 'audio/mpeg'),
			('a.glb', 'model/gltf-binary'),
			('a.txt', 'text/plain'),
			('a.json', 'application/json'),
		],
	)
	def test_passive_types_are_shown(self, name: str, type: str) -> None:
		"""As what they are, and as nothing else."""
		headers = file_headers(name, None, b'\x89PNG')

		assert headers == {
			'Content-Type': type,
			'Content-Disposition': f'filename="{name}"',
			'X-Content-Type-Options': 'nosniff',
		}

	@pytest.mark.parametrize(
		'name',
		['a.html', 'a.htm', 'a.xhtml', 'a.js', 'a.mjs', 'a.css', 'a.svg', 'a.svgz', 'a.xml', 'a.mht', 'a.pdf', 'a'],
	)
	@pytest.mark.parametrize('destination', [None, 'document', 'iframe', 'script', 'style', 'object'])
	def test_others_are_downloaded(self, name: str, destination: str | None) -> None:
		"""Whatever the browser wants them for; their own type is not even named."""
		headers = file_headers(name, destination, HTML)

		assert headers['Content-Type'] == 'application/octet-stream'
		assert headers['Content-Disposition'] == f'attachment; filename="{name}"'
		assert headers['X-Content-Type-Options'] == 'nosniff'

	@pytest.mark.parametrize('name', ['a.png', 'a.gif', 'a.mp4', 'a.woff2'])
	def test_page_that_is_called_a_picture_is_downloaded(self, name: str) -> None:
		"""Its first bytes give it away."""
		assert file_headers(name, None, HTML)['Content-Type'] == 'application/octet-stream'
		assert file_headers(name, 'image', HTML)['Content-Type'] == 'application/octet-stream'

	def test_text_may_begin_as_a_page_does(self) -> None:
		"""Browsers that are told not to guess show it as text."""
		assert file_headers('a.txt', None, HTML)['Content-Type'] == 'text/plain'

	def test_svg_as_a_picture_is_shut_in(self) -> None:
		"""It is shown in a page, and if it is opened on its own after all, it runs and loads nothing."""
		headers = file_headers('a.svg', 'image', b'<svg/>')

		assert headers['Content-Type'] == 'image/svg+xml'
		assert headers['Content-Security-Policy'].startswith("sandbox; default-src 'none'")


class TestMarkup:
	@pytest.mark.parametrize(
		('start', 'found'),
		[
			(b'<html>', True),
			(b'  \r\n\t<svg>', True),
			(b'\xef\xbb\xbf <?xml', True),
			(b'\x89PNG<', False),
			(b'', False),
		],
	)
	def test_beginnings(self, start: bytes, found: bool) -> None:
		"""Space and a mark of the byte order may come before the first bracket."""
		assert is_markup(start) == found

	def test_glance(self, tmp_path: Path) -> None:
		"""No more than the beginning is read; a file that has gone has none."""
		(tmp_path / 'a').write_bytes(bytes(5000))

		assert len(glance(tmp_path / 'a')) == 1024
		assert glance(tmp_path / 'none') == b''
