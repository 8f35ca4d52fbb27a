"""`/v1/models/downloads`: model files that are fetched from elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from server.schemas.base import Parameters, Reply, Request


class DownloadPath(Parameters):
	"""Which download."""

	id: str


class DownloadRequest(Request):
	"""A file, and the folder of model files that it belongs in. `digest` is the SHA-256 that it must have, if it is known."""

	url: Annotated[str, Field(max_length=4096)]
	folder: Annotated[str, Field(max_length=200)]
	name: Annotated[str, Field(min_length=1, max_length=1024)]
	digest: Annotated[str, Field(pattern='^([0-9a-fA-F]{64})?$')] = ''


class DownloadReply(Reply):
	"""How a download stands: `received` of `total` bytes, null while that is not known; why it failed, if it did."""

	id: str
	url: str
	folder: str
	name: str
	state: Literal['running', 'done', 'failed', 'cancelled']
	received: int
	total: int | None
	error: str


class DownloadListing(Reply):
	"""The downloads of this run of the server, newest first, and the hosts that may be fetched from."""

	downloads: list[DownloadReply]
	hosts: list[str]
