"""Third lesson: the denoiser, together with the text encoder, by v-prediction on a zero-terminal-SNR schedule.

Flat backdrops of any colour, white and black among them, need both: with SD's usual schedule the noise a picture starts from
still tells its mean brightness (Lin et al. 2023, "Common diffusion noise schedules and sample steps are flawed").
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from nodes.demo.captions import caption, prompt
from nodes.demo.dataset import held_back_scenes, training_scene
from nodes.demo.judge import ASPECTS, score_pictures
from nodes.demo.parts import LATENT_SIDE, decode_latents, encode_pictures, make_scheduler
from nodes.demo.pictures import Pixels, Scene, distance, draw
from nodes.demo.run import Run
from nodes.demo.words import Words

RATE = 1.5e-3
TEXT_RATE = 2e-4
_EMPTY_PROMPTS = 0.1
_FOCUS = 3.0
_USUAL_CELLS = 45.0
_MARGIN = 0.04
_CHUNK = 256
_CAPTIONS = 4
_CAPTION_SEED = 11

Chosen = NDArray[np.int64]


class UnetLesson:
	"""Loss and judge of the denoiser. `latents` are (n, 4, 16, 16), those of `scenes` in the same order."""

	def __init__(self, scenes: Sequence[Scene], latents: Tensor, words: Words, batch: int, half: bool) -> None:
		self.scenes = scenes
		self.latents = latents
		self.near = near_things(scenes)
		self.words = words
		self.batch = batch
		self.half = half
		self.alphas: Tensor = make_scheduler().alphas_cumprod
		self.heard: Tensor | None = None
		self.silence: Tensor | None = None

	def loss(self, run: Run) -> Tensor:
		chosen = run.random.integers(len(self.scenes), size=self.batch)
		clean = self.latents[chosen]
		# one time from each slice of the range, a few more at the noisy end where the layout is settled
		even = (torch.arange(self.batch) + torch.rand(self.batch, generator=run.noise)) / self.batch
		times = (even**0.85 * 1000).long().clamp(max=999)
		share = self.alphas[times].view(-1, 1, 1, 1)
		noise = torch.randn(clean.shape, generator=run.noise)
		noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
		velocity = share.sqrt() * noise - (1 - share).sqrt() * clean
		with torch.autocast('cpu', torch.bfloat16, enabled=self.half), sdpa_kernel(SDPBackend.MATH):
			hidden = self.hear(run, chosen)
			found = run.models['unet'](noisy.contiguous(memory_format=torch.channels_last), times, hidden).sample
		wrong: Tensor = self._weight(chosen) * (found.float() - velocity).square()
		return wrong.mean()

	@torch.no_grad()
	def freeze_text(self, run: Run) -> None:
		"""From here on the text encoder stays as it is. It hears a few captions of each scene once and for all, in place of
		new ones at each step, which is half of a step's work saved.
		"""
		text, random = run.models['text'], np.random.default_rng(_CAPTION_SEED)
		captions = [caption(scene, random).text for scene in self.scenes for _ in range(_CAPTIONS)]
		with torch.autocast('cpu', torch.bfloat16, enabled=self.half):
			parts = [
				text(self.words.tokens(captions[start : start + _CHUNK])).last_hidden_state.bfloat16()
				for start in range(0, len(captions), _CHUNK)
			]
			self.silence = text(self.words.tokens([''])).last_hidden_state.float()
		self.heard = torch.cat(parts)

	def hear(self, run: Run, chosen: Chosen) -> Tensor:
		"""Encoded captions of the chosen scenes, (batch, 77, 96); now and then that of nothing, which guidance needs."""
		silent = run.random.random(self.batch) < _EMPTY_PROMPTS
		if self.heard is None or self.silence is None:
			pairs = zip(chosen.tolist(), silent.tolist(), strict=True)
			texts = ['' if quiet else caption(self.scenes[index], run.random).text for index, quiet in pairs]
			hidden: Tensor = run.models['text'](self.words.tokens(texts)).last_hidden_state
			return hidden
		known = self.heard[chosen * _CAPTIONS + run.random.integers(_CAPTIONS, size=self.batch)].float()
		return torch.where(torch.from_numpy(silent)[:, None, None], self.silence, known)

	def _weight(self, chosen: Chosen) -> Tensor:
		"""Things are small: without more weight on them the backdrop's colour eats the first thousands of steps."""
		weight = 1 + _FOCUS * self.near[chosen]
		return weight / weight.mean()


