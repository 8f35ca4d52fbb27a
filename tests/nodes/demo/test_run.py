import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nodes.demo.run import Plan, Run, load_average, resume_run, start_run, train_run

PLAN = Plan(4, warm=2, decay_share=0.5, save_every=2, judge_every=1)


def fresh_run() -> Run:
	torch.manual_seed(0)
	return start_run({'line': nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1))}, {'line': 0.01}, seed=5)


def guess_the_sum(run: Run) -> Tensor:
	"""A loss that draws on both random generators."""
	x = torch.randn(16, 3, generator=run.noise) + float(run.random.normal())
	wrong: Tensor = run.models['line'](x)[:, 0] - x.sum(1)
	return wrong.square().mean()


class TestResuming:
	def test_two_steps_and_two_more_are_four_steps(self, tmp_path: Path) -> None:
		whole = fresh_run()
		train_run(whole, PLAN, guess_the_sum, tmp_path / 'whole.pt')

		train_run(fresh_run(), PLAN, guess_the_sum, tmp_path / 'parts.pt', stop=2)
		resumed = fresh_run()
		assert resume_run(resumed, tmp_path / 'parts.pt')
		assert resumed.step == 2
		train_run(resumed, PLAN, guess_the_sum, tmp_path / 'parts.pt')

		for name, value in whole.models.state_dict().items():
			assert torch.equal(value, resumed.models.state_dict()[name])
		for name, value in whole.average.state_dict().items():
			assert torch.equal(value, resumed.average.state_dict()[name])
		assert whole.random.normal() == resumed.random.normal()

	def test_there_may_be_nothing_to_resume(self, tmp_path: Path) -> None:
		assert not resume_run(fresh_run(), tmp_path / 'none.pt')

	def test_nothing_half_written_is_left(self, tmp_path: Path) -> None:
		train_run(fresh_run(), PLAN, guess_the_sum, tmp_path / 'state.pt')

		assert [path.name for path in tmp_path.iterdir()] == ['state.pt']


class TestJudging:
	def test_the_best_state_is_kept(self, tmp_path: Path) -> None:
		run = fresh_run()
		verdicts = iter((0.2, 0.9, 0.4, 0.5))
		seen: list[Tensor] = []

		def judge() -> dict[str, float]:
			seen.append(run.average['line'].state_dict()['0.weight'].clone())
			return {'score': next(verdicts)}

		train_run(run, PLAN, guess_the_sum, tmp_path / 'state.pt', judge)

		assert run.best == 0.9
		assert torch.equal(load_average(tmp_path / 'best.pt')['line.0.weight'], seen[1])


class TestPlan:
	def test_the_rate_goes_up_stays_and_goes_down_by_steps(self) -> None:
		plan = Plan(100, warm=10, decay_share=0.2)
		rates = [plan.rate(step) for step in range(100)]

		assert rates[0] == pytest.approx(0.1)
		assert rates[9:80] == [1.0] * 71
		assert np.all(np.diff(rates[80:]) < 0)
		assert math.isclose(rates[-1], 0.05)

	def test_the_average_soon_forgets_the_start(self) -> None:
		assert Plan(100).keep(0) < 0.1
		assert Plan(100).keep(10**6) == 0.999
