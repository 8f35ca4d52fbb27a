"""Token merging: which places become one, and what they get back."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attend

from engine.errors import NodeUsage
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.text.towers import Towers
from nodes.diffusion.token_merging import Merging, assigned, merge, unmerge
from nodes.model_attention import MergedPlaces
from tests import tiny
from tests.nodes.diffusion.test_step_cache import run

OUTERMOST = tiny.UNET | {
	'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
	'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
}
"""A UNet with attention at the size of the latent."""


def places(seed: int = 1, *, height: int = 4, width: int = 6) -> Tensor:
	return torch.randn(2, height * width, 8, generator=torch.Generator().manual_seed(seed))


def generator() -> torch.Generator:
	return torch.Generator().manual_seed(0)


class TestAssigned:
	@pytest.mark.parametrize('merged', [0, 1, 7, 18])
	def test_so_many_fewer_are_left(self, merged: int) -> None:
		"""Numbers from 0 on, none left out."""
		numbers = assigned(places(), 4, 6, merged, generator())

		assert [row.unique().tolist() for row in numbers] == [list(range(24 - merged))] * 2

	def test_each_cell_keeps_one_and_the_likest_go_to_the_likest(self) -> None:
		"""By cosines, whatever the lengths: found pair by pair."""
		given = places()
		kept = assigned(given, 4, 6, 0, generator())
		numbers = assigned(given * (torch.arange(24).reshape(1, 24, 1) + 1), 4, 6, 5, generator())
		for latent, before, after in zip(given, kept, numbers, strict=True):
			drawn = [int((before == number).nonzero()) for number in range(6)]
			pairs = []
			for place in set(range(24)) - set(drawn):
				likeness = [float(torch.cosine_similarity(latent[place], latent[one], dim=0)) for one in drawn]
				pairs.append((max(likeness), place, likeness.index(max(likeness))))
			wanted = {place: number for _, place, number in sorted(pairs)[-5:]}

			assert {(place // 6 // 2, place % 6 // 2) for place in drawn} == {
				(r, c) for r in range(2) for c in range(3)
			}
			assert {place: int(after[place]) for place in set(range(24)) - set(drawn) if after[place] < 6} == wanted

	def test_a_copy_is_merged_with_what_it_copies(self) -> None:
		"""Where all of a cell are alike, and different from all else, its three others go to the one that was drawn."""
		given = torch.eye(6).repeat_interleave(4, dim=0)  # cell by cell
		by_cell = given.reshape(2, 3, 2, 2, 6).transpose(1, 2).reshape(1, 24, 6)
		numbers = assigned(by_cell, 4, 6, 18, generator())

		assert torch.equal(unmerge(merge(by_cell, numbers), numbers), by_cell)

	def test_sides_need_not_be_even(self) -> None:
		"""What is left at the edges is in no cell."""
		numbers = assigned(places(height=5, width=5), 5, 5, 3, generator())

		assert numbers.max() == 21


class TestMerge:
	def test_means_go_back_to_all_that_made_them(self) -> None:
		"""Numbers 0, 1, 0: the mean of the first and the last."""
		given, numbers = torch.tensor([[[1.0], [5.0], [3.0]]]), torch.tensor([[0, 1, 0]])

		assert merge(given, numbers).tolist() == [[[2.0], [5.0]]]
		assert unmerge(merge(given, numbers), numbers).tolist() == [[[2.0], [5.0], [2.0]]]


class TestMerging:
	@staticmethod
	def unet() -> torch.nn.Module:
		with torch.random.fork_rng(devices=[]):
			torch.manual_seed(0)
			return tiny.make(UNet2DConditionModel, OUTERMOST).eval().requires_grad_(False)

	def test_only_questions_are_merged(self) -> None:
		"""Merged places ask all places, and each that was merged gets their answer."""
		module = self.unet()
		block: Any = module.get_submodule('down_blocks.0.attentions.0.transformer_blocks.0')
		seen: dict[str, Tensor] = {}
		block.norm1.register_forward_hook(lambda part, args, output: seen.update(before=args[0], normed=output))
		block.norm2.register_forward_hook(lambda part, args, output: seen.update(after=args[0]))
		handles = list(Merging(0.3)(module))
		module(torch.randn(2, 4, 8, 8), torch.tensor([5]), encoder_hidden_states=torch.ones(2, 77, tiny.WIDTH))
		for handle in handles:
			handle.remove()
		normed, attention = seen['normed'], block.attn1
		numbers = assigned(normed, 8, 8, int(64 * 0.3), generator())
		query, key, value = (
			layer(of).unflatten(-1, (attention.heads, -1)).transpose(1, 2)
			for layer, of in (
				(attention.to_q, merge(normed, numbers)),
				(attention.to_k, normed),
				(attention.to_v, normed),
			)
		)
		said = attention.to_out[0](attend(query, key, value).transpose(1, 2).flatten(2))

		assert torch.allclose(seen['after'] - seen['before'], unmerge(said, numbers), atol=1e-5)

	def test_nothing_is_merged_deeper_down(self, denoiser: Denoiser, text: Towers) -> None:
		"""The tiny model has attention at half of the latent's size only."""
		changed = MergedPlaces(0.5).apply(denoiser, lambda ref: ref)

		assert torch.equal(run(changed, text), run(denoiser, text))

	def test_other_networks_are_refused(self) -> None:
		"""When the hooks are put on."""
		with pytest.raises(NodeUsage, match='for UNets'):
			list(Merging(0.5)(torch.nn.Linear(1, 1)))
