"""Empty latents."""

from __future__ import annotations

from nodes import latent


class TestEmpty:
	def test_channels_and_sizes(self) -> None:
		"""An eighth of the pixels for most, a sixteenth for Flux 2; all zero."""
		assert latent.empty_latent(64, 32, 2).samples.shape == (2, 4, 4, 8)
		assert latent.empty_sd3_latent(64, 32, 1).samples.shape == (1, 16, 4, 8)
		assert latent.empty_flux2_latent(64, 32, 3).samples.shape == (3, 128, 2, 4)
		assert latent.empty_flux2_latent(64, 32, 3).samples.abs().sum() == 0
