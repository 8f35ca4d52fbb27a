"""The names that nodes offer, and the functions behind them."""

from __future__ import annotations

import subprocess
import sys

from nodes.diffusion import names
from nodes.diffusion.samplers import SAMPLERS, SKIPS_LAST_SIGMA
from nodes.diffusion.schedules import SCHEDULES


class TestNames:
	def test_every_name_has_its_function_and_every_function_its_name(self) -> None:
		"""Names and functions agree, in one order."""
		assert tuple(SAMPLERS) == names.SAMPLERS
		assert tuple(SCHEDULES) == names.SCHEDULES
		assert set(names.SAMPLERS) >= SKIPS_LAST_SIGMA

	def test_names_need_no_torch(self) -> None:
		"""Node declarations can be made in a process that never imports torch."""
		code = 'import sys; from nodes.diffusion import names; sys.exit("torch" in sys.modules)'

		assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
