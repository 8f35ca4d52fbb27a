"""`/v1/cache`: the results that are kept on disk."""

from __future__ import annotations

from server.schemas.base import Reply


class CacheSize(Reply):
	"""How much lies in the folder of the cache, reports of runs left out, and how much may."""

	files: int
	bytes: int
	limit: int
