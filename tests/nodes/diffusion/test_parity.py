"""Number by number against ComfyUI's latents, on a full-size Stable Diffusion 1.5 with synthetic weights.

Needs gigabytes of weights outside of the repository: LUMENGRAPH_PARITY=MODELS:REFERENCE names the folder of models
(`checkpoints/sd15_random.safetensors` and so on) and the folder of the reference latents, with `manifest.json`, which has
the workflow that made each. Every workflow there is run as a user's, node by node, and its saved latent is compared.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.context import JobInfo
from engine.formats.prompt import read_prompt
from engine.runner import Runner
from engine.settings import Settings

FOLDERS = os.environ.get('LUMENGRAPH_PARITY', '')
MODELS, _, REFERENCE = FOLDERS.partition(':')

pytestmark = pytest.mark.skipif(not FOLDERS, reason='LUMENGRAPH_PARITY=MODELS:REFERENCE is not set')

BOUND = 1e-3


def cases() -> Mapping[str, Any]:
	"""What there is to compare, by name."""
	if not FOLDERS:
		return {}
	found: dict[str, Any] = json.loads((Path(REFERENCE) / 'manifest.json').read_text())['cases']
	return found


@pytest.fixture(scope='module')
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
	return Settings(base=tmp_path_factory.mktemp('parity'), models=Path(MODELS), precision='exact')


@pytest.fixture(scope='module')
def runner(settings: Settings) -> Runner:
	"""One for all, so that the weights are read once."""
	return Runner(settings, lambda event: None)


@pytest.mark.parametrize('case', sorted(cases()))
def test_latents_are_those_of_the_reference(case: str, runner: Runner, settings: Settings) -> None:
	"""The final latent differs from ComfyUI's by less than a thousandth."""
	prompt = cases()[case]['prompt']
	unknown = {node['class_type'] for node in prompt.values()} - {*runner.kit.nodes}
	if unknown:
		pytest.skip(f'there is no {", ".join(sorted(unknown))}')
	wanted = torch.from_numpy(np.load(Path(REFERENCE) / f'{case}.npz')['a'])
	for node in prompt.values():
		if node['class_type'] == 'SaveLatent':
			node['inputs']['filename_prefix'] = case
	outcome = runner.run_all(read_prompt(prompt), JobInfo(case))

	assert outcome.state == 'succeeded', outcome
	(saved,) = settings.output_folder.glob(f'{case}_*.latent')
	latent = load_file(saved)['latent_tensor']
	error = float((latent - wanted).norm() / wanted.norm())
	print(f'{case}: relative L2 {error:.1e}')

	assert latent.shape == wanted.shape
	assert error < BOUND
