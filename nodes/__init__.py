"""The built-in pack of nodes. It comes in by the same door as any other: `register(kit)`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from engine.plugins import Kit

DEMO = Path(__file__).resolve().parent / 'demo'


def register(kit: Kit) -> None:
	"""Add the nodes, the codecs, the loaders and marks of model files, and the folder of the embedded demo model."""
	from nodes import comfy, image, latent, load, logic, prompt, sample
	from nodes.codecs import add_codecs
	from nodes.diffusion.marks import MARKS

	for module in (load, prompt, latent, sample, image, logic):
		kit.collect(module)
	load.add_loaders(kit.loaders)
	add_codecs(kit.codecs)
	kit.marks.extend(MARKS)
	kit.catalogue.add('checkpoints', DEMO)
	comfy.register(kit)
	kit.warm.append(load.import_libraries)
