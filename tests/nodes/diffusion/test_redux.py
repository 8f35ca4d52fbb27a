"""Flux Redux, against diffusers' module of the same file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder
from safetensors.torch import save_file

from engine.errors import NodeUsage, UnknownFamily
from engine.models import Load
from nodes.diffusion.redux import Redux, behind, load_redux
from nodes.values import Prompt
from nodes.vision_values import VisionOutput
from tests.nodes.diffusion.patches.conftest import noise

SEEN, WIDTH = 16, 8


def seen(width: int = SEEN) -> VisionOutput:
	last = noise(2, 5, width)
	return VisionOutput(last, last, last)


@pytest.fixture
def module() -> torch.nn.Module:
	"""diffusers' own, tiny."""
	make: Any = ReduxImageEncoder
	made: torch.nn.Module = make(redux_dim=SEEN, txt_in_features=WIDTH)
	return made.eval().requires_grad_(False)


@pytest.fixture
def redux(module: torch.nn.Module, tmp_path: Path) -> Redux:
	"""The same from a file."""
	save_file(module.state_dict(), tmp_path / 'redux.safetensors')
	return load_redux(Load((tmp_path / 'redux.safetensors',), 'style', dtype='float32'))


class TestRedux:
	def test_says_what_diffusers_says(self, module: torch.nn.Module, redux: Redux) -> None:
		"""Token by token."""
		what = seen()

		assert torch.allclose(redux.tokens(what), module(what.last).image_embeds, atol=1e-6)
		assert redux.nbytes == sum(weight.nbytes for weight in module.parameters())

	def test_another_encoder_is_refused(self, redux: Redux) -> None:
		"""Both widths are told."""
		with pytest.raises(NodeUsage, match=r'width 16 sees .* of width 4'):
			redux.tokens(seen(4))

	def test_other_files_are_refused(self, tmp_path: Path) -> None:
		"""The file and some of its tensors are named."""
		path = tmp_path / 'other.safetensors'
		save_file({'style_embedding': torch.zeros(1)}, path)

		with pytest.raises(UnknownFamily, match=r'other\.safetensors is no style model.*style_embedding'):
			load_redux(Load((path,), 'style'))


class TestBehind:
	@pytest.mark.parametrize(('heard', 'pull'), [(0.5, math.log(0.5)), (0.0, -math.inf)])
	def test_a_bias_is_the_logarithm_of_how_much_it_is_heard(self, heard: float, pull: float) -> None:
		"""The tokens themselves stay as they are, and count as text."""
		text = Prompt(torch.zeros(1, 2, WIDTH), token_mask=torch.tensor([[1.0, 0.0]]))
		prompt = behind(text, torch.ones(1, 3, WIDTH), heard)

		assert prompt.embedding[0, :, 0].tolist() == [0, 0, 1, 1, 1]
		assert prompt.token_mask is not None
		assert prompt.token_mask.tolist() == [[1, 0, 1, 1, 1]]
		assert prompt.bias is not None
		assert torch.allclose(prompt.bias[0, -1], torch.tensor([0.0] * 2 + [pull] * 3))

	def test_heard_as_text_is_they_need_none(self) -> None:
		"""But one that is there goes on."""
		text, more = Prompt(torch.zeros(1, 2, WIDTH)), torch.ones(1, 3, WIDTH)
		biased = behind(behind(text, more, 0.5), more)

		assert behind(text, more).bias is None
		assert biased.bias is not None
		assert biased.bias.shape == (1, 9, 8)
