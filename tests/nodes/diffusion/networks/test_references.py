"""Where references stand."""

from __future__ import annotations

import pytest
import torch

from engine.errors import NodeUsage
from nodes.diffusion.networks.references import places

LATENT = torch.zeros(1, 16, 6, 8)
REFERENCES = (torch.zeros(1, 16, 4, 4), torch.zeros(1, 16, 6, 2), torch.zeros(1, 16, 2, 6))


class TestPlaces:
	def test_side_by_side(self) -> None:
		"""On plane 1; the second to the right of the first, the third below, where that keeps the whole compact."""
		assert places('offset', LATENT, REFERENCES, patch=2, spacing=1) == [(1, 0, 0), (1, 0, 2), (1, 3, 0)]

	def test_on_planes_of_their_own(self) -> None:
		"""Each at the corner, as far apart as the model wants."""
		assert places('index', LATENT, REFERENCES, patch=1, spacing=10) == [(10, 0, 0), (20, 0, 0), (30, 0, 0)]

	def test_down_the_diagonal(self) -> None:
		"""On the picture's plane, each where everything before it ends."""
		assert places('uxo', LATENT, REFERENCES, patch=2, spacing=1) == [(0, 3, 4), (0, 5, 6), (0, 8, 7)]

	def test_other_ways_are_refused(self) -> None:
		"""With those that there are."""
		with pytest.raises(NodeUsage, match="offset, index or uxo, not by 'spiral'"):
			places('spiral', LATENT, REFERENCES, patch=2, spacing=1)

	def test_none(self) -> None:
		"""Nothing to place."""
		assert places('offset', LATENT, (), patch=2, spacing=1) == []
