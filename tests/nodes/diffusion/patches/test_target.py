"""Names of layers → where they lie in a module that keeps fused layers in parts."""

from __future__ import annotations

import torch
from torch import Tensor

from nodes.diffusion.layout import Piece, Recipe
from nodes.diffusion.patches.apply import patched
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.diffusion.patches.target import DENOISER_PREFIXES, Target, text_prefixes
from tests.nodes.diffusion.patches.conftest import Files, noise

WIDTH = 4


def fused() -> Target:
	"""Query, key and value of their own, which the original layout keeps as one; and one that it keeps transposed."""
	module = torch.nn.ModuleDict(
		{name: torch.nn.Linear(WIDTH, WIDTH) for name in ('to_q', 'to_k', 'to_v')} | {'out': torch.nn.Linear(WIDTH, 3)}
	).requires_grad_(False)
	layout: dict[str, Recipe] = {
		f'{name}.{kind}': (Piece(f'double_blocks.0.img_attn.qkv.{kind}', index * WIDTH, (index + 1) * WIDTH),)
		for index, name in enumerate(('to_q', 'to_k', 'to_v'))
		for kind in ('weight', 'bias')
	}
	layout |= {'out.weight': (Piece('proj.weight', transposed=True),), 'out.bias': (Piece('proj.bias'),)}
	return Target('transformer', module, layout, DENOISER_PREFIXES)


class TestFusedLayers:
	"""Flux' files, kohya's and BFL's, name query, key and value together."""

	def test_each_part_gets_its_rows(self, files: Files) -> None:
		"""A LoRA on the fused layer changes all three, as if they were one."""
		target = fused()
		before = torch.cat([target.tensors[f'{name}.weight'] for name in ('to_q', 'to_k', 'to_v')])
		up, down = noise(3 * WIDTH, 2), noise(2, WIDTH)
		layer = 'lora_unet_double_blocks_0_img_attn_qkv'
		file = files.write({f'{layer}.lora_up.weight': up, f'{layer}.lora_down.weight': down})
		made = patched([target], [LoraPatch(file, 1.0)], files.load)[0].module
		after = torch.cat([made.get_parameter(f'{name}.weight') for name in ('to_q', 'to_k', 'to_v')])

		assert torch.allclose(after, before + up @ down, atol=1e-6)

	def test_parts_by_their_own_names(self, files: Files) -> None:
		"""diffusers' files name each part of its own."""
		target = fused()
		before = {name: tensor.clone() for name, tensor in target.tensors.items()}
		up, down = noise(WIDTH, 2), noise(2, WIDTH)
		file = files.write({'transformer.to_k.lora_B.weight': up, 'transformer.to_k.lora_A.weight': down})
		made = patched([target], [LoraPatch(file, 1.0)], files.load)[0].module

		assert torch.allclose(made.get_parameter('to_k.weight'), before['to_k.weight'] + up @ down, atol=1e-6)
		assert torch.equal(made.get_parameter('to_q.weight'), before['to_q.weight'])

	def test_transposed_layer(self, files: Files) -> None:
		"""What the file keeps transposed is turned round."""
		target = fused()
		before = target.tensors['out.weight'].clone()
		up, down = noise(WIDTH, 2), noise(2, 3)
		file = files.write({'diffusion_model.proj.lora_B.weight': up, 'diffusion_model.proj.lora_A.weight': down})
		made = patched([target], [LoraPatch(file, 1.0)], files.load)[0].module

		assert torch.allclose(made.get_parameter('out.weight'), before + (up @ down).t(), atol=1e-6)


class TestTextPrefixes:
	"""Which encoder a name is for."""

	def test_encoders_are_counted(self) -> None:
		"""kohya counts from one, diffusers leaves the first number out."""
		assert 'lora_te1_' in text_prefixes('clip_l', 0, 2)
		assert 'text_encoder.' in text_prefixes('clip_l', 0, 2)
		assert 'lora_te2_' in text_prefixes('clip_g', 1, 2)
		assert 'text_encoder_2.' in text_prefixes('clip_g', 1, 2)
		assert 'lora_te2_' not in text_prefixes('clip_l', 0, 2)

	def test_t5_is_the_third_for_kohya(self) -> None:
		"""Also where it is the second of two."""
		assert {'lora_te2_', 'lora_te3_', 'text_encoder_2.'} <= {*text_prefixes('t5xxl', 1, 2)}


class CodedLinear(torch.nn.Linear):
	"""A linear layer that keeps its weight as whole numbers of eight bits, times one step."""

	STEP = 1 / 16

	def __init__(self, inside: int, outside: int) -> None:
		super().__init__(inside, outside, bias=False)
		numbers = (self.weight.detach() / self.STEP).round().to(torch.int8)
		self.shape, self.compute = self.weight.shape, torch.bfloat16
		self.weight = torch.nn.Parameter(numbers.flatten(), requires_grad=False)

	def decoded(self, dtype: torch.dtype, weight: Tensor | None = None) -> Tensor:
		return ((self.weight if weight is None else weight).to(dtype) * self.STEP).reshape(self.shape)


class TestCodedWeights:
	"""Weights of few bits."""

	def test_changed_ones_become_plain(self, files: Files) -> None:
		"""A patched layer computes with plain numbers, in its compute dtype; others stay coded and are shared."""
		module = torch.nn.ModuleDict({'a': CodedLinear(6, 4), 'b': CodedLinear(6, 4)})
		target = Target('transformer', module, {}, DENOISER_PREFIXES)
		up, down = noise(4, 2), noise(2, 6)
		file = files.write({'transformer.a.lora_B.weight': up, 'transformer.a.lora_A.weight': down})
		before = target.numbers('a.weight')
		(made,) = patched([target], [LoraPatch(file, 1.0)], files.load)
		changed = made.module.get_submodule('a')

		assert type(changed) is torch.nn.Linear
		assert changed.weight.dtype == torch.bfloat16
		assert torch.allclose(changed.weight.float(), before + up @ down, atol=0.05)
		assert made.module.get_parameter('b.weight') is module['b'].weight
		assert isinstance(module['a'], CodedLinear)
		assert made.nbytes == 2 * 24
