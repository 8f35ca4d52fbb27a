"""Networks that are changed while they are looked at, and are as before after it: by hooks on their modules.

The modules are shared with others that use the model, so a change lasts for one look only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from engine.errors import NodeUsage
from nodes.diffusion.networks import Network
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene

Attach = Callable[[torch.nn.Module], Iterable[RemovableHandle]]
"""Puts hooks on a network's module."""

LOW_FREQUENCIES = 1
"""So many frequencies on each side of none are scaled by FreeU."""


@dataclass(frozen=True, eq=False)
class Altered:
	"""A network with hooks that are there while it is called: a `Network`."""

	network: Network
	attach: Attach

	@property
	def module(self) -> torch.nn.Module:
		"""Where its weights are."""
		return self.network.module

	def around(self, module: torch.nn.Module) -> Altered:
		"""See `Network`."""
		return Altered(self.network.around(module), self.attach)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""See `Network`."""
		return self.network.inputs(prompt, latent, scene)

	def __call__(self, x: Tensor, timestep: Tensor, inputs: ModelInputs) -> Tensor:
		"""See `Network`."""
		with attached(self.attach, self.network.module):
			return self.network(x, timestep, inputs)


@contextmanager
def attached(attach: Attach, module: torch.nn.Module) -> Iterator[None]:
	"""Have hooks on a network's module meanwhile."""
	handles: list[RemovableHandle] = []
	try:
		handles.extend(attach(module))
		yield
	finally:
		for handle in handles:
			handle.remove()


def without_self_attention(module: torch.nn.Module) -> Iterator[RemovableHandle]:
	"""In a UNet's middle, each place hears itself only (Ahn et al. 2024, "Perturbed-Attention Guidance")."""

	def itself(attention: torch.nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
		known = cast(Any, attention)  # diffusers' `Attention`
		heard: Tensor = known.to_out[0](known.to_v(args[0]))
		return heard

	for group in part_of(module, 'mid_block', 'attentions'):
		for block in group.transformer_blocks:
			yield block.attn1.register_forward_hook(itself)


@dataclass(frozen=True)
class FreeU:
	"""Scales what a UNet's decoder gets: backbone features by b, low frequencies of skipped ones by s (Si et al. 2023).

	The first of each is for layers of four times the base width, the second for those of two times. With `adaptive` (the
	paper's second version) b acts by each place's mean.
	"""

	b: tuple[float, float]
	s: tuple[float, float]
	adaptive: bool

	def __call__(self, module: torch.nn.Module) -> Iterator[RemovableHandle]:
		"""See `Attach`."""
		widths = cast(Any, module).config.block_out_channels
		scales = {widths[0] * 4: (self.b[0], self.s[0]), widths[0] * 2: (self.b[1], self.s[1])}
		channels = widths[-1]
		for block in part_of(module, 'up_blocks'):
			for resnet in block.resnets:
				if channels in scales:
					yield resnet.register_forward_pre_hook(self._scaled(channels, *scales[channels]))
				channels = resnet.out_channels

	def _scaled(
		self, channels: int, b: float, s: float
	) -> Callable[[torch.nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
		def scaled(module: torch.nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
			backbone, skipped = args[0][:, :channels], args[0][:, channels:]
			half = channels // 2
			factor: Tensor | float = b
			if self.adaptive:
				mean = backbone.mean(dim=1, keepdim=True)
				low, high = (pick(mean, dim=(1, 2, 3), keepdim=True) for pick in (torch.amin, torch.amax))
				factor = (b - 1) * (mean - low) / (high - low) + 1
			backbone = torch.cat([backbone[:, :half] * factor, backbone[:, half:]], dim=1)
			return (torch.cat([backbone, _low_scaled(skipped, s)], dim=1), *args[1:])

		return scaled


@dataclass(frozen=True)
class Skipping:
	"""Leaves transformer blocks out: those of two streams, and those of one, by their numbers."""

	double: tuple[int, ...]
	single: tuple[int, ...] = ()

	def __call__(self, module: torch.nn.Module) -> Iterator[RemovableHandle]:
		"""See `Attach`."""
		for name, numbers in (('transformer_blocks', self.double), ('single_transformer_blocks', self.single)):
			blocks: Sequence[torch.nn.Module] = getattr(module, name, ())
			for number in numbers:
				if number < len(blocks):
					yield blocks[number].register_forward_hook(_passed_by, with_kwargs=True)


def _passed_by(block: torch.nn.Module, args: tuple[Any, ...], given: Mapping[str, Any], output: Any) -> Any:
	"""A block's inputs as its output: what it gives as a pair is (text, picture)."""
	names = ('hidden_states', 'encoder_hidden_states')
	told = dict(zip(names, args, strict=False)) | {name: given[name] for name in names if name in given}
	if isinstance(output, tuple):
		return told['encoder_hidden_states'], told['hidden_states']
	return told['hidden_states']


def part_of(module: torch.nn.Module, *names: str) -> Any:
	"""A part of a UNet. Raises `NodeUsage` for other networks."""
	part: Any = module
	for name in names:
		part = getattr(part, name, None)
	if part is None:
		raise NodeUsage(f'This setting is for UNets; {type(module).__name__} has no {".".join(names)}.')
	return part


def _low_scaled(features: Tensor, scale: float) -> Tensor:
	"""Features [batch, channels, h, w] with their low frequencies multiplied."""
	spectrum = torch.fft.fftshift(torch.fft.fftn(features.float(), dim=(-2, -1)), dim=(-2, -1))
	row, column = spectrum.shape[-2] // 2, spectrum.shape[-1] // 2
	low = (
		slice(row - LOW_FREQUENCIES, row + LOW_FREQUENCIES),
		slice(column - LOW_FREQUENCIES, column + LOW_FREQUENCIES),
	)
	spectrum[(..., *low)] *= scale
	back: Tensor = torch.fft.ifftn(torch.fft.ifftshift(spectrum, dim=(-2, -1)), dim=(-2, -1)).real
	return back.to(features.dtype)
