"""Hypernetworks: small networks that change what a UNet's attention hears before its keys and values are made of it.

The format is that of the AUTOMATIC1111 web UI: a pickle of a dictionary, by width two stacks of layers, and some flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import Tensor
from torch.nn import (
	ELU,
	Hardswish,
	LayerNorm,
	LeakyReLU,
	Linear,
	Mish,
	Module,
	Parameter,
	ReLU,
	Sequential,
	Sigmoid,
	Softsign,
	Tanh,
)
from torch.utils.hooks import RemovableHandle

from engine.errors import UnknownFormat
from engine.modelfile import check_pickled
from engine.models import Load
from nodes.diffusion.altered import part_of
from nodes.diffusion.pickled_file import unpickled

ACTIVATIONS: Mapping[str, Callable[[], Module] | None] = {
	'linear': None,
	'relu': ReLU,
	'leakyrelu': LeakyReLU,
	'elu': ELU,
	'swish': Hardswish,
	'tanh': Tanh,
	'sigmoid': Sigmoid,
	'softsign': Softsign,
	'mish': Mish,
}
WEIGHT = '.weight'


@dataclass(frozen=True, eq=False)
class Hypernetwork:
	"""For contexts of each width, what is added to them for keys, and what for values."""

	stacks: Mapping[int, tuple[Module, Module]]

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held."""
		return sum(weight.nbytes for pair in self.stacks.values() for stack in pair for weight in stack.parameters())

	def attach(self, strength: float) -> Callable[[Module], Iterator[RemovableHandle]]:
		"""Hooks for a UNet, see `altered.Attach`: each context h becomes h + stack(h) · strength."""

		def attached(module: Module) -> Iterator[RemovableHandle]:
			part_of(module, 'mid_block')
			for name, part in module.named_modules():
				if not name.endswith(('.attn1', '.attn2')):
					continue
				layers = cast(Any, part)  # diffusers' `Attention`
				for layer, stack in zip(
					(layers.to_k, layers.to_v), self.stacks.get(layers.to_k.in_features, ()), strict=False
				):
					yield layer.register_forward_pre_hook(_adding(stack, strength))

		return attached


def _adding(stack: Module, strength: float) -> Callable[[Module, tuple[Tensor, ...]], Tensor]:
	def add(layer: Module, args: tuple[Tensor, ...]) -> Tensor:
		added: Tensor = stack(args[0].float()) * strength
		return args[0] + added.to(args[0])

	return add


def load_hypernetwork(load: Load) -> Hypernetwork:
	"""A `Loader`. Raises `UnknownFormat` for a file of something else."""
	(path,) = load.paths
	check_pickled(path)
	held = unpickled(path)
	if not isinstance(held, Mapping):
		raise UnknownFormat(path, f'it holds no hypernetwork, but a {type(held).__name__}')
	activation = held.get('activation_func', 'linear')
	if activation not in ACTIVATIONS:
		raise UnknownFormat(path, f'its layers are activated by {activation!r}; known are {", ".join(ACTIVATIONS)}')
	stacks = {}
	for width, pair in held.items():
		if not (isinstance(width, int) or str(width).isdecimal()):
			continue
		keys, values = (
			_stack(
				path,
				tensors,
				ACTIVATIONS[activation],
				norms=bool(held.get('is_layer_norm')),
				to_the_end=bool(held.get('activate_output')),
			).to(load.place)
			for tensors in pair[:2]
		)
		stacks[int(width)] = (keys, values)
	if not stacks:
		raise UnknownFormat(path, 'it holds no hypernetwork: nothing in it is named by a width')
	return Hypernetwork(stacks)


def _stack(
	path: Path,
	tensors: Mapping[str, Tensor],
	activation: Callable[[], Module] | None,
	*,
	norms: bool,
	to_the_end: bool,
) -> Module:
	"""Layers in the order of the file, each with its activation, and with a norm after it if there are norms."""
	names = [name.removesuffix(WEIGHT) for name in tensors if name.endswith(WEIGHT)]
	layers: list[Module] = []
	try:
		for place in range(0, len(names), 2 if norms else 1):
			weight, bias = (tensors[f'{names[place]}.{leaf}'].float() for leaf in ('weight', 'bias'))
			layers.append(_filled(Linear(weight.shape[1], weight.shape[0]), weight, bias))
			if activation is not None and (place < len(names) - 1 or to_the_end):
				layers.append(activation())
			if norms:
				weight, bias = (tensors[f'{names[place + 1]}.{leaf}'].float() for leaf in ('weight', 'bias'))
				layers.append(_filled(LayerNorm(weight.shape[0]), weight, bias))
	except (KeyError, IndexError) as error:
		raise UnknownFormat(path, f'one of its layers is not whole ({error})') from error
	return Sequential(*layers).eval().requires_grad_(False)


def _filled(layer: Linear | LayerNorm, weight: Tensor, bias: Tensor) -> Module:
	layer.weight, layer.bias = Parameter(weight, requires_grad=False), Parameter(bias, requires_grad=False)
	return layer
