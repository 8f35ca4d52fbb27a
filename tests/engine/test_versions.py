"""The versions of what runs here."""

from __future__ import annotations

import aiohttp

from engine.versions import version_of


class TestVersionOf:
	"""Installed packages."""

	def test_installed_or_not(self) -> None:
		"""The version, or nothing."""
		assert version_of('aiohttp') == aiohttp.__version__
		assert version_of('no-such-package-here') == ''
