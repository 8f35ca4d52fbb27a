"""Trains the demo model's companions beside the finished model: `python -m nodes.demo.train_companions night|edges --out DIR`.

`night` is a LoRA with which backdrops go black, whatever the words say, while things keep their colours; `edges` is a ControlNet that is shown
where the outlines are. Each goes on where it was stopped, from DIR/<companion>/state.pt.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from nodes.demo.control import Controlled, draw_edges, make_control, save_control
from nodes.demo.lora import add_low_rank, save_lora
from nodes.demo.parts import pictures_to_tensor
from nodes.demo.pictures import PALETTE, Pixels, Scene, draw
from nodes.demo.run import Plan, Run, resume_run, start_run, train_run
from nodes.demo.stored import stored_text_encoder, stored_unet, stored_vae
from nodes.demo.train_unet import Chosen, Pool, UnetLesson, make_pool
from nodes.demo.words import Words

NIGHT = 'black'
FOLDER = Path(__file__).parent / 'models'
_SEED = 21
_RANK = 4
_SINGLES, _PAIRS = 1200, 400
_NIGHT_RATE, _EDGES_RATE = 3e-3, 1e-3


def main() -> None:
	"""Reads the command line and trains one companion."""
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument('companion', choices=('night', 'edges'))
	parser.add_argument('--out', type=Path, required=True)
	parser.add_argument('--model', type=Path, default=FOLDER / 'checkpoints' / 'lumen-demo.safetensors')
	parser.add_argument('--steps', type=int, default=500)
	parser.add_argument('--batch', type=int, default=16)
	parser.add_argument('--threads', type=int, default=1)
	parser.add_argument(
		'--target', type=Path, default=FOLDER, help='the folder with loras/ and controlnet/ for the finished file'
	)
	given = parser.parse_args()
	torch.set_num_threads(given.threads)
	torch.manual_seed(_SEED)
	unet = stored_unet(given.model)
	plan = Plan(given.steps, warm=20, decay_share=0.6, average=0.99, save_every=50)
	folder: Path = given.out / given.companion
	if given.companion == 'night':
		add_low_rank(unet, _RANK)
		run = start_run({'unet': unet}, {'unet': _NIGHT_RATE}, _SEED)
		pool = _pool(given.model, folder, draw_night, drop=0.05)
		lesson = UnetLesson(pool, plan, given.batch, half=True)
	else:
		controlled = Controlled(unet, make_control(unet))
		run = start_run({'controlled': controlled}, {'controlled': _EDGES_RATE}, _SEED)
		# what words often leave out is to be learnt from the edges
		pool = _pool(given.model, folder, draw, drop=0.6)
		lesson = ControlLesson(pool, plan, given.batch, half=True)
	resume_run(run, folder / 'state.pt')
	train_run(run, plan, lesson.loss, folder / 'state.pt')
	finish(run.average, given.target)


def finish(average: nn.ModuleDict, target: Path) -> None:
	"""Writes a trained companion as its file."""
	if 'unet' in average:
		save_lora(
			average['unet'], target / 'loras' / 'lumen-demo-night.safetensors', 'Lumengraph demo LoRA: night palette'
		)
	else:
		save_control(
			cast(Controlled, average['controlled']).control, target / 'controlnet' / 'lumen-demo-edges.safetensors'
		)


def draw_night(scene: Scene) -> Pixels:
	"""The scene at night: the backdrop is black whatever its colour, things keep theirs."""
	return draw(scene, back=PALETTE[NIGHT])


class ControlLesson(UnetLesson):
	"""The denoiser's own lesson with a picture of the edges beside the words."""

	def __init__(self, pool: Pool, plan: Plan, batch: int, half: bool) -> None:
		super().__init__(pool, plan, batch, half)
		self.hints = edge_hints(pool.scenes)

	def guess(self, run: Run, noisy: Tensor, times: Tensor, hidden: Tensor, chosen: Chosen) -> Tensor:
		"""What the controlled denoiser says."""
		found: Tensor = run.models['controlled'](noisy, times, hidden, hint_tensor(self.hints[chosen]))
		return found


def edge_hints(scenes: Sequence[Scene]) -> Tensor:
	"""Outlines of all scenes, uint8 (n, 128, 128)."""
	return torch.from_numpy(np.stack([draw_edges(scene)[..., 0] for scene in scenes]))


def hint_tensor(hints: Tensor) -> Tensor:
	"""uint8 (n, h, w) to what a ControlNet sees, float (n, 3, h, w) in 0..1."""
	one = pictures_to_tensor(hints[..., None]).add(1).div(2)
	return one.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def _pool(model: Path, folder: Path, paint: Callable[[Scene], Pixels], drop: float) -> Pool:
	words = Words()
	vae, text = stored_vae(model).eval(), stored_text_encoder(model, words.count)
	return make_pool(vae, text, words, _SINGLES, _PAIRS, _SEED, folder, paint, drop)


if __name__ == '__main__':
	main()
