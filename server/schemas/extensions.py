"""`/v1/extensions`: what packs bring for the page, and the manifest by which a pack says that it is for ours."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from server.schemas.base import Reply

MANIFEST = 'lumengraph.json'


class Manifest(BaseModel):
	"""`lumengraph.json` in a pack's web folder. `api` is the version of the editor's extension API that the module is
	written for, `module` its path below the folder; the rest is for people."""

	model_config = ConfigDict(extra='ignore', frozen=True, strict=True)

	api: Annotated[int, Field(ge=1)]
	module: Annotated[str, Field(pattern=r'^[^/\\?#][^\\?#]*\.m?js$', max_length=300)]
	title: Annotated[str, Field(max_length=200)] = ''
	description: Annotated[str, Field(max_length=2000)] = ''
	version: Annotated[str, Field(max_length=100)] = ''


class Extension(Reply):
	"""A pack's web folder. `module` is the address of what the editor loads, relative to the page; null if the pack's
	scripts are for another front end, or if `error` says what is wrong with its manifest. `scripts` are all its scripts."""

	name: str
	pack: str
	title: str
	description: str
	version: str
	api: int | None
	module: str | None
	scripts: list[str]
	error: str | None


class ExtensionListing(Reply):
	"""All of them, by pack."""

	extensions: list[Extension]
