"""`/v1/workflows/{name}/versions`: what a workflow was before."""

from __future__ import annotations

from server.schemas.base import Parameters, Reply


class VersionPath(Parameters):
	"""Which version of which workflow."""

	name: str
	id: str


class VersionSummary(Reply):
	"""A version, without its nodes but for how many there are.

	`saved` is when it was saved, in seconds since the epoch; `etag` is the one that the workflow had then.
	"""

	id: str
	saved: float
	title: str
	nodes: int
	etag: str


class VersionListing(Reply):
	"""What a workflow was, the latest version first; what it is now is not among them."""

	versions: list[VersionSummary]
