"""Where the single file of the demo model keeps the tensors of its modules: as Stable Diffusion 1.x does."""

from collections.abc import Mapping
from typing import Any

from transformers import CLIPTextModel

from nodes.diffusion.layout import Layout, prefixed
from nodes.diffusion.layouts import clip, unet, vae

UNET = 'model.diffusion_model.'
VAE = 'first_stage_model.'
TEXT = 'cond_stage_model.transformer.'


def unet_layout(config: Mapping[str, Any]) -> Layout:
	"""The denoiser's."""
	return prefixed(unet.original(config), UNET)


def vae_layout(config: Mapping[str, Any]) -> Layout:
	"""The coder's."""
	return prefixed(vae.original(config), VAE)


def text_layout(text: CLIPTextModel) -> Layout:
	"""The text encoder's; transformers from 5.6 on leaves `text_model.` out of the module's names, and files keep it."""
	layout = prefixed(clip.own(text.config.to_dict()), TEXT)
	bare = not any(name.startswith('text_model.') for name in text.state_dict())
	return {name.removeprefix('text_model.') if bare else name: recipe for name, recipe in layout.items()}
