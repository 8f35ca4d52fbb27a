"""The model families that can be run, and how a file's family is known: by names and shapes of its tensors alone.

A family that is not known is an error that says what was found, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import UnknownFamily
from nodes.diffusion.families import strangers
from nodes.diffusion.families.base import Family, Found, Listening, Shapes, VaePart
from nodes.diffusion.families.flux import FLUX
from nodes.diffusion.families.flux2 import FLUX2
from nodes.diffusion.families.hidream import HIDREAM
from nodes.diffusion.families.pixel_space import PIXEL_SPACE
from nodes.diffusion.families.qwen_image import QWEN_IMAGE
from nodes.diffusion.families.sd1 import SD1
from nodes.diffusion.families.sd2 import SD2
from nodes.diffusion.families.sd3 import SD3
from nodes.diffusion.families.sdxl import REFINER, SDXL
from nodes.diffusion.families.sdxl_edm import COSXL, PLAYGROUND
from nodes.diffusion.families.z_image import Z_IMAGE

__all__ = ['FAMILIES', 'LISTENERS', 'Family', 'Listening', 'find_denoiser', 'find_vae', 'unknown', 'vaes']

FAMILIES: Sequence[Family] = (COSXL, PLAYGROUND, SDXL, REFINER, SD2, SD1, SD3, FLUX, FLUX2, QWEN_IMAGE, Z_IMAGE)
"""Every family, the narrower marks first."""

LISTENERS: Sequence[Listening] = (*FAMILIES, HIDREAM)
"""All whose text encoders are there; HiDream's denoiser is not."""


def find_denoiser(shapes: Shapes) -> tuple[Family, Found] | None:
	"""The family of a file's denoiser and where it is; None if it holds none that is known."""
	for prefixed in (True, False):  # a whole checkpoint is told by its denoiser, before any part is looked for alone
		for family in FAMILIES:
			found = family.denoiser.find(shapes)
			if found is not None and bool(found.prefix) is prefixed:
				return family, found
	return None


def find_vae(shapes: Shapes) -> tuple[VaePart, Found] | None:
	"""The VAE of a file and where it is."""
	return next(((part, found) for part in vaes() if (found := part.find(shapes)) is not None), None)


def vaes() -> Iterator[VaePart]:
	"""Every kind of VAE once."""
	seen: list[VaePart] = []
	for family in FAMILIES:
		if family.vae not in seen:
			seen.append(family.vae)
			yield family.vae
	yield PIXEL_SPACE


def unknown(path: Path, shapes: Shapes) -> UnknownFamily:
	"""What to say of a file whose tensors are of no family that is known."""
	title = strangers.title(shapes)
	some = ', '.join(sorted(shapes)[:3])
	found = f'none of its {len(shapes)} tensors has a known name ({some} …)' if shapes else 'it has no tensors'
	runnable = ', '.join(family.title for family in FAMILIES)
	said = f'it looks like {title}' if title is not None else found
	return UnknownFamily(f'{path} cannot be run: {said}. What can be run: {runnable}.')
