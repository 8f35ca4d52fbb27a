from pathlib import Path

import pytest
import torch

from nodes.diffusion.cpu import MULTIPLIES, features, has_bfloat16

TOLD = 'processor\t: 0\nmodel name\t: Some\nflags\t\t: fpu sse2 avx512_bf16\n\nprocessor\t: 1\nflags\t\t: fpu\n'


class TestFeatures:
	def test_of_the_first(self, tmp_path: Path) -> None:
		"""As Linux tells them."""
		told = tmp_path / 'cpuinfo'
		told.write_text(TOLD)

		assert features(told) == {'fpu', 'sse2', 'avx512_bf16'}

	@pytest.mark.parametrize('text', ['', 'processor\t: 0\nBogoMIPS\t: 50\n'])
	def test_untold(self, text: str, tmp_path: Path) -> None:
		"""Other architectures tell other things."""
		told = tmp_path / 'cpuinfo'
		told.write_text(text)

		assert features(told) == set()
		assert features(tmp_path / 'none') == set()


class TestBfloat16:
	def test_as_torch_finds_it(self) -> None:
		"""What is read from the system is what torch finds by asking the processor."""
		found = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()

		assert has_bfloat16() == found
		assert MULTIPLIES.isdisjoint(features()) != found or not features()
