"""How long a cancelled load takes: until whoever waits is told, and until what was read has left memory."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file

from engine.catalogue import sampled_digest
from engine.errors import ModelLoadCancelled
from engine.models import FileDigest, Load, Loaders, ModelRef, Phase, Weights
from engine.modelstore import ModelStore
from nodes.computing import trim
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.load import DENOISER, add_loaders
from tests.benchmarks.full_size import sd15_shapes

LONGEST = 1.0
"""Seconds that a cancelled load may take."""
RANK = 16


class Moment(NamedTuple):
	"""When a load is cancelled: in a phase, once so much of it is done; None is while the network is built."""

	title: str
	phase: Phase | None
	done: float = 0.0
	dtype: str = 'float16'
	patched: bool = False


MOMENTS = (
	Moment('building the network', None),
	Moment('the first bytes', 'loading_model', 0.001),
	Moment('a third of the bytes', 'loading_model', 0.33),
	Moment('nearly all bytes', 'loading_model', 0.95),
	Moment('a third, converting', 'loading_model', 0.33, 'float32'),
	Moment('nearly all, converting', 'loading_model', 0.95, 'float32'),
	Moment('the first patched weight', 'optimization', 0.001, patched=True),
	Moment('half of the patched weights', 'optimization', 0.5, patched=True),
)


class Stopped(NamedTuple):
	"""Seconds from the cancel until it was told, and until memory was given back; and the bytes that were not."""

	told: float
	freed: float
	kept: int


def resident() -> int:
	"""Bytes of this process in memory."""
	status = Path('/proc/self/status').read_text()
	return int(next(line.split()[1] for line in status.splitlines() if line.startswith('VmRSS'))) * 1024


def write_lora(path: Path) -> None:
	"""A LoRA for every matrix of the attentions and their networks."""
	start = 'model.diffusion_model.'
	tensors = {}
	for name, shape in sd15_shapes().items():
		if name.startswith(start) and '.transformer_blocks.' in name and len(shape) == 2:
			layer = 'lora_unet_' + name.removeprefix(start).removesuffix('.weight').replace('.', '_')
			tensors[f'{layer}.lora_down.weight'] = torch.ones(RANK, shape[1], dtype=torch.float16)
			tensors[f'{layer}.lora_up.weight'] = torch.ones(shape[0], RANK, dtype=torch.float16)
	save_file(tensors, path)


class Bench:
	"""A store that tells when a load comes to a moment."""

	def __init__(self, path: Path, lora: Path) -> None:
		self.moment: Moment | None = None
		self.reached, self.freed = threading.Event(), threading.Event()
		self.model = sampled_digest(path, path.stat().st_size)
		self.lora = FileDigest('lora')
		loaders, real = Loaders(), Loaders()
		add_loaders(real)
		loaders.add(DENOISER, lambda load: self.load(load, real[DENOISER]))
		self.store = ModelStore(loaders, {self.model: path, self.lora: lora}.__getitem__, budget=2**36, trim=self.trim)

	def load(self, load: Load, loader: Callable[[Load], Weights]) -> Weights:
		"""Load, and look out for the moment."""
		if self.moment is not None and self.moment.phase is None:
			self.reached.set()
		tell = load.on_progress

		def on_progress(phase: Phase, done: int, total: int) -> None:
			tell(phase, done, total)
			self.look(phase, done, total)

		return loader(replace(load, on_progress=on_progress))

	def look(self, phase: Phase, done: int, total: int) -> None:
		"""Tell if this is the moment."""
		if self.moment is not None and phase == self.moment.phase and total and done / total >= self.moment.done:
			self.reached.set()

	def trim(self) -> None:
		"""What the store calls when weights were dropped."""
		trim()
		self.freed.set()

	@contextmanager
	def based(self, moment: Moment) -> Iterator[ModelRef[Weights]]:
		"""What is to be loaded, its base in memory if it is a patched one."""
		ref: ModelRef[Weights] = ModelRef(self.model, DENOISER, moment.dtype)
		if not moment.patched:
			yield ref
			return
		with self.store.use(ref):
			yield ref.patched(LoraPatch(self.lora, 0.5))

	def stop(self, moment: Moment) -> Stopped:
		"""Begin a load, and cancel it at the moment."""
		self.store.unload()
		with self.based(moment) as ref:
			gc.collect()
			before, told = resident(), list[float]()
			self.reached.clear()
			self.freed.clear()
			self.moment = moment

			def ask() -> None:
				try:
					with self.store.use(ref, watch=lambda step: self.look(step.phase, step.done, step.total)):
						pass
				except ModelLoadCancelled:
					told.append(time.perf_counter())

			asking = threading.Thread(target=ask)
			asking.start()
			self.reached.wait()
			began = time.perf_counter()
			[id] = [one.load.id for one in self.store.residents() if one.load is not None]
			self.store.cancel_load(id)
			asking.join()
			self.freed.wait()
			freed = time.perf_counter() - began
			self.moment = None
			return Stopped(told[0] - began, freed, resident() - before)


def measure_cancelling(path: Path, folder: Path) -> None:
	"""Cancel loads of a full-size checkpoint at every moment."""
	lora = folder / 'lora.safetensors'
	write_lora(lora)
	bench = Bench(path, lora)
	with bench.store.use(ModelRef[Weights](bench.model, DENOISER, 'float16')):
		pass  # What is imported once is.
	print(f'\ncancelled loads{"":15} {"told":>8} {"freed":>8}   memory kept (wanted: freed within {LONGEST} s)')
	found = []
	for moment in MOMENTS:
		found.append(bench.stop(moment))
		told, freed, kept = found[-1]
		print(f'  {moment.title:28} {told:>6.3f} s {freed:>6.3f} s   {kept / 2**20:>6.1f} MiB')
	print(f'  {"the worst":28} {max(one.told for one in found):>6.3f} s {max(one.freed for one in found):>6.3f} s')
