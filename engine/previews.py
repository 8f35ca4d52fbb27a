"""How a job shows what it is making while it is made, by ComfyUI's names."""

from __future__ import annotations

from typing import Literal, get_args

PreviewMethod = Literal['none', 'auto', 'latent2rgb', 'taesd']
"""Not at all; by a tiny VAE if there is one, else by colours; by colours; by a tiny VAE."""

PREVIEW_METHODS: tuple[PreviewMethod, ...] = get_args(PreviewMethod)


def preview_method(said: object, default: PreviewMethod) -> PreviewMethod:
	"""What a job says, or the default where it names no method."""
	return next((method for method in PREVIEW_METHODS if method == said), default)
