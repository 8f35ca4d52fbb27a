"""Prompts with their scopes at the border to foreign nodes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nodes.comfy.conditioning import entry, prompt
from nodes.values import EVERYWHERE, Area, Prompt, Scope

EMBEDDING = torch.ones(1, 3, 4)
TOLD: dict[str, Any] = {
	'pooled_output': torch.ones(1, 4),
	'attention_mask': torch.ones(1, 3),
	'area': (8, 16, 4, 0),
	'strength': 0.5,
	'mask': torch.ones(1, 8, 8),
	'set_area_to_bounds': True,
	'mask_strength': 0.7,
	'start_percent': 0.25,
	'end_percent': 0.75,
	'guidance': 3.5,
	'reference_latents': [torch.ones(1, 4, 2, 2)],
	'reference_latents_method': 'index',
	'concat_latent_image': torch.ones(1, 4, 2, 2),
	'concat_mask': torch.ones(1, 1, 16, 16),
}


class TestKeys:
	def test_known_keys_become_fields(self) -> None:
		"""Where, when and how much a prompt counts is its scope."""
		here = prompt(EMBEDDING, TOLD)

		assert type(here) is Prompt
		assert here.scope.area == Area(8, 16, 4, 0)
		assert (here.scope.strength, here.scope.mask_strength, here.scope.mask_bounds) == (0.5, 0.7, True)
		assert (here.scope.start, here.scope.end) == (0.25, 0.75)
		assert here.guidance == 3.5
		assert len(here.references) == 1

	def test_all_comes_back(self) -> None:
		"""Key by key, and further ones too."""
		told = TOLD | {'hooks': object()}
		embedding, back = entry(prompt(EMBEDDING, told))

		assert embedding is EMBEDDING
		assert isinstance(back, dict)
		assert back.keys() == told.keys()
		assert all(back[key] is told[key] for key in ('hooks', 'pooled_output', 'concat_mask'))
		assert back['area'] == (8, 16, 4, 0)

	def test_areas_in_parts_are_told_apart(self) -> None:
		"""The mark before the sides says it."""
		area = ('percentage', 0.5, 1.0, 0.25, 0.0)
		here = prompt(EMBEDDING, {'area': area})
		back = entry(here)[1]
		assert isinstance(back, dict)

		assert here.scope.area == Area(0.5, 1.0, 0.25, 0.0, relative=True)
		assert back['area'] == area

	def test_nothing_unusual_is_an_empty_dict(self) -> None:
		"""Foreign nodes look at which keys there are."""
		assert entry(Prompt(EMBEDDING))[1] == {}
		assert prompt(EMBEDDING, {}).scope is EVERYWHERE

	@pytest.mark.parametrize('odd', [{'area': 'all'}, {'mask': None}, {'strength': 'much'}, {'area': (1, 2)}])
	def test_keys_of_another_form_are_kept(self, odd: dict[str, Any]) -> None:
		"""As they are, and the field stays as usual."""
		here = prompt(EMBEDDING, odd)

		assert here.scope == Scope() or here.scope is EVERYWHERE
		assert entry(here)[1] == odd
