"""Where things lie and how much room they may take."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field

from engine.declaration import Model

PROJECT = Path(__file__).resolve().parent.parent


def default_base() -> Path:
	"""`LUMENGRAPH_HOME`, else the checkout that the program runs from, else `~/lumengraph`."""
	named = os.environ.get('LUMENGRAPH_HOME')
	if named:
		return Path(named).expanduser().resolve()
	return PROJECT if (PROJECT / 'pyproject.toml').is_file() else Path.home() / 'lumengraph'


class Settings(Model):
	"""The settings of one run of the program.

	`base` holds input/, output/, temp/, models/ and custom_nodes/ unless they are named one by one. Sizes are bytes.
	"""

	base: Path = Field(default_factory=default_base)
	input: Path | None = None
	output: Path | None = None
	temp: Path | None = None
	models: Path | None = None
	cache_bytes: int = 2 * 2**30
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
	def models_folder(self) -> Path:
		return self.models or self.base / 'models'
