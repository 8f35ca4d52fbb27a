"""Compiles a tiny UNet as a process of its own: `python -m tests.nodes.diffusion.compiling CHECKPOINT PRECISION`.

Prints JSON: by what part of its norm the result is off, and how often what was compiled lay in the cache already, or did not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from engine.models import Load
from nodes.diffusion.checkpoint import load_denoiser
from nodes.diffusion.compiling import compiled
from nodes.values import ModelInputs
from tests import tiny


def main(path: Path, precision: str) -> None:
	"""Denoise once as it is, and once compiled."""
	from torch._dynamo.utils import counters

	torch.set_num_threads(1)
	model = load_denoiser(Load((path,), 'denoiser', precision))
	x, embedding = (torch.randn(shape, generator=torch.Generator().manual_seed(1)) for shape in SHAPES)
	inputs, sigma = ModelInputs(embedding), torch.full((2,), 2.0)
	exact, found = (one.denoise(x, sigma, inputs) for one in (model, compiled(model)))
	kept = counters['inductor']
	told = {
		'off': float((found - exact).norm() / exact.norm()),
		'graphs': counters['stats']['unique_graphs'],
		'hits': kept['fxgraph_cache_hit'],
		'misses': kept['fxgraph_cache_miss'],
	}
	print(json.dumps(told))


SHAPES = ((2, 4, 12, 16), (2, 77, tiny.WIDTH))

if __name__ == '__main__':
	main(Path(sys.argv[1]), sys.argv[2])
