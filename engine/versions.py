"""The versions of what runs here."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_of(package: str) -> str:
	"""The installed version of a package, without importing it; empty if it is not installed."""
	try:
		return version(package)
	except PackageNotFoundError:
		return ''
