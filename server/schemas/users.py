"""`/users`, `/settings`, `/userdata`."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue, RootModel

from server.schemas.base import Reply, Request


class UsersReply(Reply):
	"""Who there is. A front end that gets `users` asks its user which of them they are."""

	storage: Literal['server'] = 'server'
	migrated: bool | None = None
	users: dict[str, str] | None = None


class NewUser(Request):
	"""Somebody who is to be added."""

	username: str


class UserId(RootModel[str]):
	"""The id that somebody got."""


class SettingsBody(RootModel[dict[str, JsonValue]]):
	"""All settings of one person."""


class SettingValue(RootModel[JsonValue]):
	"""The value of one setting; null if it was never set."""


class UserFileInfo(Reply):
	"""A file of a person. Bytes; milliseconds since 1970."""

	path: str
	size: int
	modified: int
	created: int


class UserFileInfos(RootModel[list[UserFileInfo]]):
	"""Files with all that is told of them."""


class SplitNames(RootModel[list[list[str]]]):
	"""Paths, each followed by its parts."""


class StoredName(RootModel[str]):
	"""The path of a file that was stored."""


class TreeEntry(Reply):
	"""A file or folder; folders have neither size nor time."""

	name: str
	path: str
	type: Literal['directory', 'file']
	size: int | None = None
	modified: int | None = None


class Tree(RootModel[list[TreeEntry]]):
	"""Folders first, then files."""
