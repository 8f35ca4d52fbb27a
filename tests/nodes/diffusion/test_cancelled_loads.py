"""Loads that are called off at any moment: hardly anything is read any more, and nothing is kept."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Parameter

from engine.errors import ModelLoadCancelled
from engine.loading import LoadStep
from engine.models import FileDigest, Load, Loaders, ModelRef, Phase, Weights
from engine.modelstore import ModelStore
from nodes.diffusion import pouring
from nodes.diffusion.open_file import OpenFile
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.load import DENOISER, add_loaders
from tests import tiny

CHUNK = 1024
MODEL, LORA = FileDigest('model'), FileDigest('lora')
LAYER = 'lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q'
REASON = 'no longer wanted'

At = Callable[[Phase, int, int], bool]


class Room:
	"""A store that calls a load off at a moment of it; counts the bytes that are read before and after."""

	def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		self.at: At = lambda phase, done, total: False
		self.cancelled = ''
		self.freed = threading.Event()
		self.before = self.after = 0
		self.paths = {MODEL: folder / 'model.safetensors', LORA: folder / 'lora.safetensors'}
		tiny.save_checkpoint(self.paths[MODEL])
		save_file(
			{f'{LAYER}.lora_down.weight': torch.ones(2, 16), f'{LAYER}.lora_up.weight': torch.ones(16, 2)},
			self.paths[LORA],
		)
		real, loaders = Loaders(), Loaders()
		add_loaders(real)
		loaders.add(DENOISER, lambda load: real[DENOISER](self.watched(load)), real.measure)
		self.store = ModelStore(loaders, self.paths.__getitem__, budget=2**30, trim=self.freed.set)
		fill = OpenFile.fill

		def counted(file: OpenFile, target: Tensor, start: int) -> None:
			if self.cancelled:
				self.after += target.nbytes
			else:
				self.before += target.nbytes
			fill(file, target, start)

		monkeypatch.setattr(OpenFile, 'fill', counted)

	def watched(self, load: Load) -> Load:
		"""The same load, called off at its moment, of which none is left out."""
		tell = load.on_progress
		self.look('initialization', 0, 0)

		def on_progress(phase: Phase, done: int, total: int) -> None:
			tell(phase, done, total)
			self.look(phase, done, total)

		return replace(load, on_progress=on_progress)

	def step(self, step: LoadStep) -> None:
		"""What the store tells; of a patched set nothing else does."""
		self.look(step.phase, step.done, step.total)

	def look(self, phase: Phase, done: int, total: int) -> None:
		if not self.cancelled and self.at(phase, done, total):
			[load] = [one.load for one in self.store.residents() if one.load is not None and not one.weights]
			self.cancelled = load.id
			self.store.cancel_load(load.id, REASON)

	def stopped(self, ref: ModelRef[Any], at: At) -> ModelLoadCancelled:
		"""Ask for a model whose load is called off then; gives the error, once memory was given back."""
		self.at, self.before = at, 0
		self.freed.clear()
		with pytest.raises(ModelLoadCancelled) as caught:
			self.use(ref)
		assert self.freed.wait(60)
		self.at = lambda phase, done, total: False
		return caught.value

	def use(self, ref: ModelRef[Any]) -> int:
		"""Lease it; gives its bytes."""
		with self.store.use(ref, watch=self.step) as weights:
			nbytes: int = weights.nbytes
			return nbytes


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
	"""Its files are read in short stretches, most of them in threads."""
	monkeypatch.setattr(pouring, 'CHUNK', CHUNK)
	monkeypatch.setattr(pouring, 'SMALL', CHUNK // 2)
	return Room(tmp_path, monkeypatch)


#: Tensors that have bytes: what a compiler traced with, and may still hold, has none.
PLAIN = (Tensor, Parameter)


def held() -> int:
	"""Bytes of all tensors that anybody holds."""
	gc.collect()
	storages = {
		one.untyped_storage().data_ptr(): one.untyped_storage().nbytes()
		for one in gc.get_objects()
		if type(one) in PLAIN and one.device.type == 'cpu' and one.layout == torch.strided
	}
	return sum(storages.values())


class TestReading:
	@pytest.mark.parametrize('dtype', ['float32', 'float16', 'fp8_e4m3fn'])
	@pytest.mark.parametrize(
		('at', 'reads'),
		[
			(lambda phase, done, total: phase == 'initialization', False),
			(lambda phase, done, total: phase == 'loading_model' and not done, False),
			(lambda phase, done, total: phase == 'loading_model' and done > 0, True),
			(lambda phase, done, total: phase == 'loading_model' and done > total * 0.9, True),
		],
	)
	def test_a_bounded_number_of_bytes_is_read_after_the_cancel(
		self, at: At, reads: bool, dtype: str, room: Room
	) -> None:
		"""While the network is built, at the first bytes, at the last; as they are, or converted. All of it is let go of."""
		ref: ModelRef[Weights] = ModelRef(MODEL, DENOISER, dtype)
		room.use(ref)
		room.store.unload()
		before = held()
		error = room.stopped(ref, at)

		assert (error.id, error.reason) == (room.cancelled, REASON)
		assert room.store.residents() == ()
		assert bool(room.before) == reads
		assert room.after <= pouring.AHEAD * CHUNK
		assert room.store.rooms.residency.free(room.store.rooms.place) == 2**30
		assert held() <= before
		assert room.use(ref) > 0


class TestPatching:
	def test_a_patched_set_is_let_go_of_and_its_base_stays(self, room: Room) -> None:
		"""As if nobody had asked for it."""
		base: ModelRef[Weights] = ModelRef(MODEL, DENOISER, 'float32')
		patched = base.patched(LoraPatch(LORA, 0.5))
		room.use(patched)
		[resident] = [one for one in room.store.residents() if one.ref == patched]
		room.store.unload(resident.id)
		before = held()
		error = room.stopped(patched, lambda phase, done, total: phase == 'optimization')

		assert error.reason == REASON
		assert [one.ref for one in room.store.residents()] == [base]
		assert held() <= before
		assert room.use(patched) > 0
