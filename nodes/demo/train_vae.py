"""First lesson: the picture coder, an AutoencoderKL of f=8 with four channels as in Stable Diffusion 1.x.

What made it work on flat pictures: GroupNorm of two groups (groups of two channels wipe out a flat colour), noise of fixed
strength on the latents instead of a sampled one (which hides the signal at first), collages of crops (flat pictures teach
little), and a hint that latents 0 to 2 be the picture made eight times smaller, which is strong at first and weak later.
"""

from collections.abc import Iterator
from itertools import islice
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from nodes.demo.dataset import held_back_scenes, pair_scenes, training_scenes
from nodes.demo.judge import score_pictures
from nodes.demo.parts import SCALE, decode_latents, encode_pictures, pictures_to_tensor
from nodes.demo.pictures import Pixels, draw
from nodes.demo.run import Plan, Run

BATCH = 16
WHOLE_BATCH = 6
RATE = 3e-3
DECODER_RATE = 2e-3
DECODER_BATCH = 8
_CROP = 64
_NOISE = 0.08
_LATENT_NOISE = 0.15
"""Up to this much noise on latents of spread 1: what the denoiser leaves undone must not blur the picture."""

_JUDGED = 200
_FIRST_SHARE = 0.6
"""This share of the steps sees crops of 64; the rest whole pictures, whose GroupNorm statistics are those of later use."""


