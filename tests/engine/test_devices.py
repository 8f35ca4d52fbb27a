"""The devices that nodes compute on."""

from __future__ import annotations

import pytest
import torch

from engine.devices import used_devices


class TestUsed:
	def test_every_gpu_if_there_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""As torch counts them, unless the CPU is asked for."""
		monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
		monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)

		assert used_devices() == ('cuda:0', 'cuda:1')
		assert used_devices(cpu=True) == ('cpu',)

	def test_the_cpu_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""It is always there."""
		monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

		assert used_devices() == ('cpu',)
