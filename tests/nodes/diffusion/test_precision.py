import pytest
import torch

from engine.models import CPU, Place
from nodes.diffusion.precision import auto, profile, resolved

GPU = Place('cuda:0')


class TestAuto:
	@pytest.mark.parametrize('part', ['denoiser', 'text', 'vae'])
	@pytest.mark.parametrize('family', ['sd1', 'sdxl', 'flux'])
	def test_cpu(self, part: str, family: str) -> None:
		"""Whole precision, whatever it is."""
		assert auto(CPU, part, family) == 'float32'

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
		assert resolved('float16', CPU, 'vae', 'sdxl') == 'float16'
		assert resolved('auto', CPU, 'vae', 'sdxl') == 'float32'


class TestProfile:
	def test_by_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Results of devices with other precisions are kept apart."""
		names = {profile(CPU)}
		for capability in ((9, 0), (7, 5), (6, 1)):
			monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device, answer=capability: answer)
			names.add(profile(GPU))

		assert names == {'float32', 'float16-bfloat16', 'float16-float32'}
