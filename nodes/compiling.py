"""Models whose blocks are compiled: a setting, which changes no weights."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from engine.declaration import Choice
from engine.models import ModelRef, Setting, Use
from engine.spec import node
from nodes.load import DENOISER
from nodes.model_guidance import Model, same
from nodes.values import DiffusionModel

if TYPE_CHECKING:
	from engine.compute import Compute

BACKENDS = ('inductor', 'cudagraphs')
KEPT = 'TORCHINDUCTOR_CACHE_DIR'
"""Where torch looks for the folder of what it has compiled."""


@dataclass(frozen=True)
class CompiledBlocks(Setting):
	"""See `nodes.diffusion.compiling`."""

	backend: str

	def apply(self, model: Any, use: Use) -> Any:
		"""See `Setting`. Raises `NotInstalled` where there is no C++ compiler."""
		from nodes.diffusion.compiling import compiled

		return compiled(model, self.backend)


SETTINGS = (CompiledBlocks,)


@node(kind='TorchCompileModel', experimental=True, category='_for_testing', lane='cpu', facts=same('MODEL'))
def compile_model(
	model: Model,
	backend: Annotated[
		str, Choice(options=BACKENDS), 'What compiles it: inductor anywhere, cudagraphs on GPUs of NVIDIA.'
	],
) -> ModelRef[DiffusionModel]:
	"""Compile the blocks that a model repeats: slow the first time, quicker then. What is compiled is kept for later runs."""
	return model.patched(CompiledBlocks(backend))


def add_compiling(compute: Compute) -> None:
	"""Tell the engine what `--compile` puts on diffusion models."""
	compute.compilers[DENOISER] = CompiledBlocks(BACKENDS[0])
	compute.keepers.append(keep_in)


def keep_in(folder: Path) -> None:
	"""Have torch keep what it compiles in a folder, unless the user has named one in the environment."""
	os.environ.setdefault(KEPT, str(folder))
