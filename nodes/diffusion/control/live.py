"""Control networks while they are leased: what they say at a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.control.hints import fitted, repeated
from nodes.diffusion.control.residuals import Residuals, added
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.parametrisation import Parametrisation
from nodes.pixels.scale import resize_masks
from nodes.values import AutoEncoder, ControlNet, ControlUse, Images, ModelInputs


@runtime_checkable
class Preparing(Protocol):
	"""A control network that was trained to see pictures otherwise than they are."""

	def prepared(self, pixels: Tensor) -> Tensor:
		"""Pixels [batch, channels, h, w], 0 to 1, as it wants them."""
		...


@runtime_checkable
class Borrowing(Protocol):
	"""A control network that works with weights of the model that it steers."""

	def beside(self, model: torch.nn.Module) -> ControlNet:
		"""The network, complete. Raises `NodeUsage` for a model that it is not for."""
		...


@dataclass(frozen=True, eq=False)
class Control:
	"""A use of a control network, with the network itself; `vae` where its hint goes through one."""

	net: ControlNet
	use: ControlUse
	vae: AutoEncoder | None = None
	_hints: dict[tuple[int, int], Tensor] = field(default_factory=dict, repr=False)
	_complete: dict[int, ControlNet] = field(default_factory=dict, repr=False)

	def beside(self, model: torch.nn.Module) -> ControlNet:
		"""The network, with what it borrows of the model that it steers."""
		if not isinstance(self.net, Borrowing):
			return self.net
		if id(model) not in self._complete:
			self._complete[id(model)] = self.net.beside(model)
		return self._complete[id(model)]

	def hint(self, latent: Tensor, latents: LatentFormat) -> Tensor:
		"""The hint for a latent of this size: pixels 0 to 1 [batch, channels, h, w], or latents in the model's scale."""
		size = (latent.shape[-2], latent.shape[-1])
		if size not in self._hints:
			height, width = (side * latents.pixels for side in size)
			kept = self._kept() if self.net.wants_mask else None
			shown = self.use.hint if kept is None else _holed(self.use.hint, kept)
			hint = fitted(shown, height, width)
			if isinstance(self.net, Preparing):
				hint = self.net.prepared(hint)
			if self.net.wants_latents:
				hint = self._encoded(hint, latents)
			if kept is not None:
				fits = fitted(kept[..., None], hint.shape[-2], hint.shape[-1]).to(hint)
				hint = torch.cat([hint, fits[torch.arange(len(hint)) % len(fits)]], dim=1)
			self._hints[size] = hint
		return self._hints[size]

	def _kept(self) -> Tensor:
		"""Where the picture stays (1), [batch, height, width]."""
		if self.use.mask is None:
			raise NodeUsage('This ControlNet fills in: apply it with a mask (ControlNetInpaintingAliMamaApply).')
		return 1 - self.use.mask

	def _encoded(self, pixels: Tensor, latents: LatentFormat) -> Tensor:
		if self.vae is None:
			raise NodeUsage('This ControlNet takes latents: link a VAE to the node that applies it.')
		return latents.process_in(self.vae.encode(Images(pixels.movedim(1, -1))).samples)


def _holed(pixels: Tensor, kept: Tensor) -> Tensor:
	"""Pictures [batch, height, width, channels], black where they do not stay."""
	height, width = pixels.shape[1:3]
	area = resize_masks(kept, width, height, 'bilinear', 'center').round().to(pixels)
	return pixels * area[torch.arange(len(pixels)) % len(area)][..., None]


@dataclass(frozen=True, eq=False)
class Controls:
	"""All that steer one prompt; prompts with the same object may share a batch."""

	items: tuple[Control, ...]


def residuals(
	controls: Controls,
	x: Tensor,
	sigma: Tensor,
	inputs: ModelInputs,
	levels: Parametrisation,
	latents: LatentFormat,
	model: torch.nn.Module,
) -> Residuals | None:
	"""What all of them say together of a latent x [batch, channels, h, w] in the model's scale, at sigma [batch].

	`model` is the network that they steer.

	Those whose part of the way it is not say nothing; None if nobody says anything.
	"""
	scaled, timestep = levels.scaled(x, sigma), levels.timestep(sigma)
	now = float(sigma[0])
	said = []
	for control in controls.items:
		use = control.use
		if not levels.at(use.end) <= now <= levels.at(use.start):
			continue
		hint = repeated(control.hint(x, latents), len(x), inputs.prompts).to(x)
		said.append(control.beside(model)(scaled, timestep, inputs, hint).scaled(use.strength))
	return added(said)
