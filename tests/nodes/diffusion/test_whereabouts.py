"""What a network wants its inputs to be like."""

from __future__ import annotations

import torch
from torch.nn import LayerNorm, Linear, Parameter, Sequential

from nodes.diffusion.control.residuals import Residuals
from nodes.diffusion.whereabouts import dtype_of, moved, place_of
from nodes.values import ModelInputs


class TestOfAModule:
	def test_weights_that_are_kept_coded_do_not_tell(self) -> None:
		"""Bytes are no numbers to compute in."""
		module = Sequential(Linear(2, 2, bias=False), LayerNorm(2, dtype=torch.float16))
		module[0].weight = Parameter(torch.zeros(2, 2, dtype=torch.int8), requires_grad=False)

		assert dtype_of(module) == torch.float16

	def test_weights_that_are_away_do_not_tell(self) -> None:
		"""Those of blocks that are streamed are on no device meanwhile."""
		module = Sequential(Linear(2, 2, device='meta'), Linear(2, 2))

		assert place_of(module).type == 'cpu'


class TestMoved:
	def test_all_tensors_are(self) -> None:
		"""In tuples and in dataclasses within as well; all else stays."""
		tensor = torch.zeros(1)
		inputs = ModelInputs(tensor, references=(tensor,), residuals=Residuals((tensor,), tensor), prompts=2)

		there = moved(inputs, torch.device('meta'))

		assert there.residuals is not None
		assert there.residuals.middle is not None
		places = [one.device.type for one in (there.embedding, *there.references, *there.residuals.down)]
		assert [*places, there.residuals.middle.device.type] == ['meta'] * 4
		assert there.prompts == 2

	def test_what_is_there_is_not_copied(self) -> None:
		"""The very same object comes back."""
		inputs = ModelInputs(torch.zeros(1))

		assert moved(inputs, torch.device('cpu')) is inputs
