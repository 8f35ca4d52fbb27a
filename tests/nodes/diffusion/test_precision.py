from dataclasses import replace

import pytest
import torch

from engine.models import CPU, Load, Place
from nodes.diffusion import precision
from nodes.diffusion.precision import auto, profile, resolved

GPU = Place('cuda:0')


class TestAuto:
	@pytest.mark.parametrize('part', ['denoiser', 'text', 'vae'])
	@pytest.mark.parametrize('family', ['sd1', 'sdxl', 'flux'])
	def test_cpu(self, part: str, family: str) -> None:
		"""Whole precision of what is small, whatever it is."""
		assert auto(CPU, part, family, weights=40_000_000) == 'float32'

	@pytest.mark.parametrize(
		('part', 'weights', 'expected'),
		[
			('denoiser', 860_000_000, 'bfloat16'),
			('vae', 84_000_000, 'bfloat16'),
			('text', 123_000_000, 'float32'),
			('text', 4_700_000_000, 'bfloat16'),
			('controlnet', 361_000_000, 'bfloat16'),
			('upscaler', 361_000_000, 'float32'),
		],
	)
	def test_large_on_cpu(self, part: str, weights: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Half precision if the processor computes with it; never if the results are to be exact."""
		monkeypatch.setattr(precision, 'has_bfloat16', lambda: True)
		assert auto(CPU, part, 'sd1', weights=weights) == expected
		assert auto(CPU, part, 'sd1', weights=weights, exact=True) == 'float32'
		monkeypatch.setattr(precision, 'has_bfloat16', lambda: False)

		assert auto(CPU, part, 'sd1', weights=weights) == 'float32'

	@pytest.mark.parametrize(
		('part', 'family', 'new', 'old', 'oldest'),
		[
			('denoiser', 'sd1', 'float16', 'float16', 'float32'),
			('denoiser', 'sdxl', 'float16', 'float16', 'float32'),
			('denoiser', 'flux', 'bfloat16', 'float32', 'float32'),
			('vae', 'sd1', 'float16', 'float16', 'float32'),
			('vae', 'sdxl', 'bfloat16', 'float32', 'float32'),
			('text', 'sdxl', 'bfloat16', 'float32', 'float32'),
			('denoiser', '', 'bfloat16', 'float32', 'float32'),
		],
	)
	def test_gpus(
		self, part: str, family: str, new: str, old: str, oldest: str, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""By what they can, and never float16 where it overflows."""
		for capability, expected in (((9, 0), new), ((7, 5), old), ((6, 1), oldest)):
			monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device, answer=capability: answer)

			assert auto(GPU, part, family) == expected

	def test_apple(self) -> None:
		"""No bfloat16 there."""
		assert auto(Place('mps'), 'denoiser', 'sd1') == 'float16'
		assert auto(Place('mps'), 'vae', 'sdxl') == 'float32'

	def test_what_is_asked_for(self) -> None:
		"""It is not decided anew."""
		load = Load((), 'vae', 'float16', exact=True)

		assert resolved(load, 'sdxl', 84_000_000) == 'float16'
		assert resolved(replace(load, dtype='auto'), 'sdxl', 84_000_000) == 'float32'


class TestProfile:
	def test_by_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Results of devices with other precisions are kept apart."""
		names = set()
		for has in (True, False):
			monkeypatch.setattr(precision, 'has_bfloat16', lambda answer=has: answer)
			names.add(profile(CPU, False))
		for capability in ((9, 0), (7, 5), (6, 1)):
			monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device, answer=capability: answer)
			names.add(profile(GPU, False))

		assert names == {'bfloat16', 'float32', 'float16-bfloat16', 'float16-float32'}

	def test_exact(self) -> None:
		"""Exact results are the same everywhere."""
		assert {profile(place, True) for place in (CPU, GPU, Place('mps'))} == {'float32'}
