"""Nodes that choose and pass on."""

from __future__ import annotations

import pytest
import torch

from engine.declaration import Input, Output, Toggle
from engine.flow import InputWanted, Lazy
from engine.spec import NodeSpec, spec_of
from nodes import logic
from nodes.logic import reroute, switch
from nodes.values import Images, Latent, Mask


def declared(function: object) -> NodeSpec:
	"""The spec of a node function."""
	spec = spec_of(function)
	assert spec is not None
	return spec


class TestSwitch:
	def test_it_asks_for_the_chosen_one_only(self) -> None:
		"""The other input is never wanted."""
		with pytest.raises(InputWanted) as on:
			switch(True, Lazy[int]('on_false'), Lazy[int]('on_true'))
		with pytest.raises(InputWanted) as off:
			switch(False, Lazy[int]('on_false'), Lazy[int]('on_true'))

		assert on.value.names == ('on_true',)
		assert off.value.names == ('on_false',)

	def test_it_gives_the_chosen_one(self) -> None:
		"""Whatever it is."""
		assert switch(True, Lazy('on_false'), Lazy('on_true', 'yes', known=True)) == 'yes'
		assert switch(False, Lazy('on_false', 'no', known=True), Lazy('on_true')) == 'no'

	def test_it_is_declared_as_workflows_have_it(self) -> None:
		"""Names and kinds are those of ComfyUI's node; both ways and the output have one type."""
		info = declared(switch).info

		assert info.kind == 'ComfySwitchNode'
		assert [item.name for item in info.inputs] == ['switch', 'on_false', 'on_true']
		assert info.inputs[0].widget == Toggle()
		assert [(item.lazy, item.generic, item.required) for item in info.inputs[1:]] == [(True, 'T', True)] * 2
		assert info.outputs == (Output(name='output', type='*', generic='T'),)


class TestReroute:
	def test_it_passes_on_what_comes(self) -> None:
		"""The very same object, of any type."""
		value = object()

		assert reroute(value) is value

	def test_its_output_is_of_its_inputs_type(self) -> None:
		"""One type variable stands at both."""
		info = declared(reroute).info

		assert info.inputs == (Input(name='value', type='*', generic='T', tooltip='What to pass on.'),)
		assert info.outputs == (Output(name='value', type='*', generic='T'),)


class TestBooleans:
	def test_logic(self) -> None:
		"""Of any values."""
		assert logic.negate('')
		assert not logic.negate('no')
		assert logic.all_true({'value0': 1, 'value1': 'a'})
		assert not logic.all_true({'value0': 1, 'value1': 0.0})
		assert logic.any_true({'value0': None, 'value1': 1})
		assert not logic.any_true({'value0': 0})

	def test_tensors(self) -> None:
		"""What is not all zero counts as yes."""
		for empty in (Images(torch.zeros(1, 2, 2, 3)), Mask(torch.zeros(1, 2, 2)), Latent(torch.zeros(1, 4, 2, 2))):
			assert logic.negate(empty)
		assert not logic.negate(Mask(torch.ones(1, 2, 2)))


class TestCalculate:
	def test_forms(self) -> None:
		"""A number, a whole one, and yes or no."""
		assert logic.calculate('a + b', {'a': 1, 'b': 1.75}) == (2.75, 2, True)
		assert logic.calculate('a > b', {'a': 1, 'b': 2}) == (0.0, 0, False)
		assert logic.calculate('sum(values)', {'a': 1, 'c': 2}) == (3.0, 3, True)
