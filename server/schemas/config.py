"""`/v1/config`: the settings as this run of the server has them."""

from __future__ import annotations

from pathlib import Path

from engine.settings import CacheMode
from server.schemas.base import Reply


class FolderPaths(Reply):
	"""Where things lie on the server's disk."""

	base: Path
	input: Path
	output: Path
	temp: Path
	models: Path
	cache: Path
	workflows: Path
	custom_nodes: list[Path]


class Limits(Reply):
	"""How large things may be, in bytes. 0: nothing of it is kept; null: what the machine has."""

	body: int
	memory_cache: int
	disk_cache: int
	models: int | None
	picture_pixels: int


class Versions(Reply):
	"""What runs; empty where a part is not installed."""

	lumengraph: str
	python: str
	torch: str
	aiohttp: str


class Abilities(Reply):
	"""What is switched on. `metadata`: saved pictures carry their workflow. `packs`: custom nodes are loaded."""

	metadata: bool
	packs: bool
	cache_mode: CacheMode
	cors_origin: str


class Config(Reply):
	"""The settings as this run of the server has them."""

	folders: FolderPaths
	limits: Limits
	versions: Versions
	features: Abilities
