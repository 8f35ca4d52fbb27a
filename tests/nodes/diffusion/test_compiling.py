"""Compiled blocks: what is compiled, what is not, and that results stay the same.

But for one test, torch's tracing is real and nothing is made of what it traced: that takes seconds a block.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.fx import GraphModule

from engine.cancel import CancelToken
from engine.context import Context, JobInfo, current
from engine.errors import JobCancelled, NotInstalled
from engine.events import AnyEvent, NodeText
from engine.models import Load, Loaders
from engine.modelstore import ModelStore
from engine.settings import PROJECT, Settings
from engine.storage import Storage
from nodes.computing import trim
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.compiling import CUDA_GRAPHS, CompiledBlock, compiled, require_compiler
from nodes.diffusion.denoise import Denoiser
from nodes.diffusion.first_block import FirstBlock
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.diffusion.step_cache import Remember, StepCached
from nodes.diffusion.taylor import Taylor
from nodes.diffusion.text.towers import Towers
from nodes.model_guidance import PerturbedAttention
from nodes.values import ModelInputs
from tests import tiny
from tests.nodes.diffusion.patches.conftest import Files, noise
from tests.nodes.diffusion.test_step_cache import KINDS, latent, looks, network, run, told

LOGGER = 'nodes.diffusion.compiling'
BLOCK = 'down_blocks.1.attentions.0.transformer_blocks.0'
TOLERANCES = ('float32', 1e-4), ('bfloat16', 0.02)


class Backend:
	"""Takes graphs as torch has traced them, and computes what they say; counts them."""

	def __init__(self) -> None:
		self.graphs = 0

	def __call__(self, graph: GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
		self.graphs += 1
		return graph.forward


class Failing:
	"""Cannot compile anything."""

	def __call__(self, graph: GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
		raise RuntimeError('the compiler is broken')


def traced(model: Denoiser, backend: Callable[..., Any] | None = None) -> Denoiser:
	"""The model with blocks that are compiled as far as tracing goes."""
	made = compiled(model, backend or Backend())
	assert isinstance(made, Denoiser)
	return made


def stand_ins(module: torch.nn.Module) -> list[object]:
	"""What stands in for the `forward` of a network's modules."""
	return [part.__dict__['forward'] for part in module.modules() if 'forward' in part.__dict__]


def denoised(model: Denoiser, *, batch: int = 2, height: int = 8) -> Tensor:
	"""One look at a latent."""
	inputs = ModelInputs(noise(batch, 77, tiny.WIDTH, seed=5))
	return model.denoise(noise(batch, 4, height, 16), torch.full((batch,), 2.0), inputs)


@contextmanager
def called(folder: Path, cancel: CancelToken | None = None) -> Iterator[list[AnyEvent]]:
	"""As if a node were called: what it tells."""
	events: list[AnyEvent] = []
	storage = Storage.of(Settings(base=folder))
	models = ModelStore(Loaders(), storage.catalogue.find, budget=1)
	token = current.set(
		Context(
			JobInfo('job'),
			'node',
			models=models,
			storage=storage,
			cancel=cancel or CancelToken(),
			publish=events.append,
		)
	)
	try:
		yield events
	finally:
		current.reset(token)


@pytest.fixture(autouse=True)
def _compiler(monkeypatch: pytest.MonkeyPatch) -> None:
	"""Whatever the user has set."""
	monkeypatch.delenv('CXX', raising=False)


