"""`/features`: what this server can do beyond the dialect's oldest form."""

from __future__ import annotations

from server.schemas.base import Reply


class Manager(Reply):
	"""The official manager of plugins."""

	supports_v4: bool = False


class Extension(Reply):
	"""What plugins of the official server would announce."""

	manager: Manager = Manager()


class Features(Reply):
	"""What is false makes the official front end leave the matching routes alone."""

	supports_preview_metadata: bool = True
	supports_progress_text_metadata: bool = True
	max_upload_size: int
	extension: Extension = Extension()
	node_replacements: bool = True
	assets: bool = False
