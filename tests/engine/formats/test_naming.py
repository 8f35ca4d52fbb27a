"""What `NODE.INPUT` stands for."""

from __future__ import annotations

from engine.declaration import Input, NodeInfo
from engine.formats.naming import cuts, inputs_of, no_input, takes
from engine.graph import Call, Constant

SIZED = NodeInfo(
	kind='Sized', title='Sized', category='', inputs=(Input(name='width', type='INT'), Input(name='height', type='INT'))
)


class TestCuts:
	def test_the_longest_id_comes_first(self) -> None:
		"""Ids and inputs may have dots."""
		assert list(cuts('3.size.width')) == [('3.size', 'width'), ('3', 'size.width')]

	def test_there_is_no_node_without_a_name(self) -> None:
		"""Nor one without a dot."""
		assert list(cuts('.width')) == list(cuts('width')) == []


class TestTakes:
	def test_what_is_declared_or_there_already(self) -> None:
		"""A value that the file gave is not taken away by a name that nobody declares."""
		call = Call('Sized', {'depth': Constant(1)})

		assert [takes(SIZED, call, name) for name in ('width', 'depth', 'widht')] == [True, True, False]
		assert inputs_of(SIZED, call) == ('width', 'height', 'depth')

	def test_of_unknown_kinds_nobody_can_say(self) -> None:
		"""So they take anything."""
		assert takes(None, Call('Lost'), 'widht')


class TestNoInput:
	def test_names_the_nearest(self) -> None:
		"""With the node, its kind, and what it takes."""
		misfit = no_input('e', 'Sized', 'widht', ('width', 'height'))

		assert misfit.input == 'e.widht'
		assert "'e' (Sized): width, height" in misfit.expected
		assert "did you mean 'e.width'?" in misfit.received
