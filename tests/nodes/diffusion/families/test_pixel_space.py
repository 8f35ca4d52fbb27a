"""The VAE that is none, told by its one tensor."""

from __future__ import annotations

import pytest

from nodes.diffusion.families import find_vae
from nodes.diffusion.families.pixel_space import MARK, PIXEL_SPACE


@pytest.mark.parametrize('prefix', ['', 'vae.', 'first_stage_model.'])
def test_is_found_alone_and_in_a_checkpoint(prefix: str) -> None:
	"""Whatever its tensor's shape."""
	found = find_vae({f'{prefix}{MARK}': (), 'other.weight': (3, 3)})

	assert found is not None
	assert (found[0], found[1].prefix) == (PIXEL_SPACE, prefix)
