"""Settings of text encoders as data. Importing this module imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engine.models import Setting, Use
from nodes.values import TextEncoder


@dataclass(frozen=True)
class LastLayer(Setting):
	"""Where to stop in CLIP's text encoders: −1 is the last layer, −2 the one before."""

	layer: int

	def apply(self, model: TextEncoder, use: Use) -> TextEncoder:
		"""See `Setting`."""
		return model.at_layer(self.layer)


@dataclass(frozen=True)
class TextPadding(Setting):
	"""How prompts are filled up for T5: so much filling after each, and at least so many tokens."""

	padding: int
	least: int

	def apply(self, model: TextEncoder, use: Use) -> TextEncoder:
		"""See `Setting`."""
		return model.padded(self.padding, self.least)
