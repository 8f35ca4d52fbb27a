"""A training run that can be stopped at any step and goes on as if it had not been: what every stage of `train` shares.

The state on disk holds weights, optimizer, moving average, both random generators and the step, and is replaced in one move,
so a killed run loses at most the steps since the last save. Rates depend on the step only, never on the clock: on a busy
machine a run takes longer but does the same.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

State = dict[str, object]
Judge = Callable[[], Mapping[str, float]]


@dataclass(frozen=True)
class Plan:
	"""How long a run is, and how its rate and its moving average go."""

	steps: int
	warm: int = 100
	decay_share: float = 0.3
	"""The rate falls to nothing over this last share of the steps."""

	average: float = 0.999
	save_every: int = 500
	judge_every: int = 1000
	report_every: int = 50

	def rate(self, step: int) -> float:
		"""Share of the peak rate at a step, 0..1: up, level, down.

		>>> Plan(1000, warm=100, decay_share=0.5).rate(750)
		0.5
		"""
		left = (self.steps - step) / (self.steps * self.decay_share)
		return max(0.0, min(1.0, (step + 1) / self.warm, left))

	def keep(self, step: int) -> float:
		"""How much of the moving average stays at a step: little at first, so that the start is soon forgotten."""
		return min(self.average, (step + 1) / (step + 15))


@dataclass
class Run:
	"""Everything that changes while training."""

	models: nn.ModuleDict
	optimizer: torch.optim.Optimizer
	average: nn.ModuleDict
	"""Moving average of the models' weights: what is judged and shipped."""

	random: np.random.Generator
	noise: torch.Generator
	step: int = 0
	best: float = -1.0
	peaks: list[float] = field(init=False)

	def __post_init__(self) -> None:
		self.peaks = [float(group['lr']) for group in self.optimizer.param_groups]

	def state(self) -> State:
		"""A picture of the run from which `restore` goes on exactly."""
		return {
			'models': self.models.state_dict(),
			'optimizer': self.optimizer.state_dict(),
			'average': self.average.state_dict(),
			'random': json.dumps(self.random.bit_generator.state),
			'noise': self.noise.get_state(),
			'step': self.step,
			'best': self.best,
		}

	def restore(self, state: State) -> None:
		"""Takes over a state that a run of the same models has written."""
		self.models.load_state_dict(cast(dict[str, Tensor], state['models']))
		self.optimizer.load_state_dict(cast(State, state['optimizer']))
		self.average.load_state_dict(cast(dict[str, Tensor], state['average']))
		self.random.bit_generator.state = json.loads(cast(str, state['random']))
		self.noise.set_state(cast(Tensor, state['noise']))
		self.step = cast(int, state['step'])
		self.best = cast(float, state['best'])


def start_run(models: Mapping[str, nn.Module], rates: Mapping[str, float], seed: int) -> Run:
	"""A run at step 0. `rates` gives the peak rate of each model; the others stay as they are."""
	together = nn.ModuleDict(dict(models))
	groups = [
		{'params': [weight for weight in models[name].parameters() if weight.requires_grad], 'lr': rate}
		for name, rate in rates.items()
	]
	optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
	average = copy.deepcopy(together).requires_grad_(False).eval()
	return Run(together, optimizer, average, np.random.default_rng(seed), torch.Generator().manual_seed(seed))


def save_run(run: Run, path: Path) -> None:
	"""Writes the state beside its place and moves it in, so that no half-written state is ever found."""
	path.parent.mkdir(parents=True, exist_ok=True)
	fresh = path.with_suffix('.new')
	torch.save(run.state(), fresh)
	fresh.replace(path)


def resume_run(run: Run, path: Path) -> bool:
	"""Goes on from a saved state where there is one."""
	if not path.exists():
		return False
	run.restore(cast(State, torch.load(path, weights_only=True)))
	return True


def load_average(path: Path) -> dict[str, Tensor]:
	"""The averaged weights of a saved state, by `model.parameter`."""
	state = cast(State, torch.load(path, weights_only=True))
	return cast(dict[str, Tensor], state['average'])


def train_run(
	run: Run,
	plan: Plan,
	loss_of: Callable[[Run], Tensor],
	path: Path,
	judge: Judge | None = None,
	stop: int | None = None,
) -> None:
	"""Trains up to step `stop` (or the plan's end), saving as it goes; the best judged state is kept as `best.pt` beside `path`."""
	last = plan.steps if stop is None else min(stop, plan.steps)
	weights = [parameter for group in run.optimizer.param_groups for parameter in group['params']]
	begun, first, smooth = time.monotonic(), run.step, 0.0
	while run.step < last:
		for group, peak in zip(run.optimizer.param_groups, run.peaks, strict=True):
			group['lr'] = peak * plan.rate(run.step)
		loss = loss_of(run)
		run.optimizer.zero_grad()
		torch.autograd.backward(loss)
		nn.utils.clip_grad_norm_(weights, 1.0)
		run.optimizer.step()
		with torch.no_grad():
			torch._foreach_lerp_(list(run.average.parameters()), list(run.models.parameters()), 1 - plan.keep(run.step))
		run.step += 1
		smooth = loss.item() if not smooth else 0.98 * smooth + 0.02 * loss.item()
		if run.step % plan.report_every == 0:
			pace = (time.monotonic() - begun) / (run.step - first)
			print(f'step {run.step} loss {smooth:.4f} {pace:.3f} s a step', flush=True)
		if judge is not None and (run.step % plan.judge_every == 0 or run.step == plan.steps):
			_judge_run(run, judge, path)
		if run.step % plan.save_every == 0 or run.step == last:
			save_run(run, path)


def _judge_run(run: Run, judge: Judge, path: Path) -> None:
	verdict = judge()
	print(f'judged at {run.step}:', ' '.join(f'{name} {value:.3f}' for name, value in verdict.items()), flush=True)
	if verdict['score'] > run.best:
		run.best = verdict['score']
		save_run(run, path.with_name('best.pt'))
