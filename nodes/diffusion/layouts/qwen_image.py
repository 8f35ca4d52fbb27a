"""Qwen-Image and Qwen-Image-Edit as the Qwen team published them (2025), against `QwenImageTransformer2DModel`.

The file names everything as the module does.
"""

from __future__ import annotations

from typing import Any

from nodes.diffusion.layouts.pieces import Shapes, axes, blocks

PATCH = 2
CLEAN_REFERENCES = '__index_timestep_zero__'
"""An empty tensor that marks models which take reference latents for clean ones, whatever the noise (Edit 2511)."""


def config(shapes: Shapes) -> dict[str, Any]:
	"""The module's config."""
	return {
		**_blocks(shapes),
		'out_channels': shapes['proj_out.weight'][0] // PATCH**2,
		'zero_cond_t': CLEAN_REFERENCES in shapes,
	}


def control_config(shapes: Shapes) -> dict[str, Any]:
	"""The config of a ControlNet, `QwenImageControlNetModel`."""
	own = _blocks(shapes)
	return {**own, 'extra_condition_channels': shapes['controlnet_x_embedder.weight'][1] - own['in_channels']}


def _blocks(shapes: Shapes) -> dict[str, Any]:
	"""What transformer and ControlNet have in common."""
	width, channels = shapes['img_in.weight']
	head = shapes['transformer_blocks.0.attn.norm_q.weight'][0]
	return {
		'patch_size': PATCH,
		'in_channels': channels,
		'num_layers': blocks(shapes, 'transformer_blocks'),
		'attention_head_dim': head,
		'num_attention_heads': width // head,
		'joint_attention_dim': shapes['txt_in.weight'][1],
		'axes_dims_rope': axes(head, side=7, of=16),
	}
