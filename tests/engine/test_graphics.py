"""Whether a GPU is looked for."""

from __future__ import annotations

from pathlib import Path

from engine.graphics import may_have_gpu


class TestDrivers:
	def test_any_one_will_do(self, tmp_path: Path) -> None:
		"""Each system has its own."""
		there = tmp_path / 'nvidia0'
		there.touch()

		assert may_have_gpu((tmp_path / 'kfd', there))
		assert not may_have_gpu((tmp_path / 'kfd',))
