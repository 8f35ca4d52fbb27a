"""Trains the demo model stage by stage: `python -m nodes.demo.train vae|text|unet|export --out DIR [--steps N]`.

Each stage goes on where it was stopped, from DIR/<stage>/state.pt, and leaves its best judged state beside it as best.pt.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPTextModel

from nodes.demo import train_text, train_unet, train_vae
from nodes.demo.export import export_model
from nodes.demo.parts import encode_pictures, make_text_encoder, make_unet, make_vae
from nodes.demo.run import Plan, load_average, resume_run, start_run, train_run
from nodes.demo.stored import stored_unet, stored_vae
from nodes.demo.words import Words

_SEED = 7
_VAE_POOL = 4000
_DECODER_POOL = 2000
_SINGLES, _PAIRS = 6000, 2000
_JUDGE_EVERY = 400
_FITTED = 512


def main() -> None:
	"""Reads the command line and runs one stage."""
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument('stage', choices=('vae', 'decoder', 'text', 'unet', 'export'))
	parser.add_argument('--out', type=Path, required=True)
	parser.add_argument('--steps', type=int, help='length of the plan; keep it when resuming')
	parser.add_argument('--first', type=Path, help='a file of this model to start the coder and the denoiser from')
	parser.add_argument('--stop', type=int, help='stop at this step and save, to be resumed')
	parser.add_argument('--batch', type=int, default=32, help='of the denoiser')
	parser.add_argument('--judged', type=int, default=100, help='prompts with which the denoiser is judged on its way')
	parser.add_argument('--threads', type=int, default=os.cpu_count())
	parser.add_argument('--half', action=argparse.BooleanOptionalAction, default=True, help='bfloat16 in training')
	parser.add_argument('--compile', action='store_true', help='compile the denoiser; needs a C++ compiler')
	parser.add_argument(
		'--target', type=Path, default=Path(__file__).parent / 'models' / 'checkpoints' / 'lumen-demo.safetensors'
	)
	given = parser.parse_args()
	torch.set_num_threads(given.threads)
	torch.manual_seed(_SEED)
	out: Path = given.out
	if given.stage == 'vae':
		_vae(out, given.steps or 4500, given.stop, given.half)
	elif given.stage == 'decoder':
		_decoder(out, given.steps or 2000, given)
	elif given.stage == 'text':
		_text(out, given.steps or 1500, given.stop)
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


def _decoder(out: Path, steps: int, given: argparse.Namespace) -> None:
	path = out / 'decoder' / 'state.pt'
	plan = Plan(steps, decay_share=0.6, average=0.995, save_every=100, judge_every=200, report_every=20)
	vae = first_vae(out, given.first)
	train_vae.freeze_encoder(vae)
	pool = train_vae.draw_pool(_DECODER_POOL, _SEED)
	latents = encode_pictures(vae, list(pool.numpy()))
	run = start_run({'vae': vae}, {'vae': train_vae.DECODER_RATE}, _SEED)
	resume_run(run, path)
	lesson = train_vae.DecoderLesson(pool, latents, given.half)
	train_run(run, plan, lesson.loss, path, lambda: lesson.judge(run), given.stop)


def first_vae(out: Path, first: Path | None) -> AutoencoderKL:
	"""The coder with the latents that all else builds on: that of a file of this model, or the one trained in `out`."""
	return settled_vae(out) if first is None else stored_vae(first)


def _text(out: Path, steps: int, stop: int | None) -> None:
	path = out / 'text' / 'state.pt'
	plan = Plan(steps, average=0.99, judge_every=200)
	words = Words()
	run = start_run({'text': make_text_encoder(words.count)}, {'text': train_text.RATE}, _SEED)
	resume_run(run, path)
	lesson = train_text.TextLesson(words)
	train_run(run, plan, lesson.loss, path, lambda: lesson.judge(run), stop)


def _unet(out: Path, given: argparse.Namespace) -> None:
	path = out / 'unet' / 'state.pt'
	plan = Plan(given.steps or 6000, warm=100, decay_share=0.6, average=0.998, save_every=100, judge_every=_JUDGE_EVERY)
	words = Words()
	vae, text = first_vae(out, given.first).eval(), _trained_text(out, words)
	unet = make_unet() if given.first is None else stored_unet(given.first)
	run = start_run({'unet': unet}, {'unet': train_unet.RATE}, _SEED)
	resume_run(run, path)
	if given.compile:
		run.models['unet'].compile()
	pool = train_unet.make_pool(vae, text, words, _SINGLES, _PAIRS, _SEED, out / 'pool')
	lesson = train_unet.UnetLesson(pool, plan, given.batch, given.half)
	judge = partial(train_unet.judge_models, run.average['unet'], text, vae, words, given.judged)
	train_run(run, plan, lesson.loss, path, judge, given.stop)


def _trained_text(out: Path, words: Words) -> CLIPTextModel:
	text = make_text_encoder(words.count)
	text.load_state_dict(_part(load_average(out / 'text' / 'best.pt'), 'text'))
	text.train(False)
	return text


def _export(out: Path, target: Path) -> None:
	"""Writes the best judged states as one file."""
	unet, vae = make_unet(), make_vae()
	unet.load_state_dict(_part(load_average(out / 'unet' / 'best.pt'), 'unet'))
	vae.load_state_dict(_part(load_average(out / 'decoder' / 'best.pt'), 'vae'))
	pictures = list(train_vae.draw_pool(_FITTED, _SEED).numpy())
	export_model(unet, vae.eval(), _trained_text(out, Words()), pictures, target)
	print(f'{target}: {target.stat().st_size / 1e6:.2f} MB')


def settled_vae(out: Path) -> AutoencoderKL:
	"""The coder as the denoiser meets it: best state, every latent channel of mean 0 and spread 1."""
	vae = make_vae().eval()
	vae.load_state_dict(_part(load_average(out / 'vae' / 'best.pt'), 'vae'))
	train_vae.settle_vae(vae, train_vae.draw_pool(_FITTED, _SEED))
	return vae


def _part(weights: dict[str, Tensor], name: str) -> dict[str, Tensor]:
	return {key.removeprefix(f'{name}.'): value for key, value in weights.items() if key.startswith(f'{name}.')}


if __name__ == '__main__':
	main()
