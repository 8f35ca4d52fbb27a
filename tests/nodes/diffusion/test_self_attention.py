"""Settings of self-attention: what they change, and that they change nothing else."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attend

from engine.errors import NodeUsage
from nodes.diffusion.altered import Altered
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.guidance import Cfg, Sides
from nodes.diffusion.self_attention import AwayFromBlurred, Tiles, gaussian_blur, halvings, tiles_along
from nodes.diffusion.text.towers import Towers
from nodes.model_attention import BlurredAttention, TiledAttention
from nodes.values import ModelInputs
from tests.nodes.diffusion.test_step_cache import network, run

SIGMA = torch.tensor(2.0)


def latent(height: int = 8, width: int = 8, batch: int = 2) -> Tensor:
	return torch.randn(batch, 4, height, width, generator=torch.Generator().manual_seed(4))


class TestGaussianBlur:
	def test_is_the_product_of_two_bells(self) -> None:
		"""A dot in the middle becomes exp(−r² / 2σ²), with a sum of 1."""
		dot = torch.zeros(1, 1, 17, 17)
		dot[..., 8, 8] = 1
		blurred = gaussian_blur(dot, 2.0)[0, 0]

		assert blurred.sum() == pytest.approx(1.0)
		assert float(blurred[8, 8] / blurred[7, 10]) == pytest.approx(math.exp(5 / 8), rel=1e-5)
		assert not blurred[3].any()

	def test_even_latents_stay_even_to_their_edges(self) -> None:
		"""Channel by channel."""
		even = torch.tensor([1.0, -2.0, 3.0, 0.5]).reshape(1, 4, 1, 1).expand(1, 4, 6, 5)

		assert torch.allclose(gaussian_blur(even, 3.0), even, atol=1e-6)


class TestAwayFromBlurred:
	def test_by_the_formula(self, denoiser: Denoiser, text: Towers) -> None:
		"""guided + (blurred − what is guessed of x with it) · scale, blurred where attention is more than even."""
		x = latent()
		both = (text.encode('a red cat'), text.encode('dog'))
		plain = Sides(denoiser, both, x)
		wanted, unwanted = plain.guesses(x, SIGMA, (0, 1))
		heard: list[Tensor] = []
		module: Any = denoiser.network.module
		attention = module.mid_block.attentions[0].transformer_blocks[0].attn1
		handle = attention.register_forward_pre_hook(lambda part, args: heard.append(args[0]))
		plain.guesses(x, SIGMA, (1,))
		handle.remove()
		query, key = (
			layer(heard[0]).unflatten(-1, (attention.heads, -1)) for layer in (attention.to_q, attention.to_k)
		)
		scores = torch.einsum('bihd,bjhd->bhij', query, key) / math.sqrt(query.shape[-1])
		mask = (scores.softmax(-1).mean(1).sum(1) > 1).float().reshape(2, 1, 4, 4)
		mask = mask.repeat_interleave(2, 2).repeat_interleave(2, 3)
		blurred = gaussian_blur(unwanted, 2.0) * mask + unwanted * (1 - mask)
		(worse,) = plain.guesses(x + blurred - unwanted, SIGMA, (1,))
		changed = BlurredAttention(0.5, 2.0).apply(denoiser, lambda ref: ref)
		found = Cfg(Sides(changed, both, x), 3.0)(x, SIGMA)

		assert 0 < mask.mean() < 1
		assert torch.allclose(found, unwanted + (wanted - unwanted) * 3 + (blurred - worse) * 0.5, atol=1e-4)

	def test_without_guidance_the_unwanted_side_is_looked_at_too(self, denoiser: Denoiser, text: Towers) -> None:
		"""Else there would be nothing to blur."""
		x, both = latent(), (text.encode('a red cat'), text.encode('dog'))
		changed = BlurredAttention(0.5, 2.0).apply(denoiser, lambda ref: ref)

		assert not torch.equal(
			Cfg(Sides(changed, both, x), 1.0)(x, SIGMA), Cfg(Sides(denoiser, both, x), 1.0)(x, SIGMA)
		)

	def test_small_latents_stay_as_they_are(self, denoiser: Denoiser, text: Towers) -> None:
		"""Those of four values a side, since the kernel would reach beyond them."""
		x, both = latent(4, 16), (text.encode('a red cat'), text.encode('dog'))
		changed = BlurredAttention(0.5, 2.0).apply(denoiser, lambda ref: ref)

		assert torch.equal(Cfg(Sides(changed, both, x), 3.0)(x, SIGMA), Cfg(Sides(denoiser, both, x), 3.0)(x, SIGMA))

	def test_a_side_that_is_not_there_is_told(self, denoiser: Denoiser, text: Towers) -> None:
		"""By guiders with a positive side alone."""
		x = latent()
		changed = BlurredAttention(0.5, 2.0).apply(denoiser, lambda ref: ref)
		with pytest.raises(NodeUsage, match='wants a negative side'):
			Cfg(Sides(changed, (text.encode('a red cat'),), x), 1.0, negative=False)(x, SIGMA)

	def test_no_strength_takes_no_look(self) -> None:
		"""The guided guess as it is."""
		look: Any = None
		guided = torch.ones(1, 4, 8, 8)

		assert AwayFromBlurred(0.0, 2.0)(look, guided) is guided
		assert AwayFromBlurred(1.0, 0.0)(look, guided) is guided


class TestTiles:
	@staticmethod
	def said(denoiser: Denoiser, tiles: Tiles, x: Tensor) -> Tensor:
		inputs = ModelInputs(torch.ones(len(x), 77, 16))
		with torch.inference_mode():
			return Altered(denoiser.network, tiles)(x, torch.tensor([500]), inputs)

	def test_one_tile_changes_nothing(self, denoiser: Denoiser) -> None:
		"""Where a tile may not be smaller than the latent."""
		x = latent(16, 16)
		plain = denoiser.network(x, torch.tensor([500]), ModelInputs(torch.ones(2, 77, 16)))

		assert torch.equal(self.said(denoiser, Tiles(64, 1, 3, False), x), plain)
		assert torch.equal(self.said(denoiser, Tiles(32, 1, 0, False), x), plain)  # it has no attention so far out
		assert torch.equal(self.said(denoiser, Tiles(32, 1, 1, True), x), plain)
		assert not torch.equal(self.said(denoiser, Tiles(32, 1, 1, False), x), plain)

	@pytest.mark.parametrize('width', [16, 24])
	def test_queries_are_cut_into_tiles_and_keys_into_runs_of_rows(self, width: int, denoiser: Denoiser) -> None:
		"""Tiles of 4 × 4 of 8 × 8 places; the first hears the first sixteen places, row by row, and so on.

		Where it is wider than high, the places are taken for rows of its height.
		"""
		block: Any = denoiser.network.module.get_submodule('down_blocks.1.attentions.0.transformer_blocks.0')
		seen: dict[str, Tensor] = {}
		handles = [
			block.norm1.register_forward_hook(lambda part, args, output: seen.update(before=args[0], normed=output)),
			block.norm2.register_forward_hook(lambda part, args, output: seen.update(after=args[0])),
		]
		self.said(denoiser, Tiles(32, 1, 1, False), latent(16, width))
		for handle in handles:
			handle.remove()
		attention = block.attn1
		query, key, value = (
			layer(seen['normed']).unflatten(-1, (attention.heads, -1)).transpose(1, 2)
			for layer in (attention.to_q, attention.to_k, attention.to_v)
		)
		wanted = torch.empty_like(query)
		places = torch.arange(width * 4).reshape(width // 2, 8)
		for number in range(width // 4):
			row, column = number // 2 * 4, number % 2 * 4
			tile = places[row : row + 4, column : column + 4].flatten()
			run = slice(number * 16, number * 16 + 16)
			wanted[:, :, tile] = attend(query[:, :, tile], key[:, :, run], value[:, :, run])
		said = attention.to_out[0](wanted.transpose(1, 2).flatten(2))

		assert torch.allclose(seen['after'] - seen['before'], said, atol=1e-5)

	def test_sizes_are_drawn_alike_in_each_run(self, denoiser: Denoiser, text: Towers) -> None:
		"""And the shared network stays as it is."""
		plain = run(denoiser, text, side=16)
		changed = TiledAttention(32, 2, 1, False).apply(denoiser, lambda ref: ref)
		first = run(changed, text, side=16)

		assert not torch.equal(first, plain)
		assert torch.equal(run(changed, text, side=16), first)
		assert torch.equal(run(denoiser, text, side=16), plain)

	@pytest.mark.parametrize(
		('places', 'latent', 'most', 'found'),
		[
			(256, (16, 16), 0, 0),
			(64, (16, 16), 1, 1),
			(64, (16, 16), 0, None),
			(24, (8, 12), 2, 1),
			(6, (8, 12), 2, 2),
			(40, (9, 16), 3, None),
			(1, (1, 4), 3, None),
		],
	)
	def test_depth_is_told_by_the_places(
		self, places: int, latent: tuple[int, int], most: int, found: int | None
	) -> None:
		"""None where a side was rounded on the way, or beyond the depth."""
		assert halvings(places, latent, most) == found

	@pytest.mark.parametrize(('swaps', 'wanted'), [(1, {8}), (2, {8}), (3, {8, 4}), (4, {8, 4, 2})])
	def test_the_last_of_several_sizes_is_never_drawn(self, swaps: int, wanted: set[int]) -> None:
		"""Of tiles of 4, 8, 16 and 32 along a side of 32."""
		chance = torch.Generator().manual_seed(0)

		assert {tiles_along(32, 4, swaps, chance) for _ in range(60)} == wanted


class TestSettings:
	@pytest.mark.parametrize('setting', [BlurredAttention(0.5, 2.0), TiledAttention(32, 2, 1, False)])
	def test_transformers_are_refused(self, setting: BlurredAttention | TiledAttention, denoiser: Denoiser) -> None:
		"""They have no middle."""
		with pytest.raises(NodeUsage, match='for UNets'):
			setting.apply(replace(denoiser, network=network('flux')), lambda ref: ref)
