"""Hypernetworks: how files are read, and what they add."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from engine.errors import NodeUsage, UnknownFormat
from engine.models import FileDigest, Load
from nodes.diffusion.altered import Altered
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.hypernetwork import Hypernetwork, load_hypernetwork
from nodes.hypernetwork import HypernetworkUse
from nodes.values import ModelInputs
from tests.nodes.diffusion.test_step_cache import network

WIDTH = 16


def numbers(*shape: int, seed: int) -> Tensor:
	return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.3


def linear(name: str, width: int, height: int, seed: int, bias: float = 0.0) -> dict[str, Tensor]:
	"""A layer's tensors."""
	return {f'{name}.weight': numbers(height, width, seed=seed), f'{name}.bias': torch.full((height,), bias)}


def loaded(path: Path, held: Any) -> Hypernetwork:
	"""Written and read."""
	torch.save(held, path)
	return load_hypernetwork(Load((path,), 'hypernetwork'))


class TestReading:
	def test_layers_follow_each_other_with_activations_between(self, tmp_path: Path) -> None:
		"""The last one has none."""
		stack = {**linear('linear.0', 4, 8, 1, 0.5), **linear('linear.1', 8, 4, 2)}
		made = loaded(tmp_path / 'x.pt', {4: (stack, stack), 'activation_func': 'relu', 'step': 7})
		x = numbers(2, 4, seed=3)
		inner = torch.relu(x @ stack['linear.0.weight'].T + 0.5)

		assert torch.allclose(made.stacks[4][0](x), inner @ stack['linear.1.weight'].T, atol=1e-6)
		assert made.nbytes == 2 * 4 * (4 * 8 + 8 + 8 * 4 + 4)

	def test_norms_follow_layers(self, tmp_path: Path) -> None:
		"""With an activation before each of them."""
		stack = {
			**linear('linear.0', 4, 4, 1, 0.5),
			'linear.1.weight': torch.full((4,), 2.0),
			'linear.1.bias': torch.ones(4),
		}
		held = {4: (stack, stack), 'activation_func': 'tanh', 'is_layer_norm': True}
		made = loaded(tmp_path / 'x.pt', held)
		x = numbers(2, 4, seed=3)
		inner = torch.tanh(x @ stack['linear.0.weight'].T + 0.5)

		assert torch.allclose(made.stacks[4][1](x), layer_norm(inner, (4,)) * 2 + 1, atol=1e-5)

	@pytest.mark.parametrize(
		('held', 'reason'),
		[
			({'state_dict': {}}, 'nothing in it is named by a width'),
			([1], 'but a list'),
			({4: ({}, {}), 'activation_func': 'gelu'}, "activated by 'gelu'"),
			({4: ({'linear.0.weight': torch.ones(4, 4)}, {})}, 'not whole'),
		],
	)
	def test_other_files_are_refused(self, held: Any, reason: str, tmp_path: Path) -> None:
		"""With what is wrong about them."""
		with pytest.raises(UnknownFormat, match=reason):
			loaded(tmp_path / 'x.pt', held)


class TestAttention:
	INPUTS = ModelInputs(numbers(1, 77, WIDTH, seed=5))
	X, STEP = numbers(1, 4, 8, 8, seed=6), torch.tensor([300])

	def test_acts_as_changed_keys_and_values(self, denoiser: Denoiser, tmp_path: Path) -> None:
		"""K (h + s · W h) is (K + s · K W) h; the shared network stays as it is."""
		keys, values = linear('linear.0', WIDTH, WIDTH, 1), linear('linear.0', WIDTH, WIDTH, 2)
		made = loaded(tmp_path / 'x.pt', {WIDTH: (keys, values), 320: (keys, values)})
		changed = copy.deepcopy(denoiser.network.module)
		for name, part in changed.named_modules():
			for layer, stack in (('to_k', keys), ('to_v', values)):
				if name.endswith((f'attn1.{layer}', f'attn2.{layer}')):
					weight = part.get_parameter('weight')
					weight += 0.5 * weight @ stack['linear.0.weight']
		plain = denoiser.network(self.X, self.STEP, self.INPUTS)
		found = Altered(denoiser.network, made.attach(0.5))(self.X, self.STEP, self.INPUTS)

		assert torch.allclose(found, denoiser.network.around(changed)(self.X, self.STEP, self.INPUTS), atol=1e-5)
		assert not torch.allclose(found, plain, atol=1e-3)
		assert torch.equal(denoiser.network(self.X, self.STEP, self.INPUTS), plain)

	def test_other_widths_are_left_alone(self, denoiser: Denoiser, tmp_path: Path) -> None:
		"""A hypernetwork for a larger model changes nothing."""
		stack = linear('linear.0', 320, 320, 1)
		made = loaded(tmp_path / 'x.pt', {320: (stack, stack)})
		found = Altered(denoiser.network, made.attach(1.0))(self.X, self.STEP, self.INPUTS)

		assert torch.equal(found, denoiser.network(self.X, self.STEP, self.INPUTS))

	def test_transformers_are_refused(self, denoiser: Denoiser) -> None:
		"""They have no such attention."""
		with pytest.raises(NodeUsage, match='for UNets'):
			HypernetworkUse(FileDigest('x'), 1.0).apply(replace(denoiser, network=network('flux')), lambda ref: ref)
