"""What models cost to load: `python -m tests.benchmarks.models`.

A full-size Stable Diffusion 1.5 is made in a temporary folder (2.1 GB), or taken from a file that is named. Each
measurement is a process of its own, the two that are compared in turns; what counts are the ratios within one run, of
the best round. The peer reads the same tensors once with safetensors into the target dtype, and keeps them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open

from engine.catalogue import sampled_digest
from engine.models import Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from nodes.load import AUTOENCODER, DENOISER, TEXT, add_loaders, import_libraries
from tests.benchmarks import full_size
from tests.benchmarks.cancelling import measure_cancelling, resident

ROUNDS = 3
DTYPES = ('float32', 'float16')
PARTS = (DENOISER, TEXT, AUTOENCODER)
EVERY = 0.002
"""Seconds between two looks at this process's memory."""

LONGEST = 1.3
MOST_MEMORY = 1.15


class Cost(NamedTuple):
	"""Seconds, the bytes of the weights, and the most by which memory has grown meanwhile."""

	seconds: float
	weights: int
	growth: int


@contextmanager
def growth() -> Iterator[list[int]]:
	"""Watch by how much memory grows at most; the list gets it in the end."""
	before, over, told = resident(), threading.Event(), [0]

	def watch() -> None:
		while not over.wait(EVERY):
			told[0] = max(told[0], resident() - before)

	watcher = threading.Thread(target=watch)
	watcher.start()
	try:
		yield told
	finally:
		over.set()
		watcher.join()
		told[0] = max(told[0], resident() - before)


def measured(read: Callable[[], tuple[object, int]]) -> Cost:
	"""What reading costs; it gives what is to be kept, and the bytes of it."""
	with growth() as grown:
		began = time.perf_counter()
		kept, weights = read()
		seconds = time.perf_counter() - began
	del kept
	return Cost(seconds, weights, grown[0])


def by_us(path: Path, dtype: str) -> Cost:
	"""All three parts, ready to be used."""
	loaders = Loaders()
	add_loaders(loaders)
	import_libraries()

	def read() -> tuple[object, int]:
		parts = [loaders[part](Load((path,), part, dtype)) for part in PARTS]
		return parts, sum(part.nbytes for part in parts)

	return measured(read)


def by_peer(path: Path, dtype: str) -> Cost:
	"""All tensors, in memory of their own."""
	wide: torch.dtype = getattr(torch, dtype)

	def read() -> tuple[object, int]:
		with safe_open(path, framework='pt') as file:
			tensors = [file.get_tensor(name).to(wide, copy=True) for name in file.keys()]  # noqa: SIM118, no mapping
		return tensors, sum(tensor.nbytes for tensor in tensors)

	return measured(read)


MEASURES = {'ours': by_us, 'peer': by_peer}


def apart(name: str, path: Path, dtype: str) -> Cost:
	"""A measurement in a process of its own."""
	command = [sys.executable, '-m', 'tests.benchmarks.models', '--file', str(path), '--measure', name, dtype]
	return Cost(*json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))


def measure_loading(path: Path) -> None:
	"""Our loaders beside a plain reading of the same bytes."""
	print(f'\nloading {path.stat().st_size / 1e9:.2f} GB, the best of {ROUNDS} rounds in turns')
	print(f'{"":10} {"peer":>8} {"ours":>8} {"ratio":>6}   memory grown by, of the weights')
	for dtype in DTYPES:
		rounds = [(apart('peer', path, dtype), apart('ours', path, dtype)) for _ in range(ROUNDS)]
		peer = min(one.seconds for one, _ in rounds)
		ours = min(one.seconds for _, one in rounds)
		memory = max(one.growth / one.weights for _, one in rounds)
		print(
			f'{dtype:10} {peer:>6.2f} s {ours:>6.2f} s {ours / peer:>6.2f}   × {memory:.3f} '
			f'(wanted: at most {LONGEST} and {MOST_MEMORY})'
		)


def measure_sharing(path: Path) -> None:
	"""The same recipe, leased twice at once."""
	loaders = Loaders()
	add_loaders(loaders)
	store = ModelStore(loaders, lambda digest: path, budget=2**36)
	ref: ModelRef[object] = ModelRef(sampled_digest(path, path.stat().st_size), DENOISER, 'float16')
	with store.use(ref) as first, growth() as grown, store.use(ref) as second:
		same = first is second
	print(f'\nloading it twice: one copy is {same}; the second lease grew memory by {grown[0] / 2**20:.1f} MiB')


def main() -> None:
	"""Measure everything, or one thing for another process."""
	arguments = argparse.ArgumentParser(description=__doc__)
	arguments.add_argument(
		'--file', type=Path, help='a full-size checkpoint; without it one is made, and removed again'
	)
	arguments.add_argument('--measure', nargs=2, metavar=('WHO', 'DTYPE'), help='for processes of the benchmark')
	given = arguments.parse_args()
	if given.measure is not None:
		name, dtype = given.measure
		print(json.dumps(MEASURES[name](given.file, dtype)))
		return
	with tempfile.TemporaryDirectory() as folder:
		path = given.file
		if path is None:
			path = Path(folder) / 'sd15.safetensors'
			full_size.write(path, full_size.sd15_shapes())
		measure_loading(path)
		measure_sharing(path)
		measure_cancelling(path, Path(folder))


if __name__ == '__main__':
	main()
