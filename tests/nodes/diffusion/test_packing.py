from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import Conv2d, Embedding, Linear, Module, Sequential, SiLU

from nodes.diffusion.cpu import has_bfloat16
from nodes.diffusion.packing import PackedConv2d, PackedLinear, pack, unpacked
from nodes.diffusion.patches.apply import shared

pytestmark = pytest.mark.skipif(not has_bfloat16(), reason='the processor has no bfloat16')
LAYERS: dict[str, tuple[Callable[[], Linear | Conv2d], tuple[int, ...]]] = {
	'linear': (lambda: Linear(48, 80), (2, 7, 48)),
	'linear without bias': (lambda: Linear(64, 64, bias=False), (3, 64)),
	'convolution': (lambda: Conv2d(16, 24, 3, padding=1), (2, 16, 10, 12)),
	'convolution with strides': (lambda: Conv2d(16, 24, 3, stride=2, padding=1), (1, 16, 11, 9)),
	'grouped convolution': (lambda: Conv2d(16, 32, 3, groups=4, dilation=2), (1, 16, 16, 16)),
	'first convolution': (lambda: Conv2d(4, 32, 3, padding=1), (2, 4, 40, 40)),
	'1 × 1 convolution': (lambda: Conv2d(32, 48, 1), (2, 32, 8, 8)),
}


def network() -> Sequential:
	torch.manual_seed(1)
	layers = Sequential(Conv2d(4, 32, 3, padding=1), SiLU(), Conv2d(32, 32, 3, padding=1), Linear(16, 16))
	return layers.bfloat16().requires_grad_(False)


def far(found: Tensor, expected: Tensor) -> float:
	"""By how much of its norm a tensor is off."""
	return float((found.float() - expected.float()).norm() / expected.float().norm())


@pytest.mark.parametrize('name', LAYERS)
def test_layers_compute_the_same(name: str) -> None:
	"""But for rounding, at the first call and later ones; weights come back bit for bit."""
	build, shape = LAYERS[name]
	torch.manual_seed(0)
	layer = build()
	layer.bfloat16().requires_grad_(False)
	x, weight = torch.randn(shape).bfloat16(), layer.weight.clone()
	with torch.inference_mode():
		expected = layer(x)
		pack(layer)
		found = [layer(x), layer(x)]

	assert type(layer) in (PackedLinear, PackedConv2d)
	assert layer.weight.is_mkldnn
	assert found[0].shape == expected.shape
	assert far(found[0], expected) < 0.005
	assert torch.equal(found[0], found[1])
	assert torch.equal(unpacked(layer.weight), weight)
	assert layer.weight.nbytes == weight.nbytes


def test_other_sizes_first() -> None:
	"""Results do not depend on which sizes came before."""
	one, other = network(), network()
	pack(one)
	pack(other)
	x = torch.randn(2, 4, 16, 16).bfloat16()
	with torch.inference_mode():
		other(torch.randn(1, 4, 64, 16).bfloat16())

		assert torch.equal(one(x), other(x))


def test_nothing_before_the_first_call() -> None:
	"""Loading a model does not wait for it."""
	layers = network()
	pack(layers)

	assert not any(weight.is_mkldnn for weight in layers.parameters())


def test_left_as_they_are() -> None:
	"""Weights in whole precision, weights that an embedding shares, other kinds of padding."""
	tied, table = Linear(8, 8).bfloat16(), Embedding(8, 8).bfloat16()
	tied.weight = table.weight
	round_about = Conv2d(4, 4, 3, padding=1, padding_mode='circular').bfloat16()
	layers = Sequential(Linear(8, 8), tied, table, round_about)
	pack(layers)

	assert [type(layer) for layer in layers] == [Linear, Linear, Embedding, Conv2d]


def test_sharers_find_it_packed() -> None:
	"""A patched set shares what it does not change, before and after; no weight is there twice."""
	layers = network()
	pack(layers)
	twin = shared(layers)
	x = torch.randn(1, 4, 16, 16).bfloat16()
	with torch.inference_mode():
		expected = twin(x)
		before = [weight.is_mkldnn for weight in layers.parameters()]
		found = layers(x)

	assert before == [True, False, True, False, True, False]
	assert torch.equal(found, expected)
	assert all(mine is its for mine, its in zip(layers.parameters(), twin.parameters(), strict=True))


def test_many_threads() -> None:
	"""Threads that call a layer for the first time at once all get the same."""
	layers = network()
	pack(layers)
	x, found, ready = torch.randn(1, 4, 16, 16).bfloat16(), list[Tensor](), threading.Barrier(4)

	def call(module: Module) -> None:
		ready.wait()
		with torch.inference_mode():
			found.append(module(x))

	threads = [threading.Thread(target=call, args=(layers,)) for _ in range(4)]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()

	assert len(found) == 4
	assert all(torch.equal(found[0], other) for other in found[1:])
