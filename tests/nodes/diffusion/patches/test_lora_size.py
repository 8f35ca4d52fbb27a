"""What a LoRA changes, told from its header, against what it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models import Load, Size, Touch, own_size
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.lora_size import changed_values, touch
from nodes.diffusion.patches.recipes import LoraPatch
from tests.nodes.diffusion.patches.conftest import Files, noise

Parts = dict[str, tuple[int, ...]]


class TestValues:
	@pytest.mark.parametrize(
		('parts', 'values'),
		[
			({'up': (6, 2), 'down': (2, 4), 'alpha': ()}, 24),
			({'up': (6, 2, 1, 1), 'down': (2, 4, 3, 3)}, 216),
			({'up': (6, 2, 1, 1), 'down': (2, 4, 1, 1), 'mid': (2, 2, 3, 3)}, 216),
			({'up': (6, 2), 'down': (2, 4), 'diff_b': (6,)}, 30),
			({'hada_w1_a': (6, 2), 'hada_w1_b': (2, 36), 'hada_w2_a': (6, 2), 'hada_w2_b': (2, 36)}, 216),
			({'hada_w1_a': (2, 6), 'hada_w1_b': (2, 4), 'hada_t1': (2, 2, 3, 3)}, 216),
			({'lokr_w1': (2, 2), 'lokr_w2': (3, 2)}, 24),
			({'lokr_w1': (2, 2), 'lokr_w2_a': (3, 1), 'lokr_w2_b': (1, 18)}, 216),
			(
				{
					'lokr_w1_a': (2, 1),
					'lokr_w1_b': (1, 2),
					'lokr_w2_a': (1, 3),
					'lokr_w2_b': (1, 2),
					'lokr_t2': (1, 1, 3, 3),
				},
				216,
			),
			({'diff': (6, 4, 3, 3)}, 216),
			({'set_weight': (6,)}, 6),
			({'diff_b': (6,)}, 6),
			({'oft_blocks': (2, 3, 3)}, None),
			({'up': (6, 2)}, None),
		],
	)
	def test_of_each_kind(self, parts: Parts, values: int | None) -> None:
		"""Those of the weight that the tensors make; None where they do not tell."""
		assert changed_values(parts) == values


class TestTouch:
	def test_is_what_is_changed(self, checkpoint: Path, denoiser: Denoiser, files: Files) -> None:
		"""Of the model, and of nothing else; layers of text encoders are not its own."""
		tensors = {'lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight': noise(2, 1)}
		tensors['lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight'] = noise(1, 2)
		for name, weight in denoiser.network.module.named_parameters():
			if 'attn1.to_q' in name:
				layer = f'unet.{name.removesuffix(".weight")}'
				tensors[f'{layer}.lora_B.weight'] = noise(len(weight), 1)
				tensors[f'{layer}.lora_A.weight'] = noise(1, weight.shape[1])
		patch = LoraPatch(files.write(tensors), 1.0)
		load = Load((checkpoint,), 'denoiser', finder=files.load.finder)
		base = Size(denoiser.nbytes, 100)
		size = own_size(base, [patch.touch(load), patch.touch(load)])

		assert size.nbytes == denoiser.patched_size([patch], load).nbytes
		assert size.least > 2 * patch.kept(load)

	def test_what_does_not_tell_is_all(self, checkpoint: Path, files: Files) -> None:
		"""Such as files that turn weights."""
		digest = files.write({'lora_unet_a.oft_blocks': noise(2, 3, 3)})

		assert touch(files.load.find(digest), Load((checkpoint,), 'denoiser')) == Touch(None, 72)


class TestOwnSize:
	@pytest.mark.parametrize(
		('touches', 'size'),
		[
			([], Size(0)),
			([Touch({'a': 5, 'b': 7}), Touch({'b': 7, 'c': 1}, kept=2)], Size(13, 9)),
			([Touch({'a': 50}), Touch({'b': 90})], Size(100, 20)),
			([Touch({'a': 5}), Touch(None, kept=3)], Size(100, 23)),
			([Touch({})], Size(0, 0)),
		],
	)
	def test_each_weight_once(self, touches: list[Touch], size: Size) -> None:
		"""However many change it, and no more than all of the base, here 100 bytes of 20 at least."""
		assert own_size(Size(100, 20), touches) == size

	def test_what_cannot_be_streamed(self) -> None:
		"""Nor can what is made of it."""
		assert own_size(Size(100), [Touch({'a': 5})]) == Size(5)
