"""`/upload/image`."""

from __future__ import annotations

from engine.events import Folder
from server.schemas.base import Reply


class Uploaded(Reply):
	"""Where the file lies now; its name may differ from the one that was asked for."""

	name: str
	subfolder: str
	type: Folder
