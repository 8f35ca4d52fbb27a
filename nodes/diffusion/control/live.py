"""Control networks while they are leased: what they say at a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from engine.errors import NodeUsage
from nodes.diffusion.control.hints import fitted, repeated
from nodes.diffusion.control.residuals import Residuals, added
from nodes.diffusion.latents import LatentFormat
from nodes.diffusion.parametrisation import Parametrisation
from nodes.values import AutoEncoder, ControlNet, ControlUse, Images, ModelInputs


@dataclass(frozen=True, eq=False)
class Control:
	"""A use of a control network, with the network itself; `vae` where its hint goes through one."""

	net: ControlNet
	use: ControlUse
	vae: AutoEncoder | None = None
	_hints: dict[tuple[int, int], Tensor] = field(default_factory=dict, repr=False)

	def hint(self, latent: Tensor, latents: LatentFormat) -> Tensor:
		"""The hint for a latent of this size: pixels 0 to 1 [batch, channels, h, w], or latents in the model's scale."""
		size = (latent.shape[-2], latent.shape[-1])
		if size not in self._hints:
			height, width = (side * latents.pixels for side in size)
			pixels = fitted(self.use.hint, height, width)
			self._hints[size] = self._encoded(pixels, latents) if self.net.wants_latents else pixels
		return self._hints[size]

	def _encoded(self, pixels: Tensor, latents: LatentFormat) -> Tensor:
		if self.vae is None:
			raise NodeUsage('This ControlNet takes latents: link a VAE to the node that applies it.')
		return latents.process_in(self.vae.encode(Images(pixels.movedim(1, -1))).samples)


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
) -> Residuals | None:
	"""What all of them say together of a latent x [batch, channels, h, w] in the model's scale, at sigma [batch].

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
		said.append(control.net(scaled, timestep, inputs, hint).scaled(use.strength))
	return added(said)
