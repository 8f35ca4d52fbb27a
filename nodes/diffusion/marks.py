"""How model files are told apart before anything reads them: by the names and shapes of a few of their tensors.

The facts: `family` (`sd1`, `sdxl`, `flux` …) and `channels` of the latents. They come from the declarations of the
families; ControlNets are added here. The first mark that fits counts, whole checkpoints
before single parts. What fits none is unknown, and unknown agrees with everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.facts import ANY_SIZE as ANY
from engine.facts import Fact, FileMark
from nodes.diffusion.control.adapters import ENTRY as ENTRY_OF_ADAPTERS
from nodes.diffusion.control.adapters import MARKS as MARKS_OF_ADAPTERS
from nodes.diffusion.control.adapters import PREFIX, XL_ENTRIES
from nodes.diffusion.families import FAMILIES, vaes
from nodes.diffusion.families.base import Mark, Part
from nodes.diffusion.families.parts import CHECKPOINT, CROSS, OWN_CROSS, OWN_SIZES, VECTOR
from nodes.diffusion.layouts.sd3 import OWN_PATCHES
from nodes.diffusion.sizes import CONTROL_LORA

CHANNELS = (4, 16)
"""How many channels the latents of VAEs have whose first convolution tells it."""

HINT = 'input_hint_block.0.weight'
OWN_HINT = 'controlnet_cond_embedding.conv_in.weight'
ENTRY = 'middle_block.1.proj_in.weight'
TOKENS = 'controlnet_x_embedder.weight'
OWN_ENTRY = 'mid_block.attentions.0.proj_in.weight'

GLIGEN = Mark({'position_net.null_positive_feature': (768,)})
"""Of text in boxes, for the text encoder of Stable Diffusion 1."""

CONTROLNETS = (
	('sdxl', Mark({CONTROL_LORA: None, 'label_emb.0.0.up': None})),
	('sd1', Mark({HINT: None, CROSS: (ANY, 768)})),
	('sd2', Mark({HINT: None, CROSS: (ANY, 1024)})),
	('sdxl', Mark({HINT: None, CROSS: (ANY, 2048)})),
	('sdxl', Mark({HINT: None, VECTOR: None})),
	('sd2', Mark({HINT: None, ENTRY: (ANY, ANY)})),
	('sd1', Mark({HINT: None, ENTRY: (ANY, ANY, 1, 1)})),
	('sd1', Mark({OWN_HINT: None, OWN_CROSS: (ANY, 768)})),
	('sd2', Mark({OWN_HINT: None, OWN_CROSS: (ANY, 1024)})),
	('sdxl', Mark({OWN_HINT: None, OWN_CROSS: (ANY, 2048)})),
	('sdxl', Mark({OWN_HINT: None, OWN_SIZES: None})),
	('sd2', Mark({OWN_HINT: None, OWN_ENTRY: (ANY, ANY)})),
	('sd1', Mark({OWN_HINT: None, OWN_ENTRY: (ANY, ANY, 1, 1)})),
	('flux', Mark({TOKENS: None, 'x_embedder.weight': None, 'transformer_blocks.0.attn.norm_q.weight': None})),
	('flux', Mark({HINT: None, 'double_blocks.0.img_attn.qkv.weight': None})),
	('qwen-image', Mark({TOKENS: None, 'transformer_blocks.0.img_mod.1.weight': None})),
	('sd3', Mark({OWN_PATCHES: None, 'controlnet_blocks.0.weight': None})),
)
"""ControlNets of UNets in both layouts, told like the UNets that they are copies of, and of transformers."""


def _denoisers(prefix: str) -> Iterator[FileMark]:
	for family in FAMILIES:
		facts: dict[str, Fact] = {'family': family.name, 'channels': family.latents.channels}
		for form in family.denoiser.forms:
			yield from (mark.in_file(prefix, family.title, facts) for mark in form.marks)


def _controlnets(prefix: str) -> Iterator[FileMark]:
	for family, mark in CONTROLNETS:
		yield mark.in_file(prefix, f'ControlNet of {family}', {'family': family})


def _adapters() -> Iterator[FileMark]:
	"""T2I-Adapters of Stable Diffusion XL, by how they fold pictures; others may be for 1 or 2."""
	for prefix, block in (('', MARKS_OF_ADAPTERS[0]), (PREFIX, MARKS_OF_ADAPTERS[-1])):
		for folded in XL_ENTRIES:
			mark = Mark({f'{prefix}{ENTRY_OF_ADAPTERS}': (ANY, folded, 3, 3), block: None})
			yield mark.in_file('', 'T2I-Adapter of sdxl', {'family': 'sdxl'})


def _vaes() -> Iterator[FileMark]:
	"""By the channels of their latents: several families share VAEs of one shape."""
	for part in vaes():
		if part.channels is not None:
			yield from part.marks(f'VAE of {part.channels} channels', {'channels': part.channels})
	for part in vaes():
		for name in _latent_ends(part):
			for channels in CHANNELS:
				shape = (ANY, channels, 3, 3)
				for prefix in part.prefixes:
					yield Mark({name: shape}).in_file(prefix, f'VAE of {channels} channels', {'channels': channels})


def _latent_ends(part: Part) -> Sequence[str]:
	"""The tensors that latents enter a decoder by, of convolutions in two dimensions."""
	marks = (mark for form in part.forms for mark in form.marks)
	found = {name for mark in marks for name, shape in mark.tensors.items() if shape == (ANY, ANY, 3, 3)}
	return sorted(found)


def _text_encoders() -> Iterator[FileMark]:
	"""Text encoders that serve one family only."""
	serving: dict[str, set[str]] = {}
	for family in FAMILIES:
		for tower in family.text.towers:
			serving.setdefault(tower.name, set()).add(family.name)
	for family in FAMILIES:
		for tower in family.text.towers:
			if serving[tower.name] == {family.name}:
				for form in tower.part.forms:
					yield from (
						mark.in_file('', f'text encoder of {family.title}', {'family': family.name})
						for mark in form.marks
					)


MARKS: tuple[FileMark, ...] = (
	*_denoisers(CHECKPOINT),
	*_controlnets('control_model.'),
	*_controlnets(''),
	*_adapters(),
	GLIGEN.in_file('', 'GLIGEN of sd1', {'family': 'sd1'}),
	*_denoisers(''),
	*_vaes(),
	*_text_encoders(),
)
