"""Where things lie and how much room they may take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from engine.declaration import Model

CacheMode = Literal['bytes', 'classic', 'lru', 'ram', 'none']
PROJECT = Path(__file__).resolve().parent.parent


def default_base() -> Path:
	"""`LUMENGRAPH_HOME`, else the checkout that the program runs from, else `~/lumengraph`."""
	named = os.environ.get('LUMENGRAPH_HOME')
	if named:
		return Path(named).expanduser().resolve()
	return PROJECT if (PROJECT / 'pyproject.toml').is_file() else Path.home() / 'lumengraph'


class Settings(Model):
	"""The settings of one run of the program.

	`base` holds input/, output/, temp/, models/, cache/ and custom_nodes/ unless they are named one by one. Sizes are
	bytes. `custom_nodes` and `extra_models` (folder kind → folders) are looked through besides those of `base`; without
	`packs`, no custom nodes are.
	`cache_mode`: `bytes` keeps outputs in memory up to `cache_bytes` and on disk up to `disk_bytes` (0: not at all);
	the others are ComfyUI's and keep nothing on disk: `classic` what the last prompt has, `lru` the nodes of the last
	`cache_entries` prompts, `ram` what leaves `headroom_bytes` of memory free, `none` nothing beyond its use.
	"""

	base: Path = Field(default_factory=default_base)
	input: Path | None = None
	output: Path | None = None
	temp: Path | None = None
	models: Path | None = None
	custom_nodes: tuple[Path, ...] = ()
	packs: bool = True
	extra_models: dict[str, tuple[Path, ...]] = Field(default_factory=dict)
	cache: Path | None = None
	cache_mode: CacheMode = 'bytes'
	cache_entries: int = 0
	cache_bytes: int = 2 * 2**30
	disk_bytes: int = 20 * 2**30
	headroom_bytes: int | None = None
	model_bytes: int | None = None
	metadata: bool = True

	@property
	def input_folder(self) -> Path:
		return self.input or self.base / 'input'

	@property
	def output_folder(self) -> Path:
		return self.output or self.base / 'output'

	@property
	def temp_folder(self) -> Path:
		return self.temp or self.base / 'temp'

	@property
	def cache_folder(self) -> Path:
		return self.cache or self.base / 'cache'

	@property
	def pack_folders(self) -> tuple[Path, ...]:
		"""Where packs of nodes lie."""
		return (self.base / 'custom_nodes', *self.custom_nodes) if self.packs else ()

	@property
	def models_folder(self) -> Path:
		return self.models or self.base / 'models'
