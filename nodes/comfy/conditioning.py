"""CONDITIONING at the border: a list of [tensor, dict] ↔ encoded prompts with their scopes.

What of a dict ours know is read into fields, and written back where it differs from what is usual; other keys are kept
as they are. Areas are (height, width, y, x) in latent values, or ('percentage', height, width, y, x) in parts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeGuard

from nodes.values import EVERYWHERE, Area, Prompt, Scope

if TYPE_CHECKING:
	from torch import Tensor

RELATIVE = 'percentage'
TENSORS = {
	'pooled_output': 'pooled',
	'attention_mask': 'token_mask',
	'concat_latent_image': 'concat',
	'concat_mask': 'concat_mask',
}
"""Keys whose tensors are fields of a prompt."""
NUMBERS = {'strength': 'strength', 'mask_strength': 'mask_strength', 'start_percent': 'start', 'end_percent': 'end'}
"""Keys whose numbers are fields of a scope."""


@dataclass(frozen=True, eq=False)
class ForeignPrompt(Prompt):
	"""An encoded prompt with the further keys of its dict."""

	extras: Mapping[str, object] = field(default_factory=dict)


def entry(prompt: Prompt) -> list[object]:
	"""A prompt as [tensor, dict]."""
	told: dict[str, object] = {}
	for key, name in TENSORS.items():
		if getattr(prompt, name) is not None:
			told[key] = getattr(prompt, name)
	if prompt.guidance is not None:
		told['guidance'] = prompt.guidance
	if prompt.references:
		told['reference_latents'] = list(prompt.references)
	if prompt.reference_method:
		told['reference_latents_method'] = prompt.reference_method
	told.update(_scope_keys(prompt.scope))
	if isinstance(prompt, ForeignPrompt):
		told.update(prompt.extras)
	return [prompt.embedding, told]


def prompt(embedding: Tensor, told: Mapping[str, object]) -> Prompt:
	"""[tensor, dict] as a prompt."""
	extras = dict(told)
	fields: dict[str, Any] = {}
	for key, name in TENSORS.items():
		if is_tensor(told.get(key)):
			fields[name] = extras.pop(key)
	if _is_number(told.get('guidance')):
		fields['guidance'] = extras.pop('guidance')
	references = told.get('reference_latents')
	if isinstance(references, list | tuple) and all(map(is_tensor, references)):
		fields['references'] = tuple(references)
		del extras['reference_latents']
	if isinstance(told.get('reference_latents_method'), str):
		fields['reference_method'] = extras.pop('reference_latents_method')
	fields['scope'] = _scope(told, extras)
	return ForeignPrompt(embedding, **fields, extras=extras) if extras else Prompt(embedding, **fields)


def is_tensor(value: object) -> TypeGuard[Tensor]:
	"""Whether a value is a tensor; where torch is not imported there can be none."""
	tensor = getattr(sys.modules.get('torch'), 'Tensor', None)
	return tensor is not None and isinstance(value, tensor)


def _scope(told: Mapping[str, object], extras: dict[str, object]) -> Scope:
	"""The scope that a dict tells; the keys that it was read from are taken out of `extras`."""
	changes: dict[str, Any] = {}
	for key, name in NUMBERS.items():
		if _is_number(told.get(key)):
			changes[name] = extras.pop(key)
	area = _area(told.get('area'))
	if area is not None:
		changes['area'] = area
		del extras['area']
	mask = told.get('mask')
	if is_tensor(mask) and mask.ndim >= 2:
		changes['mask'] = mask.reshape(-1, *mask.shape[-2:])
		del extras['mask']
	if isinstance(told.get('set_area_to_bounds'), bool):
		changes['mask_bounds'] = extras.pop('set_area_to_bounds')
	return replace(EVERYWHERE, **changes) if changes else EVERYWHERE


def _scope_keys(scope: Scope) -> dict[str, object]:
	told: dict[str, object] = {
		key: getattr(scope, name) for key, name in NUMBERS.items() if getattr(scope, name) != getattr(EVERYWHERE, name)
	}
	if scope.area is not None:
		sides = (scope.area.height, scope.area.width, scope.area.y, scope.area.x)
		told['area'] = (RELATIVE, *sides) if scope.area.relative else tuple(int(side) for side in sides)
	if scope.mask is not None:
		told |= {'mask': scope.mask, 'set_area_to_bounds': scope.mask_bounds, 'mask_strength': scope.mask_strength}
	return told


def _area(value: object) -> Area | None:
	"""None if it is no area of a picture."""
	if not isinstance(value, list | tuple):
		return None
	relative = len(value) == 5 and value[0] == RELATIVE
	sides = value[1:] if relative else value
	if len(sides) != 4 or not all(map(_is_number, sides)):
		return None
	height, width, y, x = sides
	return Area(height, width, y, x, relative)


def _is_number(value: object) -> bool:
	return isinstance(value, int | float) and not isinstance(value, bool)