class TestResults:
	@pytest.mark.parametrize('kind', KINDS)
	def test_blocks_of_transformers(self, kind: str, denoiser: Denoiser) -> None:
		"""Each kind of block is traced as a whole, and says the same; another size needs nothing new."""
		plain, backend = network(kind), Backend()
		made = traced(replace(denoiser, network=plain), backend).network
		kinds = {type(block) for block in made.module.modules() if 'forward' in block.__dict__}
		for x in (latent(kind), noise(1, latent(kind).shape[1], 12, 6)):
			inputs = told(kind, plain, x)
			for found, wanted in zip(looks(made, x, inputs), looks(plain, x, inputs), strict=True):
				assert torch.allclose(found, wanted, atol=1e-5)
		graphs = backend.graphs

		assert kinds
		assert len(kinds) <= graphs <= 2 * len(kinds)
		x = noise(1, latent(kind).shape[1], 4, 10)
		looks(made, x, told(kind, plain, x))
		assert backend.graphs == graphs

	def test_blocks_of_unets(self, denoiser: Denoiser) -> None:
		"""All of them share what is compiled; the model that was given, and its weights, stay as they are."""
		backend = Backend()
		made = traced(denoiser, backend)
		mine, its = dict(made.network.module.named_parameters()), dict(denoiser.network.module.named_parameters())

		assert torch.allclose(denoised(made), denoised(denoiser), atol=1e-5)
		assert len(stand_ins(made.network.module)) > backend.graphs > 0
		assert not stand_ins(denoiser.network.module)
		assert all(mine[name] is weight for name, weight in its.items())
		assert made.nbytes == denoiser.nbytes

	def test_twice_is_once(self, denoiser: Denoiser) -> None:
		"""What is compiled is not compiled again."""
		made = traced(denoiser)

		assert compiled(made) is made

	def test_weights_are_let_go_of(self, checkpoint: Path) -> None:
		"""They leave with the model, though what was compiled is kept."""
		model = load_denoiser(Load((checkpoint,), 'denoiser'))
		denoised(traced(model))
		gone = weakref.ref(model.network.module.get_parameter(f'{BLOCK}.attn1.to_q.weight'))
		del model
		trim()

		assert gone() is None


class TestTogether:
	"""With all else that takes part in what a network computes."""

	def test_patched_weights(self, denoiser: Denoiser, tmp_path: Path) -> None:
		"""A LoRA's weights are computed with."""
		files = Files(tmp_path)
		shape = denoiser.network.module.get_parameter(f'{BLOCK}.attn2.to_q.weight').shape
		name = f'unet.{BLOCK}.attn2.to_q'
		lora = files.write({f'{name}.lora_B.weight': noise(shape[0], 2), f'{name}.lora_A.weight': noise(2, shape[1])})
		patched = denoiser.patched((LoraPatch(lora, 1.0),), files.load)

		assert torch.allclose(denoised(traced(patched)), denoised(patched), atol=1e-5)
		assert not torch.allclose(denoised(patched), denoised(denoiser), atol=1e-3)

	def test_settings_that_change_a_block_inside(
		self, denoiser: Denoiser, text: Towers, caplog: pytest.LogCaptureFixture
	) -> None:
		"""It is computed as it is written, and compiled again when they have gone; that is logged once."""
		backend = Backend()
		guided = PerturbedAttention(3.0).apply(denoiser, lambda ref: ref)
		with caplog.at_level(logging.WARNING, LOGGER):
			found = run(traced(guided, backend), text)

		assert torch.allclose(found, run(guided, text), atol=1e-4)
		assert not torch.allclose(found, run(denoiser, text), atol=1e-3)
		assert backend.graphs
		assert len([record for record in caplog.records if 'inside' in record.message]) <= 1

	@pytest.mark.parametrize(
		('remember', 'is_inside'), [(partial(FirstBlock, 0.5), False), (partial(Taylor, 3, 1, 1), True)]
	)
	def test_step_caches(self, remember: Remember, is_inside: bool, denoiser: Denoiser) -> None:
		"""They leave the same looks out, and what stands in for blocks is there again after each.

		What foretells parts of blocks has these computed as they are written.
		"""
		plain, x, backend = network('sd3'), latent('sd3'), Backend()
		made = traced(replace(denoiser, network=plain), backend).network
		inputs, before = told('sd3', plain, x), stand_ins(made.module)
		pairs = zip(
			looks(StepCached(made, remember), x, inputs), looks(StepCached(plain, remember), x, inputs), strict=True
		)

		assert all(torch.allclose(found, wanted, atol=1e-4) for found, wanted in pairs)
		assert (backend.graphs == 0) == is_inside
		assert stand_ins(made.module) == before
		assert all(isinstance(one, CompiledBlock) for one in before)

	def test_a_cancelled_job_leaves_between_blocks(self, denoiser: Denoiser, tmp_path: Path) -> None:
		"""The next block does not begin, and the network is as before."""
		cancel, passes = CancelToken(), list[int]()
		made = traced(denoiser)
		wanted = denoised(made)

		def seen(*_: object) -> None:
			passes.append(1)
			cancel.cancel()

		for block in [part for part in made.network.module.modules() if 'forward' in part.__dict__]:
			block.register_forward_hook(seen)
		with called(tmp_path, cancel), pytest.raises(JobCancelled):
			denoised(made)

		assert len(passes) == 1
		assert torch.equal(denoised(made), wanted)


