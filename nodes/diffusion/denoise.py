"""From a network to "the clean latent as guessed at this noise", which is all that samplers see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from engine.models import Load, Place, Size, WeightPatch
from nodes.diffusion.control.live import residuals
from nodes.diffusion.gligen import grounded
from nodes.diffusion.hooks import NO_HOOKS, Hooks
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.layout import Layout
from nodes.diffusion.moving import move
from nodes.diffusion.networks import Network
from nodes.diffusion.origin import Origin
from nodes.diffusion.parametrisation import Parametrisation
from nodes.diffusion.patches.apply import patched, patched_size
from nodes.diffusion.patches.target import DENOISER_PREFIXES, Target
from nodes.diffusion.scopes import box_size
from nodes.diffusion.whereabouts import bytes_of, moved, place_of
from nodes.values import NO_SCENE, ModelInputs, Prompt, Scene


@dataclass(frozen=True, eq=False)
class Denoiser:
	"""A network with its noise levels and latents: a `DiffusionModel`. Settings are applied by replacing fields.

	`layout` is how original files keep the network's tensors, `origin` where they were read. Of a patched one, `own` are the bytes that it does not
	share, and `unmatched` is what of the patches fits nothing.
	"""

	network: Network
	parametrisation: Parametrisation
	latents: LatentFormat
	family: str
	hooks: Hooks = NO_HOOKS
	layout: Layout = field(default_factory=dict, repr=False)
	origin: Origin | None = field(default=None, repr=False)
	own: int | None = None
	unmatched: tuple[str, ...] = ()

	@property
	def nbytes(self) -> int:
		"""Bytes of weights held, without those that are shared with the model it was patched from."""
		return bytes_of(self.network.module) if self.own is None else self.own

	def targets(self) -> tuple[Target, ...]:
		"""What patches are for."""
		return (Target('diffusion model', self.network.module, self.layout, DENOISER_PREFIXES),)

	def parts(self) -> Sequence[tuple[Target, Origin]]:
		"""See `Savable`."""
		return () if self.origin is None else tuple((target, self.origin) for target in self.targets())

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> Denoiser:
		"""See `Patchable`."""
		(made,) = patched(self.targets(), patches, load)
		return replace(self, network=self.network.around(made.module), own=made.nbytes, unmatched=made.unmatched)

	def patched_size(self, patches: Sequence[WeightPatch], load: Load) -> Size:
		"""See `PatchMeasure`."""
		return patched_size(self.targets(), patches, load)

	def move(self, place: Place) -> None:
		"""See `Movable`."""
		move(self.network.module, place)

	def inputs(self, prompt: Prompt, latent: Tensor, scene: Scene = NO_SCENE) -> ModelInputs:
		"""What the network is to hear of a prompt: see `Network`. Raises `NodeUsage` for phrases in places that it cannot see."""
		inputs = replace(self.network.inputs(prompt, latent, scene), controls=prompt.live)
		if prompt.grounding is None or prompt.grounder is None:
			return inputs
		size = box_size(prompt.scope, latent.shape[-2], latent.shape[-1])
		return grounded(inputs, prompt.grounder, prompt.grounding.phrases, self.network.module, self.layout, size)

	def denoise(self, x: Tensor, sigma: Tensor, inputs: ModelInputs) -> Tensor:
		"""The clean latent as guessed at this noise: x is float32 [batch, channels, …], sigma [batch].

		All are in main memory; what the network hears and says is taken to where its weights are, and back.
		"""
		level, place = self.parametrisation, place_of(self.network.module)
		with torch.inference_mode():
			if inputs.controls is not None:
				said_besides = residuals(inputs.controls, x, sigma, inputs, level, self.latents, self.network.module)
				inputs = replace(inputs, controls=None, residuals=said_besides)
			seen, timestep = level.scaled(x, sigma).to(place), level.timestep(sigma).to(place)
			said = self.network(seen, timestep, moved(inputs, place)).to(x.device)
			return level.denoised(x, said, sigma)
