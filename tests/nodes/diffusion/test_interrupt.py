from pathlib import Path

import pytest
import torch

from engine.cancel import CancelToken
from engine.context import Context, JobInfo, current
from engine.errors import JobCancelled
from engine.models import Loaders
from engine.modelstore import ModelStore
from engine.settings import Settings
from engine.storage import Storage
from nodes.diffusion.interrupt import interruptible


class Counting(torch.nn.Module):
	"""Adds one, and counts its passes; the third one cancels the job."""

	passes = 0

	def __init__(self, cancel: CancelToken) -> None:
		super().__init__()
		self.cancel = cancel

	def forward(self, x: torch.Tensor) -> torch.Tensor:
		Counting.passes += 1
		if Counting.passes == 3:
			self.cancel.cancel()
		return x + 1


class Network(torch.nn.Module):
	"""Ten blocks in a list."""

	def __init__(self, cancel: CancelToken) -> None:
		super().__init__()
		self.blocks = torch.nn.ModuleList(Counting(cancel) for _ in range(10))

	def forward(self, x: torch.Tensor) -> torch.Tensor:
		for block in self.blocks:
			x = block(x)
		return x


@pytest.fixture
def cancel() -> CancelToken:
	Counting.passes = 0
	return CancelToken()


def context(folder: Path, cancel: CancelToken) -> Context:
	"""The context of a node of the job that the token belongs to."""
	storage = Storage.of(Settings(base=folder))
	models = ModelStore(Loaders(), storage.catalogue.find, budget=1)
	return Context(JobInfo('job'), 'node', models=models, storage=storage, cancel=cancel, publish=lambda event: None)


class TestInterruptible:
	def test_a_pass_is_left_at_the_next_block(self, cancel: CancelToken, tmp_path: Path) -> None:
		"""Nothing more is computed once the job is cancelled."""
		network = Network(cancel)
		interruptible(network)
		token = current.set(context(tmp_path, cancel))
		try:
			with pytest.raises(JobCancelled):
				network(torch.zeros(1))
		finally:
			current.reset(token)

		assert Counting.passes == 3

	def test_a_network_outside_a_job_runs_through(self, cancel: CancelToken) -> None:
		"""Where no node is being called, nobody can cancel."""
		network = Network(cancel)
		interruptible(network)

		assert network(torch.zeros(1)).item() == 10

	def test_the_network_is_as_before(self, cancel: CancelToken, tmp_path: Path) -> None:
		"""A pass that was left has no effect on the next one."""
		network = Network(cancel)
		interruptible(network)
		token = current.set(context(tmp_path, cancel))
		with pytest.raises(JobCancelled):
			network(torch.zeros(1))
		current.reset(token)

		assert network(torch.zeros(1)).item() == 10
