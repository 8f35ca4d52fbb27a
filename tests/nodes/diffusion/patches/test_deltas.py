"""Each kind of change, against its formula written out element by element or in another library's terms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nodes.diffusion.layout import Piece
from nodes.diffusion.patches.deltas import Parts, bias_of, delta_of
from tests.nodes.diffusion.patches.conftest import noise

WHOLE = Piece('')


def applied(parts: Parts, weight: Tensor, strength: float = 1.0, piece: Piece = WHOLE) -> Tensor:
	"""A copy of the weight with the change that the parts describe."""
	delta = delta_of(parts)
	assert delta is not None
	changed = weight.clone()
	delta.onto(changed, strength, piece)
	return changed


class TestLowRank:
	"""LoRA: up · down · alpha / rank."""

	def test_linear(self) -> None:
		"""The product is scaled by alpha over rank and by the strength."""
		up, down, weight = noise(6, 2), noise(2, 5), noise(6, 5)
		changed = applied({'up': up, 'down': down, 'alpha': torch.tensor(1.0)}, weight, 0.8)

		assert torch.allclose(changed, weight + 0.8 * 0.5 * (up @ down), atol=1e-6)

	def test_without_alpha_the_product_counts_as_it_is(self) -> None:
		"""PEFT's files have no alpha."""
		up, down, weight = noise(6, 2), noise(2, 5), noise(6, 5)

		assert torch.allclose(applied({'up': up, 'down': down}, weight), weight + up @ down, atol=1e-6)

	def test_convolution(self) -> None:
		"""LoCon: one convolution after the other is the convolution by the changed weight."""
		up, down, weight = noise(6, 2, 1, 1), noise(2, 4, 3, 3), torch.zeros(6, 4, 3, 3)
		changed = applied({'up': up, 'down': down}, weight)
		picture = noise(1, 4, 8, 8)
		twice = torch.nn.functional.conv2d(torch.nn.functional.conv2d(picture, down), up)

		assert torch.allclose(torch.nn.functional.conv2d(picture, changed), twice, atol=1e-4)

	def test_tucker_convolution(self) -> None:
		"""With a middle: three convolutions, one after the other."""
		up, mid, down = noise(6, 2, 1, 1), noise(2, 2, 3, 3), noise(2, 4, 1, 1)
		changed = applied({'up': up, 'mid': mid, 'down': down}, torch.zeros(6, 4, 3, 3))
		picture = noise(1, 4, 8, 8)
		conv = torch.nn.functional.conv2d

		assert torch.allclose(conv(picture, changed), conv(conv(conv(picture, down), mid), up), atol=1e-4)

	def test_rows_of_a_fused_layer(self) -> None:
		"""Of a layer that the module keeps in parts, each part gets its rows."""
		up, down, weight = noise(6, 2), noise(2, 5), noise(2, 5)
		changed = applied({'up': up, 'down': down}, weight, piece=Piece('qkv', 2, 4))

		assert torch.allclose(changed, weight + (up @ down)[2:4], atol=1e-6)

	def test_transposed_layer(self) -> None:
		"""A layer that the file keeps transposed is turned round."""
		up, down, weight = noise(5, 2), noise(2, 6), noise(6, 5)
		changed = applied({'up': up, 'down': down}, weight, piece=Piece('proj', transposed=True))

		assert torch.allclose(changed, weight + (up @ down).t(), atol=1e-6)


