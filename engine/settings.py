"""Where things lie and how much room they may take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from engine.declaration import Model

Precision = Literal['auto', 'exact']
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

	`base` holds input/, output/, temp/, models/, cache/, data/, user/ and custom_nodes/ unless they are named one by one.
	Sizes are bytes. `data` has the database; it remembers the newest `keep_jobs` jobs that are over, for `keep_days`.
	`custom_nodes` and `extra_models` (folder kind → folders) are looked through besides those of `base`, `first_models`
	before them; without
	`packs`, only those custom nodes are loaded that `allowed_packs` names. With `multi_user`, each person has a folder and
	settings of their own in user/.
	`cache_mode`: `bytes` keeps outputs in memory up to `cache_bytes` and on disk up to `disk_bytes` (0: not at all);
	the others are ComfyUI's and keep nothing on disk: `classic` what the last prompt has, `lru` the nodes of the last
	`cache_entries` prompts, `ram` what leaves `headroom_bytes` of memory free, `none` nothing beyond its use.

	`precision` says what models are computed in unless a workflow names it: what suits the device and the model, or float32.
	With `compile`, diffusion models are compiled wherever a workflow does not say so itself.

	Nodes compute on the GPUs that there are, with `cpu` on the CPU.
	`workers` processes run jobs on each device, each with the memory of `cache_bytes` and a share of that for models. A
	node may take `node_seconds`, unless its declaration says otherwise. A worker process is ended that did not beat for
	`heartbeat_seconds`, or whose job goes on for `grace_seconds` after it was interrupted; it is replaced between two
	jobs once it has done `recycle_jobs` or holds more than `recycle_bytes` (on Linux). None and 0 stand for no limit.
	"""

	base: Path = Field(default_factory=default_base)
	input: Path | None = None
	output: Path | None = None
	temp: Path | None = None
	models: Path | None = None
	user: Path | None = None
	multi_user: bool = False
	custom_nodes: tuple[Path, ...] = ()
	packs: bool = True
	allowed_packs: tuple[str, ...] = ()
	extra_models: dict[str, tuple[Path, ...]] = Field(default_factory=dict)
	first_models: dict[str, tuple[Path, ...]] = Field(default_factory=dict)
	cache: Path | None = None
	data: Path | None = None
	keep_jobs: int = 10_000
	keep_days: float | None = None
	cache_mode: CacheMode = 'bytes'
	cache_entries: int = 0
	cache_bytes: int = 2 * 2**30
	disk_bytes: int = 20 * 2**30
	headroom_bytes: int | None = None
	model_bytes: int | None = None
	precision: Precision = 'auto'
	compile: bool = False
	metadata: bool = True
	workers: int = Field(default=1, ge=1)
	cpu: bool = False
	node_seconds: float | None = Field(default=None, gt=0)
	heartbeat_seconds: float = Field(default=120.0, ge=0)
	grace_seconds: float = Field(default=10.0, ge=0)
	recycle_jobs: int = Field(default=0, ge=0)
	recycle_bytes: int = Field(default=0, ge=0)

	@property
	def exact(self) -> bool:
		"""Whether models compute in whole precision wherever a workflow names no other."""
		return self.precision == 'exact'

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
	def data_folder(self) -> Path:
		return self.data or self.base / 'data'

	@property
	def user_folder(self) -> Path:
		return self.user or self.base / 'user'

	@property
	def pack_folders(self) -> tuple[Path, ...]:
		"""Where packs of nodes lie."""
		return (self.base / 'custom_nodes', *self.custom_nodes) if self.packs or self.allowed_packs else ()

	def allows_pack(self, path: Path) -> bool:
		"""Whether the pack at a path may be loaded. A pack that is one file is also known without its `.py`."""
		return self.packs or not {path.name, path.stem}.isdisjoint(self.allowed_packs)

	@property
	def workflows_folder(self) -> Path:
		"""Where workflows lie that were saved by the user."""
		return self.user_folder / 'workflows'

	@property
	def models_folder(self) -> Path:
		return self.models or self.base / 'models'
