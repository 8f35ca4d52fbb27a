"""How files of LoRA and its relatives call their tensors: a layer's name and what the tensor is to it.

The layers' names are in `target`; here is what follows them. Sources: kohya-ss/sd-scripts, LyCORIS, PEFT, diffusers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

ROLES = {
	'.lora_up.weight': 'up',
	'.lora_down.weight': 'down',
	'.lora_mid.weight': 'mid',
	'.lora_B.weight': 'up',
	'.lora_A.weight': 'down',
	'.lora_B.default.weight': 'up',
	'.lora_A.default.weight': 'down',
	'.lora_B': 'up',
	'.lora_A': 'down',
	'.lora_B.bias': 'up_bias',
	'.lora_up.bias': 'up_bias',
	'.lora.up.weight': 'up',
	'.lora.down.weight': 'down',
	'.lora_linear_layer.up.weight': 'up',
	'.lora_linear_layer.down.weight': 'down',
	'_lora.up.weight': 'up',
	'_lora.down.weight': 'down',
	'.alpha': 'alpha',
	'.lora.alpha': 'alpha',
	'.dora_scale': 'dora_scale',
	'.lora_magnitude_vector': 'dora_scale',
	'.lora_magnitude_vector.weight': 'dora_scale',
	'.lora_magnitude_vector.default.weight': 'dora_scale',
	'.hada_w1_a': 'hada_w1_a',
	'.hada_w1_b': 'hada_w1_b',
	'.hada_w2_a': 'hada_w2_a',
	'.hada_w2_b': 'hada_w2_b',
	'.hada_t1': 'hada_t1',
	'.hada_t2': 'hada_t2',
	'.lokr_w1': 'lokr_w1',
	'.lokr_w1_a': 'lokr_w1_a',
	'.lokr_w1_b': 'lokr_w1_b',
	'.lokr_w2': 'lokr_w2',
	'.lokr_w2_a': 'lokr_w2_a',
	'.lokr_w2_b': 'lokr_w2_b',
	'.lokr_t2': 'lokr_t2',
	'.a1.weight': 'glora_a1',
	'.a2.weight': 'glora_a2',
	'.b1.weight': 'glora_b1',
	'.b2.weight': 'glora_b2',
	'.oft_blocks': 'oft_blocks',
	'.diff': 'diff',
	'.diff_b': 'diff_b',
	'.w_norm': 'diff',
	'.b_norm': 'diff_b',
	'.set_weight': 'set_weight',
}
"""What follows a layer's name → what the tensor is: the role by which `deltas` knows it."""

LONGEST_FIRST = sorted(ROLES, key=len, reverse=True)
OLD_PROCESSOR = re.compile(r'\.processor\.to_(q|k|v|out)(?=_lora$|$)')
"""diffusers' first LoRA files name the attention's processor instead of its projections."""

Groups = Mapping[str, Mapping[str, str]]


def grouped(names: Iterable[str]) -> tuple[Groups, tuple[str, ...]]:
	"""A file's tensors by layer and role: `{layer: {role: tensor}}`, and the names in which no role is known."""
	groups: dict[str, dict[str, str]] = {}
	unknown: list[str] = []
	for name in names:
		suffix = next((suffix for suffix in LONGEST_FIRST if name.endswith(suffix)), None)
		if suffix is None:
			unknown.append(name)
		else:
			groups.setdefault(_layer(name.removesuffix(suffix)), {})[ROLES[suffix]] = name
	return groups, tuple(unknown)


def _layer(name: str) -> str:
	found = OLD_PROCESSOR.search(name)
	if found is None:
		return name
	projection = 'to_out.0' if found[1] == 'out' else f'to_{found[1]}'
	return f'{name[: found.start()]}.{projection}'


def is_text(name: str) -> bool:
	"""Whether a layer's name says that it belongs to a text encoder."""
	return name.startswith(('lora_te', 'text_encoder', 'te_', 'te1_', 'te2_', 'clip_l.', 'clip_g.', 't5xxl.'))