class TestRelatives:
	"""LoHa, LoKr, DoRA, OFT, full differences."""

	def test_loha(self) -> None:
		"""The product, element by element, of two low-rank matrices."""
		a, b, c, d = noise(6, 2), noise(2, 5), noise(6, 2, seed=3), noise(2, 5, seed=4)
		parts = {'hada_w1_a': a, 'hada_w1_b': b, 'hada_w2_a': c, 'hada_w2_b': d, 'alpha': torch.tensor(4.0)}
		changed = applied(parts, torch.zeros(6, 5))
		wanted = torch.tensor(
			[
				[2 * sum(a[i, r] * b[r, j] for r in (0, 1)) * sum(c[i, r] * d[r, j] for r in (0, 1)) for j in range(5)]
				for i in range(6)
			]
		)

		assert torch.allclose(changed, wanted, atol=1e-5)

	def test_loha_tucker(self) -> None:
		"""A convolution's two factors each have a core; w_a is [rank, out] then."""
		t1, t2 = noise(2, 2, 3, 3), noise(2, 2, 3, 3, seed=2)
		a, b, c, d = noise(2, 6), noise(2, 4), noise(2, 6, seed=3), noise(2, 4, seed=4)
		parts = {'hada_t1': t1, 'hada_w1_a': a, 'hada_w1_b': b, 'hada_t2': t2, 'hada_w2_a': c, 'hada_w2_b': d}
		changed = applied(parts, torch.zeros(6, 4, 3, 3))
		wanted = torch.zeros(6, 4, 3, 3)
		for i in range(6):
			for j in range(4):
				one = torch.stack([a[r, i] * t1[r, s] * b[s, j] for r in (0, 1) for s in (0, 1)]).sum(0)
				two = torch.stack([c[r, i] * t2[r, s] * d[s, j] for r in (0, 1) for s in (0, 1)]).sum(0)
				wanted[i, j] = one * two

		assert torch.allclose(changed, wanted, atol=1e-5)

	@pytest.mark.parametrize('split', [False, True])
	def test_lokr(self, split: bool) -> None:
		"""Each element of the small matrix times the large one, block by block; alpha counts only for what has a rank."""
		small, large, a, b = noise(2, 3), noise(4, 5), noise(4, 2), noise(2, 5)
		parts = {'lokr_w1': small, 'alpha': torch.tensor(1.0)}
		parts |= {'lokr_w2_a': a, 'lokr_w2_b': b} if split else {'lokr_w2': large}
		changed = applied(parts, torch.zeros(8, 15))
		block = 0.5 * (a @ b) if split else large
		wanted = torch.cat([torch.cat([small[i, j] * block for j in range(3)], dim=1) for i in range(2)])

		assert torch.allclose(changed, wanted, atol=1e-5)

	def test_lokr_convolution(self) -> None:
		"""The large factor of a convolution has the kernel."""
		small, large = noise(2, 2), noise(3, 2, 3, 3)
		changed = applied({'lokr_w1': small, 'lokr_w2': large}, torch.zeros(6, 4, 3, 3))

		assert torch.allclose(changed[4, 3], small[1, 1] * large[1, 1], atol=1e-6)

	def test_dora_by_columns(self) -> None:
		"""At strength 1 each column has exactly the learned length, and the direction of weight + change."""
		up, down, weight = noise(6, 2), noise(2, 5), noise(6, 5)
		lengths = torch.arange(1.0, 6.0)
		changed = applied({'up': up, 'down': down, 'dora_scale': lengths[None]}, weight)

		assert torch.allclose(changed.norm(dim=0), lengths, atol=1e-4)
		assert torch.allclose(
			torch.cosine_similarity(changed, weight + up @ down, dim=0), torch.ones(len(lengths)), atol=1e-5
		)

	@pytest.mark.parametrize('kernel', [(), (3, 3)])
	def test_dora_by_rows(self, kernel: tuple[int, ...]) -> None:
		"""Each row of weight + change is scaled by the learned length over that of the weight's row."""
		weight, difference = noise(6, 5, *kernel), noise(6, 5, *kernel, seed=2)
		lengths = torch.arange(1.0, 7.0).reshape(6, 1, *[1] * len(kernel))
		changed = applied({'diff': difference, 'dora_scale': lengths}, weight)
		factors = lengths.flatten() / weight.flatten(1).norm(dim=1)

		assert torch.allclose(changed.flatten(1), (weight + difference).flatten(1) * factors[:, None], atol=1e-4)

	def test_dora_of_peft(self) -> None:
		"""Its vector is of the lengths that the rows of weight + change get."""
		lengths = torch.arange(1.0, 7.0)
		parts = {'up': noise(6, 2), 'down': noise(2, 5), 'dora_scale': lengths}

		assert torch.allclose(applied(parts, noise(6, 5)).norm(dim=1), lengths, atol=1e-4)

	def test_dora_of_one_magnitude_goes_by_columns(self) -> None:
		"""It is not as many as the rows; all columns get that length."""
		parts = {'up': noise(6, 2), 'down': noise(2, 5), 'dora_scale': torch.full((1, 1), 2.0)}

		assert torch.allclose(applied(parts, noise(6, 5)).norm(dim=0), torch.full((5,), 2.0), atol=1e-4)

	def test_dora_at_half_strength_is_half_way(self) -> None:
		"""The strength mixes the weight and the changed one."""
		weight = noise(6, 5)
		parts = {'up': noise(6, 2), 'down': noise(2, 5), 'dora_scale': torch.ones(6, 1)}

		assert torch.allclose(applied(parts, weight, 0.5), (weight + applied(parts, weight)) / 2, atol=1e-5)

	def test_oft_turns_without_stretching(self) -> None:
		"""Blocks of rows keep the lengths of their columns; a rotation by nothing changes nothing."""
		weight, blocks = noise(6, 5), noise(2, 3, 3)
		changed = applied({'oft_blocks': blocks}, weight)
		same = applied({'oft_blocks': torch.zeros(2, 3, 3)}, weight)

		assert torch.allclose(changed.reshape(2, 3, 5).norm(dim=1), weight.reshape(2, 3, 5).norm(dim=1), atol=1e-5)
		assert not torch.allclose(changed, weight, atol=1e-2)
		assert torch.allclose(same, weight, atol=1e-6)

	def test_oft_by_a_known_angle(self) -> None:
		"""A block of two rows with tan(angle / 2) above the diagonal is turned by the angle."""
		tangent = 0.25
		blocks = torch.tensor([[[0.0, tangent / 2], [-tangent / 2, 0.0]]])
		changed = applied({'oft_blocks': blocks}, torch.eye(2))
		cosine, sine = (1 - tangent**2) / (1 + tangent**2), 2 * tangent / (1 + tangent**2)

		assert torch.allclose(changed, torch.tensor([[cosine, -sine], [sine, cosine]]), atol=1e-6)

	def test_boft_of_one_step_turns_pairs_of_rows(self) -> None:
		"""With blocks of two, each row is turned with its neighbour, by the angle whose half has this tangent."""
		tangent = 0.25
		blocks = torch.tensor([[0.0, tangent / 2], [-tangent / 2, 0.0]]).expand(1, 2, 2, 2)
		cosine, sine = (1 - tangent**2) / (1 + tangent**2), 2 * tangent / (1 + tangent**2)
		turn = torch.tensor([[cosine, sine], [-sine, cosine]])

		assert torch.allclose(applied({'oft_blocks': blocks}, torch.eye(4)), torch.kron(torch.eye(2), turn), atol=1e-6)

	def test_boft_turns_distant_rows_in_later_steps(self) -> None:
		"""Two steps with blocks of two reach the row two further on; the weight as a whole is turned, not stretched."""
		weight, blocks = noise(4, 5), noise(2, 2, 2, 2)
		changed = applied({'oft_blocks': blocks}, weight)
		alone = applied({'oft_blocks': torch.cat([torch.zeros(1, 2, 2, 2), blocks[1:]])}, torch.eye(4))

		assert torch.allclose(changed.norm(dim=0), weight.norm(dim=0), atol=1e-5)
		assert torch.equal(
			alone.abs() > 1e-6, torch.tensor([[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]]).bool()
		)
		assert torch.allclose(applied({'oft_blocks': blocks}, weight, 0.0), weight, atol=1e-6)

	@pytest.mark.parametrize('older', [False, True])
	def test_glora(self, older: bool) -> None:
		"""W + W · A + B, by alpha over rank; older files have the factors the other way round."""
		weight = noise(6, 5)
		a, b = (noise(5, 2), noise(2, 5, seed=3)), (noise(6, 2, seed=4), noise(2, 5, seed=5))
		first, second = (1, 0) if older else (0, 1)
		parts = {
			'glora_a1': a[first],
			'glora_a2': a[second],
			'glora_b1': b[first],
			'glora_b2': b[second],
			'alpha': torch.tensor(1.0),
		}
		wanted = weight + 0.8 * 0.5 * (weight @ a[0] @ a[1] + b[0] @ b[1])

		assert torch.allclose(applied(parts, weight, 0.8), wanted, atol=1e-5)
		some = applied(parts, weight[2:4], 0.8, Piece('', 2, 4))
		assert torch.allclose(some, wanted[2:4], atol=1e-5)

	def test_glora_of_a_convolution(self) -> None:
		"""A mixes the channels that come in, at each place of the kernel."""
		weight = noise(6, 5, 3, 3)
		parts = {
			'glora_a1': noise(5, 2),
			'glora_a2': noise(2, 5),
			'glora_b1': noise(6, 2),
			'glora_b2': noise(2, 5, 3, 3),
		}
		mixed = torch.nn.functional.conv2d(weight, (parts['glora_a1'] @ parts['glora_a2']).t().reshape(5, 5, 1, 1))
		wanted = weight + mixed + (parts['glora_b1'] @ parts['glora_b2'].flatten(1)).reshape(weight.shape)

		assert torch.allclose(applied(parts, weight), wanted, atol=1e-5)

	def test_full_difference_and_replacement(self) -> None:
		"""A difference counts by its strength, a replacement does not."""
		weight, other = noise(6, 5), noise(6, 5, seed=9)

		assert torch.allclose(applied({'diff': other}, weight, 0.5), weight + 0.5 * other)
		assert torch.equal(applied({'set_weight': other}, weight, 0.5), other)

	def test_bias(self) -> None:
		"""A difference of the bias stands beside the weight's."""
		delta, bias = bias_of({'diff_b': noise(6)}), torch.zeros(6)
		assert delta is not None
		delta.onto(bias, 2.0, WHOLE)

		assert torch.equal(bias, 2 * noise(6))

	def test_nothing_is_said(self) -> None:
		"""Alpha alone says nothing of a weight."""
		assert delta_of({'alpha': torch.tensor(1.0)}) is None
