"""`/v1/packs`: how packs of nodes were loaded."""

from __future__ import annotations

from server.schemas.base import Reply


class Pack(Reply):
	"""A pack in a folder of custom nodes: the kinds that it brought, or the traceback of its failure."""

	name: str
	path: str
	kinds: list[str]
	seconds: float
	error: str


class PackListing(Reply):
	"""All of them."""

	packs: list[Pack]
