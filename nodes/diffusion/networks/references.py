"""Where the latents that Flux looks at stand beside the one that it draws."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from engine.errors import NodeUsage

OFFSET, INDEX, DIAGONAL = 'offset', 'index', 'uxo'
"""Ways to place references: on one plane side by side; each on a plane of its own; on the picture's, down the diagonal."""

Place = tuple[int, int, int]
"""Where a reference begins: its plane (the first axis of positions), its row and column, in tokens."""


def places(method: str, latent: Tensor, references: Sequence[Tensor], *, patch: int, spacing: int) -> list[Place]:
	"""The place of each reference; `spacing` is how far planes of their own stand apart.

	Side by side they are laid to the right or below, so that the whole stays compact (Flux.1 Kontext). Down the diagonal
	each begins where picture and references before it end (Wu et al. 2025, "UNO"). Raises `NodeUsage` for another method.
	"""
	if method not in (OFFSET, INDEX, DIAGONAL):
		raise NodeUsage(f'This model places pictures to look at by {OFFSET}, {INDEX} or {DIAGONAL}, not by {method!r}.')
	if method == INDEX:
		return [(spacing * number, 0, 0) for number in range(1, len(references) + 1)]
	found = []
	height, width = (latent.shape[-2], latent.shape[-1]) if method == DIAGONAL else (0, 0)
	for reference in references:
		rows, columns = reference.shape[-2:]
		if method == DIAGONAL:
			plane, top, left = 0, height, width
			height, width = height + rows, width + columns
		else:
			plane, (top, left) = 1, ((0, width) if rows + height > columns + width else (height, 0))
			height, width = max(height, rows + top), max(width, columns + left)
		found.append((plane, (top + patch // 2) // patch, (left + patch // 2) // patch))
	return found
