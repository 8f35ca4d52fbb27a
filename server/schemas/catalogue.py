"""`/v1/models`: the model files that lie on disk."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from server.schemas.base import Reply
from server.schemas.paging import Page, PageQuery


class ModelQuery(PageQuery):
	"""Which model files: those for which all of this holds."""

	kind: Annotated[str, Field(description='the kind of folder they lie in, such as `checkpoints` or `loras`')] = ''
	text: Annotated[str, Field(description='every word of it is in the name')] = ''


class ModelFile(Reply):
	"""A model file. `name` is what nodes choose it by.

	`family` is told by its tensors' names and shapes, null if they say nothing; `damage` is why it cannot be read, null
	if nothing speaks against it. `size` is in bytes, `modified` in seconds since the epoch. `sha256` is of all its bytes, null until it is worked out.
	"""

	kind: str
	name: str
	size: int
	modified: float
	family: str | None
	damage: str | None
	sha256: str | None = None


class ModelPage(Page[ModelFile]):
	"""Some model files, by kind and name. `kinds` are all kinds of folders that are looked through."""

	kinds: list[str]
