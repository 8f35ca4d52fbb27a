"""Patches as data."""

from __future__ import annotations

from engine.models import FileDigest, ModelRef
from nodes.diffusion.patches.recipes import LoraPatch, MergePatch
from nodes.values import DiffusionModel


class TestTitles:
	def test_of_patches(self) -> None:
		"""Their kind, the files' names, and how strongly they count."""
		names = {FileDigest('1'): 'night.safetensors', FileDigest('2'): 'other.safetensors'}.__getitem__
		other = ModelRef[DiffusionModel](FileDigest('2'), 'denoiser')

		assert LoraPatch(FileDigest('1'), 0.8).title(names) == 'Lora night.safetensors × 0.8'
		assert MergePatch(other, 0.25, 0.75).title(names) == 'Merge other.safetensors (0.25 : 0.75)'
