"""Tensor names of CLIP's text encoders in both layouts, and what shapes tell of their configs."""

from __future__ import annotations

from typing import Any

import pytest

from nodes.diffusion.layout import Layout, stored
from nodes.diffusion.layouts import clip
from nodes.diffusion.text.clip import ClipModel
from tests.nodes.diffusion.layouts import released
from tests.nodes.diffusion.layouts.released import Released, empty, shapes_of

L: dict[str, Any] = {
	'vocab_size': 49408,
	'hidden_size': 768,
	'intermediate_size': 3072,
	'num_hidden_layers': 12,
	'num_attention_heads': 12,
	'max_position_embeddings': 77,
	'projection_dim': 768,
	'with_projection': False,
	'bos_token_id': 49406,
	'eos_token_id': 49407,
	'pad_token_id': 49407,
}
G = L | {
	'hidden_size': 1280,
	'intermediate_size': 5120,
	'num_hidden_layers': 32,
	'num_attention_heads': 20,
	'projection_dim': 1280,
	'with_projection': True,
}
RELEASED = {
	'L as transformers': (L, clip.own(L), released.CLIP_L),
	'bigG as OpenCLIP': (G, clip.open_clip(G), released.OPEN_CLIP_G),
}


@pytest.mark.parametrize(('config', 'layout', 'known'), RELEASED.values(), ids=RELEASED)
def test_a_full_size_module_becomes_the_released_file(config: dict[str, Any], layout: Layout, known: Released) -> None:
	"""The same names and shapes, in number and in kind."""
	module = empty(ClipModel, {'config': config})

	assert sum(weight.numel() for weight in module.parameters()) == known.weights
	assert released.digest(shapes_of(stored(layout, module.state_dict()))) == known.digest


@pytest.mark.parametrize('config', [L, G], ids=['L', 'bigG'])
def test_shapes_tell_the_config(config: dict[str, Any]) -> None:
	"""In both layouts, with and without the projection."""
	state = empty(ClipModel, {'config': config}).state_dict()

	assert clip.from_own(shapes_of(stored(clip.own(config), state))) == config
	assert clip.from_open_clip(shapes_of(stored(clip.open_clip(config), state))) == config


def test_the_middle_name_may_be_left_out() -> None:
	"""Files written with newer transformers have no `text_model.`."""
	bare = {name.removeprefix('text_model.'): (1, 1) for name in clip.own(L)}

	assert clip.spellings('text_model.final_layer_norm.bias')[1] == 'final_layer_norm.bias'
	assert clip.from_own(bare)['num_hidden_layers'] == 12


@pytest.mark.parametrize(
	'name', ['text_model.embeddings.position_ids', 'logit_scale', 'vision_model.post_layernorm.bias', 'visual.proj']
)
def test_the_other_half_of_clip_means_nothing_here(name: str) -> None:
	"""Whole CLIPs serve as text encoders too."""
	assert clip.ignored(name)
	assert not clip.ignored('text_model.final_layer_norm.bias')
