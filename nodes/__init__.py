"""The built-in pack of nodes. It comes in by the same door as any other: `register(kit)`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from engine.plugins import Kit

DEMO = Path(__file__).resolve().parent / 'demo'


def register(kit: Kit) -> None:
	"""Add the nodes, the loaders of model parts, and the folder of the embedded demo model."""
	from nodes import image, latent, load, prompt, sample

	for module in (load, prompt, latent, sample, image):
		kit.collect(module)
	load.add_loaders(kit.loaders)
	kit.catalogue.add('checkpoints', DEMO)
	kit.warm.append(load.import_libraries)
