"""The full-size models that benchmarks are made with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nodes.diffusion.families import find_denoiser
from nodes.diffusion.files import open_source
from tests.benchmarks import full_size
from tests.nodes.diffusion.layouts import released


class TestShapes:
	@pytest.mark.parametrize(
		('prefix', 'part'),
		[
			(full_size.UNET, released.SD15_UNET),
			(full_size.VAE, released.VAE),
			(full_size.CLIP, released.CLIP_L),
		],
	)
	def test_they_are_those_of_the_released_model(self, prefix: str, part: released.Released) -> None:
		"""Every name and shape."""
		shapes = full_size.sd15_shapes()
		inside = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}

		found = find_denoiser(shapes)

		assert released.digest(inside) == part.digest
		assert found is not None
		assert found[0].name == 'sd1'


class TestWrite:
	def test_values_follow_from_names(self, tmp_path: Path) -> None:
		"""The file is one that is read; weights have a variance of one over their inputs."""
		shapes = {'a.weight': (64, 256), 'a.bias': (64,), 'norm.weight': (64,)}
		path = tmp_path / 'model.safetensors'
		full_size.write(path, shapes, torch.float32)

		with open_source(path).open() as reader:
			for name, shape in shapes.items():
				assert torch.equal(reader.read(name), full_size.values(name, shape))
			assert float(reader.read('a.weight').std()) == pytest.approx(1 / 16, rel=0.05)
			assert float(reader.read('norm.weight').mean()) == pytest.approx(1, abs=0.05)
