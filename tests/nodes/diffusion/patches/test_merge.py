"""Models added up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import PatchMismatch
from engine.models import FileDigest, Load, ModelRef
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.recipes import MergePatch
from nodes.diffusion.text.towers import Towers
from tests import tiny
from tests.nodes.diffusion.patches.conftest import weights

OTHER = ModelRef[Any](FileDigest('other'), 'denoiser')


@pytest.fixture
def other(tmp_path: Path) -> Denoiser:
	"""A denoiser of the same make with other weights."""
	path = tmp_path / 'other.safetensors'
	tiny.save_checkpoint(path, seed=1)
	return load_denoiser(Load((path,), 'denoiser'))


def merged(model: Denoiser, other: Any, patch: MergePatch) -> Denoiser:
	"""The model with the patch, where `other` is what it asks for."""

	def use(ref: ModelRef[Any]) -> Any:
		return other

	return model.patched([patch], Load((), 'denoiser', user=use))


class TestMerge:
	"""mine · own + theirs · other."""

	@pytest.mark.parametrize(('mine', 'theirs'), [(0.75, 0.25), (1.0, 1.0), (2.0, -2.0)])
	def test_weights_are_added_up(self, mine: float, theirs: float, denoiser: Denoiser, other: Denoiser) -> None:
		"""Every weight, and neither model is written to."""
		first = {name: tensor.clone() for name, tensor in weights(denoiser).items()}
		second = {name: tensor.clone() for name, tensor in weights(other).items()}
		made = weights(merged(denoiser, other, MergePatch(OTHER, mine, theirs)))

		assert all(torch.allclose(made[name], mine * first[name] + theirs * second[name], atol=1e-6) for name in first)
		assert all(torch.equal(weights(denoiser)[name], first[name]) for name in first)
		assert all(torch.equal(weights(other)[name], second[name]) for name in second)

	def test_blocks_have_shares_of_their_own(self, denoiser: Denoiser, other: Denoiser) -> None:
		"""Blocks go by their original names; what is in none goes with the rest, and what is all mine is shared."""
		patch = MergePatch(OTHER, 1.0, 0.0, (('middle', 0.0, 1.0), ('out', 0.5, 0.5)))
		made, first, second = weights(merged(denoiser, other, patch)), weights(denoiser), weights(other)
		middle, up, down = (
			'mid_block.resnets.0.conv1.weight',
			'up_blocks.0.resnets.0.conv1.weight',
			'time_embedding.linear_1.weight',
		)

		assert torch.equal(made[middle], second[middle])
		assert torch.allclose(made[up], (first[up] + second[up]) / 2, atol=1e-6)
		assert torch.allclose(made['conv_out.weight'], (first['conv_out.weight'] + second['conv_out.weight']) / 2)
		assert made[down].data_ptr() == first[down].data_ptr()

	def test_models_of_other_kinds_are_refused(self, denoiser: Denoiser, encoder: Towers) -> None:
		"""A text encoder is no diffusion model."""
		with pytest.raises(PatchMismatch, match='that has none'):
			merged(denoiser, encoder, MergePatch(OTHER, 0.5, 0.5))