class TestNotCompiled:
	def test_what_is_streamed(self, checkpoint: Path, tmp_path: Path) -> None:
		"""It is handed back, and the node is told."""
		room = load_denoiser(Load((checkpoint,), 'denoiser')).nbytes * 3 // 4
		model = load_denoiser(Load((checkpoint,), 'denoiser', room=room))
		with called(tmp_path) as events:
			assert compiled(model) is model

		assert [event.text for event in events if isinstance(event, NodeText)] == [
			'The model is not compiled: there is not room for all of it, so that its blocks come and go.'
		]

	def test_graphs_of_gpus_elsewhere(self, denoiser: Denoiser, tmp_path: Path) -> None:
		"""A workflow from another machine still runs."""
		with called(tmp_path) as events:
			assert compiled(denoiser, CUDA_GRAPHS) is denoiser

		assert len(events) == 1

	def test_networks_without_blocks(self, denoiser: Denoiser) -> None:
		"""There is nothing to compile."""
		model = replace(denoiser, network=denoiser.network.around(torch.nn.Linear(1, 1)))

		assert compiled(model) is model

	def test_what_cannot_be_compiled(self, denoiser: Denoiser, caplog: pytest.LogCaptureFixture) -> None:
		"""It is computed as it is; the reason is logged once."""
		with caplog.at_level(logging.WARNING, LOGGER):
			found = denoised(traced(denoiser, Failing()))

		assert torch.equal(found, denoised(denoiser))
		assert ['the compiler is broken' in record.message for record in caplog.records] == [True]


class TestCompiler:
	def test_it_must_be_there(self, denoiser: Denoiser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Before anything is computed, the error tells which one, and what to do."""
		monkeypatch.setenv('PATH', str(tmp_path))

		with pytest.raises(
			NotInstalled, match=r'a C\+\+ compiler .*not installed: install it.* or do without compiling'
		):
			compiled(denoiser)
		monkeypatch.setenv('CXX', 'my-compiler')
		with pytest.raises(NotInstalled, match=r'my-compiler.*CXX names it'):
			compiled(denoiser)

	def test_the_users_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""CXX names it, as torch has it."""
		mine = tmp_path / 'mine'
		mine.write_text('#!/bin/sh\n')
		mine.chmod(0o700)
		monkeypatch.setenv('CXX', str(mine))

		require_compiler()


@pytest.mark.skipif(shutil.which('g++') is None and not os.environ.get('CI'), reason='there is no C++ compiler')
class TestInductor:
	@pytest.mark.parametrize(('precision', 'tolerance'), TOLERANCES)
	def test_a_second_process_finds_what_was_compiled(
		self, precision: str, tolerance: float, checkpoint: Path, tmp_path: Path
	) -> None:
		"""In the folder that is named in the environment; results are within the tolerance that the README tells."""

		def process() -> dict[str, float]:
			done = subprocess.run(
				[sys.executable, '-m', 'tests.nodes.diffusion.compiling', str(checkpoint), precision],
				env={**os.environ, 'TORCHINDUCTOR_CACHE_DIR': str(tmp_path / 'compiled')},
				cwd=PROJECT,
				stdout=subprocess.PIPE,
				check=True,
			)
			found: dict[str, float] = json.loads(done.stdout)
			return found

		first, second = process(), process()

		assert first['graphs'] == first['misses'] > 0
		assert (second['hits'], second['misses']) == (first['misses'], 0)
		assert first['off'] < tolerance
		assert second['off'] == first['off']
