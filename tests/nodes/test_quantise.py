"""The node that has a model quantised."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from engine.errors import BadInput, NotInstalled
from engine.models import FileDigest, ModelRef
from nodes.diffusion.patches.recipes import LoraPatch
from nodes.diffusion.precision import QUANTISED
from nodes.quantise import quantise_model
from tests.nodes.conftest import Bench, link
from tests.nodes.test_sampling import latent_of
from tests.nodes.test_step_cache import sampled

REF: ModelRef[Any] = ModelRef(FileDigest('x'), 'denoiser')


class TestNode:
	@pytest.mark.quantise
	def test_another_recipe(self) -> None:
		"""Each method is a model of its own, whatever patches it has."""
		patched = REF.patched(LoraPatch(FileDigest('y'), 1.0))
		found = {quantise_model(ref, method) for ref in (REF, patched) for method in QUANTISED}

		assert len(found) == 2 * len(QUANTISED)
		assert {ref.unpatched.dtype for ref in found} == {*QUANTISED}

	@pytest.mark.quantise
	def test_what_has_a_precision_of_its_own(self) -> None:
		"""It is refused, and told which."""
		with pytest.raises(BadInput, match=r"'model'.*got fp8_e4m3fn"):
			quantise_model(ModelRef(FileDigest('x'), 'denoiser', 'fp8_e4m3fn'), 'int8_weight_only')

	def test_without_torchao(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""The node fails before a model is read, and tells what to install."""
		monkeypatch.setitem(sys.modules, 'torchao', None)

		with pytest.raises(NotInstalled, match=r'torchao.*pip install'):
			quantise_model(REF, 'int8_weight_only')

	@pytest.mark.quantise
	def test_in_a_graph(self, bench: Bench) -> None:
		"""It draws nearly the same, and needs less room, which is known before it runs."""
		quantise = ('QuantiseModel', {'model': link('model'), 'method': 'int8_weight_only'})
		plain, found = (latent_of(bench, sampled(name, quantised=quantise)).float() for name in ('model', 'quantised'))
		weights = []
		for name in ('model', 'quantised'):
			checked = bench.runner.check(sampled(name, quantised=quantise))
			forecast = bench.runner.forecast(checked.graph, checked.sinks)
			weights.append(sum(node.weights for node in forecast.nodes if node.kind == 'KSampler'))

		assert 0 < float((found - plain).norm() / plain.norm()) < 0.05
		assert 0 < weights[1] < weights[0]
