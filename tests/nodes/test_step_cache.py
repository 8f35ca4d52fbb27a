"""Nodes that make a model's steps quicker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from engine.graph import Graph
from engine.models import FileDigest, ModelRef
from engine.settings import Settings
from nodes.step_cache import (
	EasyReuse,
	FirstBlockReuse,
	LazyReuse,
	TaylorSteps,
	easy_cache,
	first_block_cache,
	lazy_cache,
	taylor_seer,
)
from tests.nodes.conftest import Bench, link
from tests.nodes.test_sampling import around, latent_of


def sampled(model: str, **more: Any) -> Graph:
	"""Eight steps of a model that comes from this node."""
	inputs: dict[str, Any] = {
		'model': link(model),
		'seed': 1,
		'steps': 8,
		'cfg': 2.0,
		'sampler_name': 'euler',
		'scheduler': 'normal',
		'positive': link('positive'),
		'negative': link('negative'),
		'latent_image': link('latent'),
		'denoise': 1.0,
	}
	return around(('KSampler', inputs), **more)


EASY = {'reuse_threshold': 1.0, 'start_percent': 0.0, 'end_percent': 1.0, 'verbose': False}
REF: ModelRef[Any] = ModelRef(FileDigest('x'), 'denoiser')


class TestNodes:
	def test_off_is_no_setting(self) -> None:
		"""The model is handed on as it is, so that what is cached of it counts."""
		assert first_block_cache(REF, 0.0) == REF
		assert taylor_seer(REF, 1, 3, 1) == REF
		assert easy_cache(REF, 0.0, 0.1, 0.9, verbose=True) == REF
		assert lazy_cache(REF, 0.0, 0.1, 0.9, verbose=True) == REF

	def test_settings_say_what_the_nodes_do(self) -> None:
		"""Number by number."""
		assert first_block_cache(REF, 0.1).settings == (FirstBlockReuse(0.1),)
		assert taylor_seer(REF, 4, 2, 1).settings == (TaylorSteps(4, 2, 1),)
		assert easy_cache(REF, 0.3, 0.1, 0.9, verbose=True).settings == (EasyReuse(0.3, 0.1, 0.9, verbose=True),)
		assert lazy_cache(REF, 0.3, 0.1, 0.9, verbose=False).settings == (LazyReuse(0.3, 0.1, 0.9),)

	def test_graphs_run_with_them(self, bench: Bench, tmp_path: Path, tiny_models: Path) -> None:
		"""Each draws another picture than the plain model, and the same in another runner."""
		other = Bench(Settings(base=tmp_path / 'other', models=tiny_models))
		nodes: tuple[tuple[str, dict[str, Any]], ...] = (
			('FirstBlockCache', {'model': link('model'), 'threshold': 0.9}),
			('EasyCache', {'model': link('model'), **EASY}),
			('LazyCache', {'model': link('model'), **EASY}),
			('TaylorSeerCache', {'model': link('model'), 'interval': 3, 'warm_up': 1, 'order': 0}),
		)
		plain = latent_of(bench, sampled('model'))
		for node in nodes:
			found = latent_of(bench, sampled('cached', cached=node))

			assert not torch.equal(found, plain)
			assert torch.equal(latent_of(other, sampled('cached', cached=node)), found)
