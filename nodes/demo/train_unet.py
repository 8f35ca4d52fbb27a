"""Third lesson: the denoiser, by v-prediction on a zero-terminal-SNR schedule; the text encoder stays as it is.

Flat backdrops of any colour, white and black among them, need both: with SD's usual schedule the noise a picture starts from
still tells its mean brightness (Lin et al. 2023, "Common diffusion noise schedules and sample steps are flawed").

Shape, place and size are settled where noise is strongest: once a thing shows through the noise, words are not needed to go on.
So most times are drawn from that end at first, where the lesson is "draw what you are told", and more evenly later.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from nodes.demo.captions import caption, prompt
from nodes.demo.dataset import held_back_scenes, pair_scenes, training_scene
from nodes.demo.judge import score_pictures
from nodes.demo.parts import LATENT_SIDE, decode_latents, encode_pictures, make_scheduler
from nodes.demo.pictures import Pixels, Scene, draw, outline_distance
from nodes.demo.run import Plan, Run
from nodes.demo.words import Words

RATE = 1e-3
_EMPTY_PROMPTS = 0.1
_FOCUS = 3.0
_USUAL_CELLS = 45.0
_MARGIN = 0.04
_CHUNK = 256
_CAPTIONS = 2
_CAPTION_SEED = 11
_DROP = 0.05
_FIRST_SKEW, _LAST_SKEW = 0.15, 0.6
"""Times are 1000 u ** skew with u even in 0..1: at 0.15 half of them are above 900, at 1 they are even."""

_PAIRS_FROM = 0.3
_LEAST_PLAIN = 0.72
"""Up to this share of the steps only single things are shown; afterwards this part of the scenes has one thing."""

Chosen = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
	"""Scenes to learn from, single ones first and pairs from `singles` on, with what the networks see of them."""

	scenes: Sequence[Scene]
	singles: int
	latents: Tensor
	"""(n, 4, 16, 16), as the coder gives them."""

	heard: Tensor
	"""(n * captions, 77, width): some encoded captions of each scene, one after the other."""

	silence: Tensor
	"""(1, 77, width): the empty prompt, which guidance needs."""


class UnetLesson:
	"""Loss of the denoiser."""

	def __init__(self, pool: Pool, plan: Plan, batch: int, half: bool) -> None:
		self.pool = pool
		self.plan = plan
		self.near = near_things(pool.scenes)
		self.batch = batch
		self.half = half
		self.alphas: Tensor = make_scheduler().alphas_cumprod

	def loss(self, run: Run) -> Tensor:
		done = run.step / self.plan.steps
		chosen = self._choose(run.random, done)
		clean = self.pool.latents[chosen]
		# one time from each slice of the range
		even = (torch.arange(self.batch) + torch.rand(self.batch, generator=run.noise)) / self.batch
		skew = _FIRST_SKEW + (_LAST_SKEW - _FIRST_SKEW) * done
		times = (even**skew * 1000).long().clamp(max=999)
		share = self.alphas[times].view(-1, 1, 1, 1)
		noise = torch.randn(clean.shape, generator=run.noise)
		noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
		velocity = share.sqrt() * noise - (1 - share).sqrt() * clean
		with torch.autocast('cpu', torch.bfloat16, enabled=self.half), sdpa_kernel(SDPBackend.MATH):
			hidden = self._hear(run.random, chosen)
			found = self.guess(run, noisy.contiguous(memory_format=torch.channels_last), times, hidden, chosen)
		wrong: Tensor = self._weight(chosen) * (found.float() - velocity).square()
		return wrong.mean()

	def guess(self, run: Run, noisy: Tensor, times: Tensor, hidden: Tensor, chosen: Chosen) -> Tensor:
		"""What the denoiser says."""
		found: Tensor = run.models['unet'](noisy, times, hidden).sample
		return found

	def _choose(self, random: np.random.Generator, done: float) -> Chosen:
		plain = random.integers(self.pool.singles, size=self.batch)
		if done < _PAIRS_FROM:
			return plain
		pairs = random.integers(self.pool.singles, len(self.pool.scenes), size=self.batch)
		return np.where(random.random(self.batch) < _LEAST_PLAIN, plain, pairs)

	def _hear(self, random: np.random.Generator, chosen: Chosen) -> Tensor:
		"""Encoded captions of the chosen scenes, (batch, 77, width); now and then that of nothing."""
		silent = torch.from_numpy(random.random(self.batch) < _EMPTY_PROMPTS)
		known = self.pool.heard[chosen * _CAPTIONS + random.integers(_CAPTIONS, size=self.batch)].float()
		return torch.where(silent[:, None, None], self.pool.silence, known)

	def _weight(self, chosen: Chosen) -> Tensor:
		"""Things are small: without more weight on them the backdrop's colour eats the first thousands of steps."""
		weight = 1 + _FOCUS * self.near[chosen]
		return weight / weight.mean()


