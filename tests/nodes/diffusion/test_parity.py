"""Number by number against ComfyUI's latents, on a full-size Stable Diffusion 1.5 with synthetic weights.

Needs 3 GB of weights outside of the repository: LUMENGRAPH_PARITY=MODELS:REFERENCE names the folder that holds
`checkpoints/sd15_random.safetensors`, `loras/lora_random.safetensors` and `controlnet/cn_random.safetensors`, and the folder of the reference latents, with `manifest.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.models import FileDigest, Load, ModelRef, Weights
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser, load_text_encoder
from nodes.diffusion.control.leasing import controlled
from nodes.diffusion.control.loading import load_control
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.diffusion.sample import sample
from nodes.diffusion.text.towers import Towers
from nodes.diffusion.vae import Vae
from nodes.values import Conditioning, ControlNet, ControlUse, Images, Latent

FOLDERS = os.environ.get('LUMENGRAPH_PARITY', '')

pytestmark = pytest.mark.skipif(not FOLDERS, reason='LUMENGRAPH_PARITY=MODELS:REFERENCE is not set')

BOUND = 1e-3
CHECKPOINT = 'sd15_random.safetensors'
CASES = (
	'feat_base',
	'feat_batch2',
	'feat_weights',
	'feat_long',
	'feat_rect',
	'feat_combine',
	'feat_img2img05',
	'feat_vaeencode',
	'feat_noisemask',
	'feat_lora08',
	'feat_controlnet',
	'sam_euler__karras',
	'sam_euler_cfg_pp__karras',
	'sam_dpmpp_sde__karras',
	'sam_dpmpp_2m_sde__karras',
	'sam_euler__simple',
	'sam_euler__normal',
	'sam_euler__beta',
	'sam_euler_ancestral__karras',
	'sam_heun__karras',
	'sam_lms__karras',
	'sam_dpmpp_2m__karras',
	'sam_lcm__karras',
	'sam_ipndm__karras',
	'sam_res_multistep__karras',
	'sam_ddim__karras',
	'sam_uni_pc__karras',
)


class Flow:
	"""Runs a reference's prompt, node by node, with the library alone."""

	def __init__(self, models: Path) -> None:
		self.models = models
		checkpoint = models / 'checkpoints' / CHECKPOINT
		self.denoiser: Denoiser = load_denoiser(Load((checkpoint,), 'denoiser'))
		self.text: Towers = load_text_encoder(Load((checkpoint,), 'text'))
		self.vae: Vae = load_autoencoder(Load((checkpoint,), 'vae'))

	def run(self, prompt: dict[str, Any], node: str, output: int = 0) -> Any:
		"""An output of a node."""
		kind = prompt[node]['class_type']
		inputs = {
			name: self.run(prompt, *value) if isinstance(value, list) else value
			for name, value in prompt[node]['inputs'].items()
		}
		given = getattr(self, kind)(**inputs)
		return given[output] if isinstance(given, tuple) else given

	def CheckpointLoaderSimple(self, ckpt_name: str) -> tuple[Denoiser, Towers, Vae]:
		return self.denoiser, self.text, self.vae

	def LoraLoader(
		self, model: Denoiser, clip: Towers, lora_name: str, strength_model: float, strength_clip: float
	) -> tuple[Denoiser, Towers]:
		file = FileDigest(lora_name)
		load = Load((), 'lora', finder=lambda digest: self.models / 'loras' / digest)
		# ComfyUI keeps text encoders in half precision on a CPU, and so it rounds what it patches.
		half = load_text_encoder(Load((self.models / 'checkpoints' / CHECKPOINT,), 'text', 'float16'))
		rounded = half.patched([LoraPatch(file, strength_clip)], load)
		for tower in rounded.towers.values():
			tower.module.float()
		return model.patched([LoraPatch(file, strength_model)], load), rounded

	def ControlNetLoader(self, control_net_name: str) -> Weights:
		return load_control(Load((self.models / 'controlnet' / control_net_name,), 'controlnet'))

	def ControlNetApply(
		self, conditioning: Conditioning, control_net: Any, image: Images, strength: float
	) -> Conditioning:
		use = ControlUse(ModelRef[ControlNet](FileDigest(''), ''), image.pixels, strength, everywhere=True)
		self.control = control_net
		return Conditioning(tuple(replace(prompt, controls=(use,)) for prompt in conditioning.prompts))

	@contextmanager
	def use(self, ref: ModelRef[Any]) -> Iterator[Any]:
		"""What a store would lease: the only control network."""
		yield self.control

	def SaveLatent(self, samples: Latent, **_: Any) -> Tensor:
		return samples.samples

	def CLIPTextEncode(self, text: str, clip: Towers) -> Conditioning:
		return clip.encode(text)

	def ConditioningCombine(self, conditioning_1: Conditioning, conditioning_2: Conditioning) -> Conditioning:
		return Conditioning(conditioning_1.prompts + conditioning_2.prompts)

	def EmptyLatentImage(self, width: int, height: int, batch_size: int) -> Latent:
		return Latent(torch.zeros(batch_size, 4, height // 8, width // 8))

	def EmptyImage(self, width: int, height: int, batch_size: int, color: int) -> Images:
		colour = torch.tensor([color >> 16 & 255, color >> 8 & 255, color & 255]) / 255
		return Images(colour.repeat(batch_size, height, width, 1))

	def VAEEncode(self, pixels: Images, **_: Any) -> Latent:
		return self.vae.encode(pixels)

	def SolidMask(self, value: float, width: int, height: int) -> Tensor:
		return torch.full((1, height, width), value)

	def MaskComposite(self, destination: Tensor, source: Tensor, x: int, y: int, operation: str) -> Tensor:
		assert operation == 'add'
		both = destination.clone()
		both[:, y : y + source.shape[1], x : x + source.shape[2]] += source
		return both.clamp(0, 1)

	def SetLatentNoiseMask(self, samples: Latent, mask: Tensor) -> Latent:
		return Latent(samples.samples, mask)

	def KSampler(
		self,
		model: Denoiser,
		seed: int,
		steps: int,
		cfg: float,
		sampler_name: str,
		scheduler: str,
		positive: Conditioning,
		negative: Conditioning,
		latent_image: Latent,
		denoise: float,
	) -> Latent:
		with controlled(self, positive, negative) as (wanted, unwanted):
			samples = sample(
				model,
				seed=seed,
				steps=steps,
				cfg=cfg,
				sampler=sampler_name,
				scheduler=scheduler,
				positive=wanted,
				negative=unwanted,
				latent=latent_image,
				denoise=denoise,
			)
		return latent_image.with_samples(samples)


@pytest.fixture(scope='module')
def flow() -> Flow:
	models, _ = FOLDERS.split(':')
	return Flow(Path(models))


@pytest.mark.parametrize('case', CASES)
def test_latents_are_those_of_the_reference(case: str, flow: Flow, record_property: Any) -> None:
	"""The final latent differs from ComfyUI's by less than a thousandth."""
	reference = Path(FOLDERS.split(':')[1])
	prompt = json.loads((reference / 'manifest.json').read_text())['cases'][case]['prompt']
	save = next(name for name, node in prompt.items() if node['class_type'] == 'SaveLatent')
	wanted = torch.from_numpy(np.load(reference / f'{case}.npz')['a'])

	latent = flow.run(prompt, save)
	error = float((latent - wanted).norm() / wanted.norm())
	print(f'{case}: relative L2 {error:.1e}')

	assert latent.shape == wanted.shape
	assert error < BOUND
