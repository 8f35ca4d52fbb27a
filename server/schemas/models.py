"""`/experiment/models` and `/view_metadata`."""

from __future__ import annotations

from pydantic import JsonValue, RootModel

from server.schemas.base import Reply


class ModelFolder(Reply):
	"""A kind of model folder, and where such files lie."""

	name: str
	folders: list[str]


class ModelFolders(RootModel[list[ModelFolder]]):
	"""All kinds of model folders."""


class ModelFile(Reply):
	"""A model file. `pathIndex` says in which of the places of its kind it lies; seconds since 1970; bytes."""

	name: str
	pathIndex: int  # noqa: N815 - the name on the wire
	modified: float
	created: float
	size: int


class ModelFiles(RootModel[list[ModelFile]]):
	"""The model files of a kind."""


class Metadata(RootModel[dict[str, JsonValue]]):
	"""What a model file says of itself."""