class VaeLesson:
	"""Loss and judge of the coder. `pool` is uint8 (n, 128, 128, 3)."""

	def __init__(self, plan: Plan, pool: Tensor, half: bool) -> None:
		self.plan = plan
		self.pool = pool
		self.half = half

	def loss(self, run: Run) -> Tensor:
		vae = cast(AutoencoderKL, run.models['vae'])
		done = run.step / self.plan.steps
		x = self._crops(run) if done < _FIRST_SHARE else self._wholes(run)
		x = x.contiguous(memory_format=torch.channels_last)
		with torch.autocast('cpu', torch.bfloat16, enabled=self.half):
			z: Tensor = vae.encode(x).latent_dist.mean.float()
			y: Tensor = vae.decode(z + _NOISE * torch.randn(z.shape, generator=run.noise)).sample.float()
		error = y - x
		edges = error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean()
		hint = (z[:, :3] - F.avg_pool2d(x, 8)).square().mean()
		quiet = z[:, 3:].square().mean()
		strength = max(0.05, 1 - done / 0.15)
		return error.abs().mean() + 2 * error.square().mean() + 0.5 * edges + strength * hint + 0.002 * quiet

	def judge(self, run: Run) -> dict[str, float]:
		"""Scores of test pictures that went through the coder."""
		return judge_vae(run.average['vae'])

	def _wholes(self, run: Run) -> Tensor:
		x = pictures_to_tensor(self._pick(run, WHOLE_BATCH))
		x[:1] = _clouds(1, x.shape[-1], run.noise)
		return x

	def _crops(self, run: Run) -> Tensor:
		"""Half plain crops, half collages of four crops with colours of their own; one field of soft colours."""
		half = BATCH // 2
		plain = torch.cat([_crop(picture, _CROP, run.random) for picture in torch.split(self._pick(run, half), 1)])
		parts = torch.cat(
			[_crop(picture, _CROP // 2, run.random) for picture in torch.split(self._pick(run, 4 * half), 1)]
		)
		rows = [parts[start::4] for start in range(4)]
		collage = torch.cat([torch.cat(rows[:2], dim=2), torch.cat(rows[2:], dim=2)], dim=1)
		x = torch.cat([pictures_to_tensor(plain), pictures_to_tensor(collage)])
		mixed = torch.rand(half, 3, 3, generator=run.noise)
		mixed = mixed / mixed.sum(2, keepdim=True)
		x[-half // 2 :] = torch.einsum('bij,bjhw->bihw', mixed, x[-half:])[-half // 2 :]
		x[:1] = _clouds(1, _CROP, run.noise)
		return x

	def _pick(self, run: Run, count: int) -> Tensor:
		return self.pool[torch.from_numpy(run.random.integers(len(self.pool), size=count))]


class DecoderLesson:
	"""Loss and judge of the decoder alone: a coder's latents stay what they are while its pictures become crisper.

	`latents` are those of `pool`, as the denoiser sees them. What is far from any edge counts little: it is right already.
	"""

	def __init__(self, pool: Tensor, latents: Tensor, half: bool) -> None:
		self.pool = pool
		self.latents = latents
		self.half = half

	def loss(self, run: Run) -> Tensor:
		vae = cast(AutoencoderKL, run.models['vae'])
		chosen = torch.from_numpy(run.random.integers(len(self.pool), size=DECODER_BATCH))
		x, z = pictures_to_tensor(self.pool[chosen]), self.latents[chosen]
		noise = torch.randn(z.shape, generator=run.noise) * torch.rand(len(z), 1, 1, 1, generator=run.noise)
		z = ((z + _LATENT_NOISE * noise) / SCALE).contiguous(memory_format=torch.channels_last)
		with torch.autocast('cpu', torch.bfloat16, enabled=self.half):
			y: Tensor = vae.decode(z).sample.float()
		error = y - x
		weight = _near_edges(x)
		edges = error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean()
		return (weight * (error.abs() + 2 * error.square())).mean() + edges

	def judge(self, run: Run) -> dict[str, float]:
		"""Scores of test pictures that went through the coder."""
		return judge_vae(run.average['vae'])


def freeze_encoder(vae: AutoencoderKL) -> None:
	"""Leaves only the decoder to be trained."""
	for name, weight in vae.named_parameters():
		if name.startswith(('encoder.', 'quant_conv.')):
			weight.requires_grad_(False)


def judge_vae(vae: nn.Module) -> dict[str, float]:
	"""Scores of test pictures, of one thing and of two, that went through the coder, and its signal-to-noise ratio in dB."""
	scenes = [*held_back_scenes(_JUDGED), *pair_scenes(_JUDGED // 4)]
	drawn = [draw(scene) for scene in scenes]
	coded = decode_latents(vae, encode_pictures(vae, drawn))
	verdict = score_pictures(coded, scenes)
	wrong = np.square(np.stack(coded).astype(np.float32) - np.stack(drawn)).mean()
	psnr = float(10 * np.log10(255**2 / wrong))
	return verdict | {'psnr': psnr, 'score': psnr}


def _near_edges(x: Tensor) -> Tensor:
	"""1 within a few pixels of an edge, little elsewhere, (n, 1, h, w)."""
	steps = F.pad((x.diff(dim=3).abs().sum(1, keepdim=True) > 0).float(), (0, 1, 0, 0))
	steps += F.pad((x.diff(dim=2).abs().sum(1, keepdim=True) > 0).float(), (0, 0, 0, 1))
	return F.max_pool2d(steps.clamp(max=1), 9, stride=1, padding=4).clamp(min=0.1)


def draw_pool(count: int, seed: int) -> Tensor:
	"""Training pictures, uint8 (count, 128, 128, 3)."""
	pictures: Iterator[Pixels] = (picture for _, picture in training_scenes(seed))
	return torch.from_numpy(np.stack(list(islice(pictures, count))))


@torch.no_grad()
def settle_vae(vae: AutoencoderKL, pool: Tensor) -> None:
	"""Gives every latent channel mean 0 and spread 1 after SD's own scaling factor, by folding it into the 1x1 convolutions.

	So the diffusion model meets the unit variance its noise schedule supposes, and programs that take 0.18215 for granted work.
	"""
	z = encode_pictures(vae, list(pool.numpy())) / SCALE
	mean = z.mean((0, 2, 3))
	factor = 1 / (z.std((0, 2, 3)) * SCALE)
	before, after = cast(nn.Conv2d, vae.quant_conv), cast(nn.Conv2d, vae.post_quant_conv)
	inward, outward = cast(Tensor, before.bias), cast(Tensor, after.bias)
	outward += after.weight[:, :, 0, 0] @ mean
	after.weight /= factor[None, :, None, None]
	before.weight[:4] *= factor[:, None, None, None]
	inward[:4] = (inward[:4] - mean) * factor
	before.weight[4:] = 0
	inward[4:] = 2 * float(np.log(0.03 / SCALE))


def _crop(picture: Tensor, side: int, random: np.random.Generator) -> Tensor:
	"""A random square of uint8 (1, h, w, 3)."""
	top, left = random.integers(picture.shape[1] - side + 1, size=2).tolist()
	return picture[:, top : top + side, left : left + side]


def _clouds(count: int, side: int, noise: torch.Generator) -> Tensor:
	"""Soft fields of random colours, (count, 3, side, side) in -1..1: keeps the coder usable on pictures that are not ours."""
	field = torch.zeros(count, 3, side, side)
	for grain in (2, 4, 8, 16):
		rough = torch.randn(count, 3, grain, grain, generator=noise) * (2 / grain**0.5)
		field += F.interpolate(rough, size=(side, side), mode='bicubic')
	return torch.tanh(field / 2)
