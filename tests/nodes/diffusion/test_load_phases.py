"""What is told of a load: its phases, in their order, with the bytes of each."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.loading import LoadStep
from engine.models import FileDigest, Loaders, ModelRef, Phase, Weights
from engine.modelstore import ModelStore
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.load import DENOISER, add_loaders
from tests import tiny

LAYER = 'lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q'
ORDER: tuple[Phase, ...] = ('initialization', 'loading_model', 'device_setup', 'optimization')


def test_phases_come_in_their_order_and_end_with_all_their_bytes(tmp_path: Path) -> None:
	"""The file is opened, read and put in its places; then the weights are patched."""
	paths = {name: tmp_path / f'{name}.safetensors' for name in ('model', 'lora')}
	tiny.save_checkpoint(paths['model'])
	lora = {f'{LAYER}.lora_down.weight': torch.ones(2, 16), f'{LAYER}.lora_up.weight': torch.ones(16, 2)}
	save_file(lora, paths['lora'])
	loaders = Loaders()
	add_loaders(loaders)
	store = ModelStore(loaders, lambda digest: paths[digest], budget=2**30)
	base: ModelRef[Weights] = ModelRef(FileDigest('model'), DENOISER, 'float32')
	steps: list[LoadStep] = []
	with store.use(base.patched(LoraPatch(FileDigest('lora'), 0.5)), watch=steps.append), store.use(base) as weights:
		nbytes = weights.nbytes
	last = {phase: list(told)[-1] for phase, told in groupby(steps, key=lambda step: step.phase)}

	assert [phase for phase in last if phase in ORDER] == list(ORDER)
	for phase in ('loading_model', 'device_setup'):
		assert (last[phase].done, last[phase].total) == (nbytes, nbytes)