def judge_models(
	unet: nn.Module, text: nn.Module, vae: nn.Module, words: Words, count: int, steps: int = 8
) -> dict[str, float]:
	"""Scores on held-back combinations, half as many of them in pairs; all count alike in the figure that picks the best state."""
	verdict: dict[str, float] = {}
	for title, scenes in (('', held_back_scenes(count)), ('pair ', pair_scenes(count // 2))):
		pictures = sample_pictures(unet, text, vae, words, [prompt(scene) for scene in scenes], steps)
		verdict |= {title + aspect: share for aspect, share in score_pictures(pictures, scenes).items()}
	return verdict | {'score': sum(verdict.values()) / len(verdict)}


@torch.no_grad()
def sample_pictures(
	unet: nn.Module,
	text: nn.Module,
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
		hidden = text(words.tokens([*([''] * len(part)), *part])).last_hidden_state
		x = torch.randn(len(part), 4, LATENT_SIDE, LATENT_SIDE, generator=random)
		for moment in scheduler.timesteps:
			both = torch.cat([x, x]).contiguous(memory_format=torch.channels_last)
			without, told = unet(both, moment, hidden).sample.chunk(2)
			x = scheduler.step(without + guidance * (told - without), moment, x, return_dict=False)[0]
		pictures += decode_latents(vae, x)
	return pictures


@torch.no_grad()
def make_pool(
	vae: nn.Module,
	text: nn.Module,
	words: Words,
	singles: int,
	pairs: int,
	seed: int,
	path: Path,
	paint: Callable[[Scene], Pixels] = draw,
	drop: float = _DROP,
) -> Pool:
	"""Training scenes as the networks see them; what is already in the folder `path` is taken from there.

	`paint` draws them; captions leave each aspect out with a chance of about `drop`.
	"""
	random = np.random.default_rng(seed)
	scenes = [training_scene(random, pairs=0) for _ in range(singles)]
	scenes += [training_scene(random, pairs=1) for _ in range(pairs)]
	latents = path / 'latents.pt'
	if not latents.exists():
		coded = [
			encode_pictures(vae, [paint(scene) for scene in scenes[start : start + _CHUNK]])
			for start in range(0, len(scenes), _CHUNK)
		]
		path.mkdir(parents=True, exist_ok=True)
		torch.save(torch.cat(coded), latents)
	heard = path / 'heard.pt'
	if not heard.exists():
		random = np.random.default_rng(_CAPTION_SEED)
		captions = [caption(scene, random, drop).text for scene in scenes for _ in range(_CAPTIONS)]
		encoded = [
			text(words.tokens(captions[start : start + _CHUNK])).last_hidden_state.bfloat16()
			for start in range(0, len(captions), _CHUNK)
		]
		torch.save(torch.cat(encoded), heard)
	silence = text(words.tokens([''])).last_hidden_state
	seen, told = (cast(Tensor, torch.load(file, weights_only=True)) for file in (latents, heard))
	return Pool(scenes, singles, seen, told, silence)


def near_things(scenes: Sequence[Scene]) -> Tensor:
	"""How much the latent cells that a thing covers or touches weigh, 0 elsewhere, (n, 1, 16, 16).

	It is 1 for a thing of medium size, and more for small ones, whose few cells would count for little otherwise.
	"""
	near = np.zeros((len(scenes), 1, LATENT_SIDE, LATENT_SIDE), dtype=np.float32)
	for row, scene in zip(near, scenes, strict=True):
		for thing in scene.things:
			touched = outline_distance(thing, LATENT_SIDE) < _MARGIN
			row[0] = np.maximum(row[0], touched * np.clip(_USUAL_CELLS / touched.sum(), 0.5, 3))
	return torch.from_numpy(near)
