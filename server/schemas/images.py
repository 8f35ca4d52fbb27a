"""`/v1/images`: the pictures below the output folder."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from server.schemas.base import Parameters, Reply
from server.schemas.paging import Page, PageQuery


class ImageQuery(PageQuery):
	"""Which pictures."""

	folder: Annotated[str, Field(description='only those below this folder of the output folder')] = ''


class ImagePath(Parameters):
	"""Which picture."""

	path: Annotated[str, Field(description='its `path` in the list; slashes need not be escaped')]


class ThumbnailQuery(Parameters):
	"""The file itself, or a small picture of it."""

	size: Annotated[
		int | None,
		Field(ge=16, le=2048, description='longest side in pixels of a WebP to be sent in place of the file'),
	] = None


class Embedded(Reply):
	"""Which workflows a picture carries: ComfyUI's API form, its editor's form, our native document."""

	prompt: bool
	workflow: bool
	lumengraph: bool


class SavedImage(Reply):
	"""A picture below the output folder. `size` is in bytes, `modified` in seconds since the epoch.

	`width`, `height` and `format` are null if the file cannot be read as a picture.
	"""

	path: str
	size: int
	modified: float
	format: str | None
	width: int | None
	height: int | None
	metadata: Embedded


class ImagePage(Page[SavedImage]):
	"""Some pictures, newest first."""
