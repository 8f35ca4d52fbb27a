"""The node that has a model compiled, and the setting that has all of them compiled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engine.compute import Compute
from engine.models import FileDigest, ModelRef
from engine.runner import Runner
from engine.settings import Settings
from nodes.compiling import KEPT, CompiledBlocks, add_compiling, compile_model, keep_in
from nodes.diffusion.compiling import CompiledBlock

REF: ModelRef[Any] = ModelRef(FileDigest('x'), 'denoiser')


def are_compiled(runner: Runner, ref: ModelRef[Any]) -> bool:
	"""Whether a model's blocks are to be compiled when they are used."""
	with runner.models.use(ref) as model:
		parts = model.network.module.modules()
		return any(isinstance(part.__dict__.get('forward'), CompiledBlock) for part in parts)


class TestNode:
	def test_it_is_a_setting(self) -> None:
		"""Part of the recipe, so that results are kept apart from others; no weights of its own."""
		ref = compile_model(REF, 'inductor')

		assert ref.settings == (CompiledBlocks('inductor'),)
		assert ref != REF
		assert ref.identity == REF

	def test_models_from_it_are_compiled(self, tmp_path: Path, tiny_models: Path) -> None:
		"""And no others."""
		runner = Runner(Settings(base=tmp_path, models=tiny_models), lambda event: None)
		catalogue = runner.storage.catalogue
		ref: ModelRef[Any] = ModelRef(catalogue.digest(catalogue.path('checkpoints', 'tiny.safetensors')), 'denoiser')

		assert are_compiled(runner, compile_model(ref, 'inductor'))
		assert not are_compiled(runner, ref)


class TestSetting:
	def test_all_models_are_compiled(self, tmp_path: Path, tiny_models: Path) -> None:
		"""Whatever the workflow says, and results are kept apart."""
		plain, runner = (
			Runner(Settings(base=tmp_path, models=tiny_models, compile=compile), lambda event: None)
			for compile in (False, True)
		)
		catalogue = runner.storage.catalogue
		ref: ModelRef[Any] = ModelRef(catalogue.digest(catalogue.path('checkpoints', 'tiny.safetensors')), 'denoiser')

		assert are_compiled(runner, ref)
		assert are_compiled(runner, compile_model(ref, 'inductor'))
		assert runner.profile == f'{plain.profile}-compiled'


class TestKept:
	def test_where(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""In the folder of caches, unless the user has named another one."""
		monkeypatch.delenv(KEPT, raising=False)
		compute = Compute()
		add_compiling(compute)
		compute.keep_in(tmp_path)
		assert os.environ[KEPT] == str(tmp_path)
		keep_in(tmp_path / 'other')

		assert os.environ[KEPT] == str(tmp_path)

	def test_of_a_runner(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Below the cache of its base."""
		monkeypatch.delenv(KEPT, raising=False)
		settings = Settings(base=tmp_path)
		Runner(settings, lambda event: None)

		assert os.environ[KEPT] == str(settings.cache_folder / 'compiled')