def judge_models(models: nn.ModuleDict, vae: nn.Module, words: Words, count: int, steps: int = 10) -> dict[str, float]:
	"""Scores on held-back combinations; the colours count most in the one figure that picks the best state."""
	scenes = held_back_scenes(count)
	pictures = sample_pictures(models, vae, words, [prompt(scene) for scene in scenes], steps)
	verdict = score_pictures(pictures, scenes)
	weights = {'back': 3, 'color': 3}
	total = sum(weights.get(aspect, 1) * verdict[aspect] for aspect in ASPECTS)
	return verdict | {'score': total / sum(weights.get(aspect, 1) for aspect in ASPECTS)}


@torch.no_grad()
def sample_pictures(
	models: nn.ModuleDict,
	vae: nn.Module,
	words: Words,
	prompts: Sequence[str],
	steps: int = 20,
	guidance: float = 4.0,
	seed: int = 0,
) -> list[Pixels]:
	"""Pictures for prompts by DDIM with classifier-free guidance: the training's own look at what was learnt."""
	scheduler = make_scheduler()
	scheduler.set_timesteps(steps)
	random = torch.Generator().manual_seed(seed)
	pictures = []
	for start in range(0, len(prompts), 32):
		part = prompts[start : start + 32]
		hidden = models['text'](words.tokens([*([''] * len(part)), *part])).last_hidden_state
		x = torch.randn(len(part), 4, LATENT_SIDE, LATENT_SIDE, generator=random)
		for moment in scheduler.timesteps:
			both = torch.cat([x, x]).contiguous(memory_format=torch.channels_last)
			without, told = models['unet'](both, moment, hidden).sample.chunk(2)
			x = scheduler.step(without + guidance * (told - without), moment, x, return_dict=False)[0]
		pictures += decode_latents(vae, x)
	return pictures


def make_pool(vae: nn.Module, count: int, seed: int, path: Path) -> tuple[list[Scene], Tensor]:
	"""Training scenes and their latents (count, 4, 16, 16); latents already at `path` are taken from there."""
	random = np.random.default_rng(seed)
	scenes = [training_scene(random) for _ in range(count)]
	if path.exists():
		known = cast(Tensor, torch.load(path, weights_only=True))
		if len(known) == count:
			return scenes, known
	parts = [
		encode_pictures(vae, [draw(scene) for scene in scenes[start : start + _CHUNK]])
		for start in range(0, count, _CHUNK)
	]
	latents = torch.cat(parts)
	path.parent.mkdir(parents=True, exist_ok=True)
	torch.save(latents, path)
	return scenes, latents


def near_things(scenes: Sequence[Scene]) -> Tensor:
	"""How much the latent cells that a thing covers or touches weigh, 0 elsewhere, (n, 1, 16, 16).

	It is 1 for a thing of medium size, and more for small ones, whose few cells would count for little otherwise.
	"""
	middle = (np.arange(LATENT_SIDE, dtype=np.float32) + 0.5) / LATENT_SIDE
	x, y = np.meshgrid(middle, middle)
	near = np.zeros((len(scenes), 1, LATENT_SIDE, LATENT_SIDE), dtype=np.float32)
	for row, scene in zip(near, scenes, strict=True):
		thing = scene.thing
		if thing is not None:
			away = distance(thing.shape, (x - thing.x) / thing.radius, (y - thing.y) / thing.radius) * thing.radius
			touched = away < _MARGIN
			row[0] = touched * np.clip(_USUAL_CELLS / touched.sum(), 0.5, 3)
	return torch.from_numpy(near)
