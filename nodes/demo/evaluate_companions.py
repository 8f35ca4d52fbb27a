"""Do the companions do what they are for? `python -m nodes.demo.evaluate_companions [--prompts 40] [--sheet out.png]`.

The night palette is asked for held-back combinations: backdrops must be black and things have their own colour. The edges
are shown while the words tell the colours only: shape, place and size must be those of the edges; without them for comparison.
"""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from nodes.demo.captions import prompt, with_article
from nodes.demo.control import Controlled, load_control
from nodes.demo.dataset import held_back_scenes
from nodes.demo.evaluate import MODEL, MODELS, contact_sheet
from nodes.demo.judge import ASPECTS, backdrop_color, read_picture, score_pictures
from nodes.demo.lora import merge_lora
from nodes.demo.pictures import Pixels, Scene
from nodes.demo.stored import stored_text_encoder, stored_unet, stored_vae
from nodes.demo.train_companions import NIGHT, edge_hints, hint_tensor
from nodes.demo.train_unet import sample_pictures
from nodes.demo.words import Words

NIGHT_FILE = MODELS / 'loras' / 'lumen-demo-night.safetensors'
EDGES_FILE = MODELS / 'controlnet' / 'lumen-demo-edges.safetensors'


class Hinted(nn.Module):
	"""A controlled denoiser with its edges given beforehand, to be called as a denoiser is."""

	def __init__(self, controlled: Controlled, scenes: Sequence[Scene]) -> None:
		super().__init__()
		self.controlled = controlled
		self.hints = hint_tensor(edge_hints(scenes))

	def forward(self, x: Tensor, times: Tensor, hidden: Tensor) -> SimpleNamespace:
		"""Both halves of a guided batch see the same edges."""
		return SimpleNamespace(sample=self.controlled(x, times, hidden, torch.cat([self.hints, self.hints])))


class Studio:
	"""The shipped model's parts, ready to be drawn with."""

	def __init__(self) -> None:
		self.words = Words()
		self.vae = stored_vae(MODEL).eval()
		self.text = stored_text_encoder(MODEL, self.words.count)
		self.unet = stored_unet(MODEL).eval()

	def pictures(self, unet: nn.Module, prompts: Sequence[str]) -> list[Pixels]:
		"""One picture of each prompt."""
		return sample_pictures(unet, self.text, self.vae, self.words, prompts, steps=12)


def night_pictures(studio: Studio, scenes: Sequence[Scene], strength: float = 1.0) -> list[Pixels]:
	"""The scenes as the night palette draws them."""
	unet = stored_unet(MODEL).eval()
	merge_lora(unet, NIGHT_FILE, strength)
	return studio.pictures(unet, [prompt(scene) for scene in scenes])


def edges_pictures(studio: Studio, scenes: Sequence[Scene]) -> list[Pixels]:
	"""The scenes drawn from their edges, with words for the colours only. At most as many as are sampled in one batch."""
	controlled = Controlled(studio.unet, load_control(EDGES_FILE))
	return studio.pictures(Hinted(controlled, scenes), [colors_alone(scene) for scene in scenes])


def colors_alone(scene: Scene) -> str:
	"""A prompt that tells neither shape nor place nor size."""
	assert scene.thing is not None
	return f'{with_article(scene.thing.color)} shape on {with_article(scene.back)} background'


def is_night(picture: Pixels) -> bool:
	"""Whether the backdrop is that of the night."""
	return backdrop_color(picture) == NIGHT


def night_scenes(count: int) -> list[Scene]:
	"""Held-back scenes with a thing that can be seen at night, by day on a backdrop of another colour."""
	scenes = (scene for scene in held_back_scenes(2 * count) if scene.thing is not None and scene.thing.color != NIGHT)
	return list(islice((scene for scene in scenes if scene.back != NIGHT), count))


def main() -> None:
	"""Samples, judges, prints."""
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument('--prompts', type=int, default=32, help='at most 32')
	parser.add_argument('--sheet', type=Path, help='write the pictures with their prompts to this file')
	given = parser.parse_args()
	studio, scenes = Studio(), held_back_scenes(given.prompts)
	dark_scenes = night_scenes(given.prompts)
	night = night_pictures(studio, dark_scenes)
	readings = [read_picture(picture) for picture in night]
	colored = [
		reading is not None and scene.thing is not None and reading.color == scene.thing.color
		for reading, scene in zip(readings, dark_scenes, strict=True)
	]
	dark = np.mean([is_night(picture) for picture in night])
	print(f'night palette: backdrop {dark:.1%}  color {np.mean(colored):.1%}')
	edges = edges_pictures(studio, scenes)
	plain = studio.pictures(studio.unet, [colors_alone(scene) for scene in scenes])
	for title, pictures in (('edges', edges), ('the same words without edges', plain)):
		verdict = score_pictures(pictures, scenes)
		print(f'{title}: ' + '  '.join(f'{aspect} {verdict[aspect]:.1%}' for aspect in ASPECTS))
	if given.sheet:
		labels = [prompt(scene) for scene in dark_scenes] + [colors_alone(scene) for scene in scenes]
		contact_sheet([*night, *edges], labels).save(given.sheet)


if __name__ == '__main__':
	main()
