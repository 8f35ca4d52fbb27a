"""What it costs to work with models on the CPU: `python -m tests.benchmarks.computing`.

A full-size Stable Diffusion 1.5 is made in a temporary folder (2.1 GB), or taken from a file that is named. What is
compared is computed in turns; times are medians, and what counts are the ratios within one run. Needs 8 GB of memory.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import Linear

from engine.catalogue import sampled_digest
from engine.models import FileDigest, Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from nodes.diffusion.checkpoint import load_autoencoder, load_denoiser
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.load import AUTOENCODER, DENOISER, add_loaders, import_libraries
from nodes.values import Latent, Prompt
from tests.benchmarks import full_size

SIDES = (128, 256)
PIXELS = 8
ROUNDS = 5
SIGMA = 2.0
RANK = 8
LONGEST_STEP = 1.05
LONGEST_PATCH = 0.25


def in_turns(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
	"""The median seconds of each call; the first round does not count."""
	seconds: dict[str, list[float]] = {name: [] for name in calls}
	for _ in range(ROUNDS + 1):
		for name, call in calls.items():
			began = time.perf_counter()
			call()
			seconds[name].append(time.perf_counter() - began)
	return {name: statistics.median(found[1:]) for name, found in seconds.items()}


def bare(denoiser: Denoiser, x: Tensor, context: Tensor) -> Callable[[], object]:
	"""A call of diffusers' UNet itself, on what is ready for it."""
	module = cast(Callable[..., object], denoiser.network.module)
	dtype = next(denoiser.network.module.parameters()).dtype
	seen, heard, timestep = x.to(dtype), context.to(dtype), torch.tensor([500, 500])
	return lambda: module(seen, timestep, encoder_hidden_states=heard, return_dict=False)


def measure_steps(path: Path) -> None:
	"""A denoising step for guidance beside the bare UNet; automatic precision beside float32."""
	auto, exact = (load_denoiser(Load((path,), DENOISER, exact=exact)) for exact in (False, True))
	for side in SIDES:
		x, context = torch.randn(2, 4, side // PIXELS, side // PIXELS), torch.randn(2, 77, 768)
		inputs, sigma = auto.inputs(Prompt(context), x), torch.full((2,), SIGMA)
		with torch.inference_mode():
			found = in_turns(
				{
					'bare': bare(auto, x, context),
					'ours': partial(auto.denoise, x, sigma, inputs),
					'exact': partial(exact.denoise, x, sigma, inputs),
				}
			)
		print(
			f'step at {side} × {side}: bare {found["bare"]:.2f} s, ours {found["ours"]:.2f} s, '
			f'× {found["ours"] / found["bare"]:.3f} (wanted: at most {LONGEST_STEP}); '
			f'float32 {found["exact"]:.2f} s, {found["exact"] / found["ours"]:.2f} × slower'
		)


def measure_decoding(path: Path) -> None:
	"""The VAE in automatic precision beside float32."""
	auto, exact = (load_autoencoder(Load((path,), AUTOENCODER, exact=exact)) for exact in (False, True))
	for side in SIDES:
		latent = Latent(torch.randn(1, 4, side // PIXELS, side // PIXELS))
		found = in_turns({'ours': partial(auto.decode, latent), 'exact': partial(exact.decode, latent)})
		print(
			f'decoding {side} × {side}: ours {found["ours"]:.2f} s, '
			f'float32 {found["exact"]:.2f} s, {found["exact"] / found["ours"]:.2f} × slower'
		)


def write_lora(path: Path, denoiser: Denoiser) -> None:
	"""A LoRA for all linear layers in attentions, in kohya's naming."""
	shapes: dict[str, tuple[int, ...]] = {}
	for name, layer in denoiser.network.module.named_modules():
		if isinstance(layer, Linear) and '.attn' in name:
			flat = f'lora_unet_{name.replace(".", "_")}'
			shapes[f'{flat}.lora_up.weight'] = (layer.out_features, RANK)
			shapes[f'{flat}.lora_down.weight'] = (RANK, layer.in_features)
	full_size.write(path, shapes)


def measure_patching(path: Path, folder: Path) -> None:
	"""A LoRA on and off a model that is there, and has computed, beside loading that."""
	loaders = Loaders()
	add_loaders(loaders)
	files: dict[FileDigest, Path] = {sampled_digest(path, path.stat().st_size): path}
	(digest,) = files
	store = ModelStore(loaders, files.__getitem__, budget=2**36)
	base: ModelRef[Denoiser] = ModelRef(digest, DENOISER)
	began = time.perf_counter()
	with store.use(base) as denoiser:
		loading = time.perf_counter() - began
		write_lora(folder / 'lora.safetensors', denoiser)
		lora = FileDigest('lora')
		files[lora] = folder / 'lora.safetensors'
		x = torch.randn(2, 4, 16, 16)
		with torch.inference_mode():
			bare(denoiser, x, torch.randn(2, 77, 768))()
	seconds = []
	for round in range(ROUNDS):
		began = time.perf_counter()
		with store.use(base.patched(LoraPatch(lora, 1.0 + round))) as changed:
			own = changed.nbytes
		with store.use(base) as again:
			seconds.append(time.perf_counter() - began)
			assert again is denoiser
	found = statistics.median(seconds)
	print(
		f'LoRA on and off ({own / 2**20:.0f} MiB of weights change): {found:.2f} s, loading {loading:.2f} s, '
		f'× {found / loading:.3f} (wanted: at most {LONGEST_PATCH})'
	)


def main() -> None:
	"""Measure everything."""
	arguments = argparse.ArgumentParser(description=__doc__)
	arguments.add_argument(
		'--file', type=Path, help='a full-size checkpoint; without it one is made, and removed again'
	)
	given = arguments.parse_args()
	import_libraries()
	with tempfile.TemporaryDirectory() as folder:
		path = given.file
		if path is None:
			path = Path(folder) / 'sd15.safetensors'
			full_size.write(path, full_size.sd15_shapes())
		measure_patching(path, Path(folder))
		measure_steps(path)
		measure_decoding(path)


if __name__ == '__main__':
	main()
