"""Biases of attention between tokens and picture, as data and in Flux."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from nodes.diffusion.biases import for_attention, joined, lengthened
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.networks.flux import FluxTransformer
from nodes.values import Prompt
from tests.nodes.diffusion.patches.conftest import noise
from tests.tiny_transformers import NETWORKS


class TestData:
	def test_what_is_added_is_listened_to_from_before_it_only(self) -> None:
		"""Two tokens, then one, then one more: rows are who listens, the last of them the picture."""
		bias = lengthened(lengthened(None, 2, 1, 3.0), 3, 1, 5.0)

		assert bias[0].tolist() == [[0, 0, 3, 5], [0, 0, 3, 5], [0, 0, 0, 5], [0, 0, 0, 0], [0, 0, 3, 5]]

	def test_two_prompts_keep_their_own(self) -> None:
		"""One behind the other; without any there is none."""
		one, other = (Prompt(torch.zeros(1, 2, 4), bias=lengthened(None, 1, 1, pull)) for pull in (3.0, 5.0))
		both = joined(one, other)

		assert both is not None
		assert both[0].tolist() == [[0, 3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 5], [0, 0, 0, 0], [0, 3, 0, 5]]
		assert joined(replace(one, bias=None), replace(other, bias=None)) is None

	def test_each_place_of_the_picture_listens_alike(self) -> None:
		"""Tokens come first; nobody is drawn to the picture."""
		whole = for_attention(lengthened(None, 1, 1, 2.0), 2)

		assert whole[0, 0].tolist() == [[0, 2, 0, 0], [0, 0, 0, 0], [0, 2, 0, 0], [0, 2, 0, 0]]


class TestFlux:
	def test_what_nobody_listens_to_changes_nothing(self) -> None:
		"""Tokens with a bias of −∞ are as if they were not there; with one of 0 they count as without a bias."""
		flux = NETWORKS['flux']
		network = FluxTransformer(flux.make(), flux.config, LatentFormat(channels=16))
		text, style = noise(1, 5, flux.config['joint_attention_dim']), noise(1, 3, flux.config['joint_attention_dim'])
		both = torch.cat([text, style], dim=1)
		x, sigma = noise(1, 16, 6, 8), torch.tensor([0.5])

		def said(prompt: Prompt) -> torch.Tensor:
			return network(x, sigma, network.inputs(prompt, x))

		deaf = said(Prompt(both, bias=lengthened(None, 5, 3, -math.inf)))
		even = said(Prompt(both, bias=lengthened(None, 5, 3, 0.0)))

		assert torch.allclose(deaf, said(Prompt(text)), atol=1e-5)
		assert torch.allclose(even, said(Prompt(both)), atol=1e-5)
		assert not torch.allclose(deaf, even, atol=1e-3)
