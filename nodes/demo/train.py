"""Trains the demo model stage by stage: `python -m nodes.demo.train vae|text|unet|export --out DIR [--steps N]`.

Each stage goes on where it was stopped, from DIR/<stage>/state.pt, and leaves its best judged state beside it as best.pt.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from nodes.demo import train_text, train_unet, train_vae
from nodes.demo.export import export_model
from nodes.demo.parts import make_text_encoder, make_unet, make_vae
from nodes.demo.run import Plan, load_average, resume_run, start_run, train_run
from nodes.demo.words import Words

_SEED = 7
_VAE_POOL = 4000
_UNET_POOL = 12000
_JUDGED = 128
_FITTED = 512


def main() -> None:
	"""Reads the command line and runs one stage."""
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument('stage', choices=('vae', 'text', 'unet', 'export'))
	parser.add_argument('--out', type=Path, required=True)
	parser.add_argument('--steps', type=int, help='length of the plan; keep it when resuming')
	parser.add_argument('--stop', type=int, help='stop at this step and save, to be resumed')
	parser.add_argument('--batch', type=int, default=64, help='of the denoiser')
	parser.add_argument('--joint', type=int, default=2000, help='steps after which the text encoder stays as it is')
	parser.add_argument('--threads', type=int, default=os.cpu_count())
	parser.add_argument('--half', action=argparse.BooleanOptionalAction, default=True, help='bfloat16 in training')
	parser.add_argument('--compile', action='store_true', help='compile the denoiser; needs a C++ compiler')
	parser.add_argument('--target', type=Path, default=Path(__file__).with_name('lumen-demo.safetensors'))
	given = parser.parse_args()
	torch.set_num_threads(given.threads)
	torch.manual_seed(_SEED)
	out: Path = given.out
	if given.stage == 'vae':
		_vae(out, given.steps or 4500, given.stop, given.half)
	elif given.stage == 'text':
		_text(out, given.steps or 600, given.stop)
	elif given.stage == 'unet':
		_unet(out, given)
	else:
		_export(out, given.target)


def _vae(out: Path, steps: int, stop: int | None, half: bool) -> None:
	path = out / 'vae' / 'state.pt'
	plan = Plan(steps, decay_share=0.5, average=0.998, judge_every=500)
	run = start_run({'vae': make_vae()}, {'vae': train_vae.RATE}, _SEED)
	resume_run(run, path)
	lesson = train_vae.VaeLesson(plan, train_vae.draw_pool(_VAE_POOL, _SEED), half)
	train_run(run, plan, lesson.loss, path, lambda: lesson.judge(run), stop)


def _text(out: Path, steps: int, stop: int | None) -> None:
	path = out / 'text' / 'state.pt'
	plan = Plan(steps, average=0.99, judge_every=100)
	words = Words()
	models = train_text.make_text_models(words.count)
	run = start_run(models, dict.fromkeys(models, train_text.RATE), _SEED)
	resume_run(run, path)
	lesson = train_text.TextLesson(words)
	train_run(run, plan, lesson.loss, path, lambda: lesson.judge(run), stop)


def _unet(out: Path, given: argparse.Namespace) -> None:
	path = out / 'unet' / 'state.pt'
	plan = Plan(given.steps or 9200, decay_share=0.55, average=0.998, save_every=250, judge_every=400)
	words = Words()
	vae = trained_vae(out)
	models: dict[str, nn.Module] = {'unet': make_unet(), 'text': make_text_encoder(words.count)}
	models['text'].load_state_dict(_part(load_average(out / 'text' / 'best.pt'), 'text'))
	run = start_run(models, {'unet': train_unet.RATE, 'text': train_unet.TEXT_RATE}, _SEED)
	resume_run(run, path)
	if given.compile:
		run.models['unet'].compile()
	scenes, latents = train_unet.make_pool(vae, _UNET_POOL, _SEED, out / 'unet' / 'pool.pt')
	lesson = train_unet.UnetLesson(scenes, latents, words, given.batch, given.half)
	judge = partial(train_unet.judge_models, run.average, vae, words, _JUDGED)
	last: int = plan.steps if given.stop is None else given.stop
	train_run(run, plan, lesson.loss, path, judge, min(last, given.joint))
	if run.step < last:
		lesson.freeze_text(run)
		train_run(run, plan, lesson.loss, path, judge, last)


def _export(out: Path, target: Path) -> None:
	"""Writes the best judged state as one file."""
	words = Words()
	weights = load_average(out / 'unet' / 'best.pt')
	unet, text = make_unet(), make_text_encoder(words.count)
	unet.load_state_dict(_part(weights, 'unet'))
	text.load_state_dict(_part(weights, 'text'))
	pictures = list(train_vae.draw_pool(_FITTED, _SEED).numpy())
	export_model(unet, trained_vae(out), text, pictures, target)
	print(f'{target}: {target.stat().st_size / 1e6:.2f} MB')


def trained_vae(out: Path) -> AutoencoderKL:
	"""The coder as the denoiser meets it: best state, every latent channel of mean 0 and spread 1."""
	vae = make_vae().eval()
	vae.load_state_dict(_part(load_average(out / 'vae' / 'best.pt'), 'vae'))
	train_vae.settle_vae(vae, train_vae.draw_pool(_FITTED, _SEED))
	return vae


def _part(weights: dict[str, Tensor], name: str) -> dict[str, Tensor]:
	return {key.removeprefix(f'{name}.'): value for key, value in weights.items() if key.startswith(f'{name}.')}


if __name__ == '__main__':
	main()
