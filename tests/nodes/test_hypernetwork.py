"""HypernetworkLoader in a graph."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.settings import Settings
from tests import tiny
from tests.nodes.conftest import Bench, link
from tests.nodes.test_sampling import latent_of
from tests.nodes.test_step_cache import sampled


class TestLoader:
	def test_a_graph_draws_with_it(self, tmp_path: Path) -> None:
		"""Another picture than without; with no strength the same, and the loaded model is as it was."""
		for kind in ('checkpoints', 'hypernetworks'):
			(tmp_path / 'models' / kind).mkdir(parents=True)
		tiny.save_checkpoint(tmp_path / 'models' / 'checkpoints' / 'tiny.safetensors')
		stack = {'linear.0.weight': -torch.eye(tiny.WIDTH), 'linear.0.bias': torch.ones(tiny.WIDTH)}
		torch.save({tiny.WIDTH: (stack, stack)}, tmp_path / 'models' / 'hypernetworks' / 'style.pt')
		bench = Bench(Settings(base=tmp_path, models=tmp_path / 'models'))
		inputs = {'model': link('model'), 'hypernetwork_name': 'style.pt'}
		plain = latent_of(bench, sampled('model'))
		with_it, without = (
			latent_of(bench, sampled('style', style=('HypernetworkLoader', inputs | {'strength': strength})))
			for strength in (1.0, 0.0)
		)

		assert not torch.equal(with_it, plain)
		assert torch.equal(without, plain)
