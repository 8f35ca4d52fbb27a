import gc
import os
import weakref

import pytest
import torch

from engine.compute import Compute
from engine.models import CPU
from nodes.computing import WAITING, add_computing, is_full, trim
from nodes.diffusion.cpu import has_bfloat16


class TestFull:
	@pytest.mark.parametrize(
		('error', 'expected'),
		[
			(torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB.'), True),
			(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
			(RuntimeError('MPS backend out of memory (MPS allocated: 1 GB)'), True),
			(RuntimeError('mat1 and mat2 shapes cannot be multiplied'), False),
			(ValueError('out of memory'), False),
		],
	)
	def test_by_what_torch_says(self, error: Exception, expected: bool) -> None:
		"""Allocators of all devices, and no other errors."""
		assert is_full(error) is expected

	def test_the_real_one(self) -> None:
		"""What torch raises when the machine has no such memory."""
		with pytest.raises(RuntimeError) as caught:
			torch.empty(2**50)

		assert is_full(caught.value)


class TestWaiting:
	def test_threads_sleep_while_they_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""But what the user has said stays."""
		monkeypatch.delenv(WAITING, raising=False)
		add_computing(Compute())
		asked = os.environ[WAITING]
		monkeypatch.setenv(WAITING, 'active')
		add_computing(Compute())

		assert asked == 'passive'
		assert os.environ[WAITING] == 'active'


class TestTrim:
	def test_circles(self) -> None:
		"""Networks that hold themselves are let go of."""
		module = torch.nn.Linear(1, 1)
		module.register_forward_hook(lambda *_, mine=module: None)
		gone = weakref.ref(module)
		gc.disable()
		try:
			del module
			trim()
			assert gone() is None
		finally:
			gc.enable()


class TestRegister:
	def test_the_engine_is_told(self) -> None:
		"""Errors, memory and precisions."""
		compute = Compute()
		add_computing(compute)

		assert compute.is_full(torch.OutOfMemoryError('CUDA out of memory'))
		assert compute.profile(CPU, exact=True) == 'cpu-float32'
		assert compute.profile(CPU) == ('cpu-bfloat16' if has_bfloat16() else 'cpu-float32')
