"""The names that nodes offer, and the functions behind them."""

from __future__ import annotations

import re
import subprocess
import sys

import diffusers

from engine.settings import PROJECT
from nodes.diffusion import names
from nodes.diffusion.samplers import FRESH_MASK_NOISE, SAMPLERS, SKIPS_LAST_SIGMA
from nodes.diffusion.schedules import SCHEDULES


class TestNames:
	def test_every_name_has_its_function_and_every_function_its_name(self) -> None:
		"""Names and functions agree, in one order."""
		assert tuple(SAMPLERS) == names.SAMPLERS
		assert tuple(SCHEDULES) == names.SCHEDULES
		assert set(names.SAMPLERS) >= SKIPS_LAST_SIGMA | FRESH_MASK_NOISE

	def test_every_scheduler_of_diffusers_has_its_pair(self) -> None:
		"""All 18 are classes that there are, and name a sampler and a schedule that there are."""
		assert len(names.DIFFUSERS) == 18
		assert all(hasattr(diffusers, name) for name in names.DIFFUSERS)
		assert all(sampler in SAMPLERS and schedule in SCHEDULES for sampler, schedule in names.DIFFUSERS.values())

	def test_people_find_the_pairs_in_the_documentation(self) -> None:
		"""Each row of the table is what the program has."""
		rows = re.findall(r'^\| `(\w+)` \| `(\w+)` \| `(\w+)` \|$', (PROJECT / 'nodes/README.md').read_text(), re.M)

		assert {name: (sampler, schedule) for name, sampler, schedule in rows} == names.DIFFUSERS

	def test_names_need_no_torch(self) -> None:
		"""Node declarations can be made in a process that never imports torch."""
		code = 'import sys; from nodes.diffusion import names; sys.exit("torch" in sys.modules)'

		assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
