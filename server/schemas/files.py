"""`/upload/image`, `/upload/mask` and lists of files."""

from __future__ import annotations

from pathlib import Path

from pydantic import RootModel

from engine.events import Folder
from server.schemas.base import Reply, Request


class OriginalFile(Request):
	"""The picture that a mask belongs to."""

	filename: str
	subfolder: str = ''
	type: str = 'output'


class Uploaded(Reply):
	"""Where the file lies now; its name may differ from the one that was asked for."""

	name: str
	subfolder: str
	type: Folder


class FolderPaths(RootModel[dict[str, list[Path]]]):
	"""Kind of model folder → where such files lie."""
