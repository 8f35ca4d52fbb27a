"""How kinds of model files are told apart, and how a fact says where it is known from."""

from __future__ import annotations

import pytest

from engine.facts import FileMark, Known, TensorMark, recognise

Shapes = dict[str, tuple[int, ...]]


def mark(*tensors: TensorMark, without: tuple[str, ...] = (), family: str = 'a') -> FileMark:
	"""A mark of one family."""
	return FileMark(title=family, tensors=tensors, without=without, facts={'family': family})


class TestMarks:
	@pytest.mark.parametrize(
		('shapes', 'fits'),
		[
			({'one': (4, 8), 'other': (1,)}, True),
			({'one': (4, 9), 'other': (1,)}, True),
			({'one': (5, 8), 'other': (1,)}, False),
			({'one': (4, 8, 1), 'other': (1,)}, False),
			({'one': (4, 8)}, False),
			({'other': (1,)}, False),
			({}, False),
		],
	)
	def test_all_tensors_must_be_there(self, shapes: Shapes, fits: bool) -> None:
		"""By name, and in the given shape where one is given; −1 is any size."""
		wanted = mark(TensorMark(name='one', shape=(4, -1)), TensorMark(name='other'))

		assert wanted.fits(shapes) is fits

	def test_others_must_not(self) -> None:
		"""What tells a relative apart by a tensor of its own."""
		wanted = mark(TensorMark(name='one'), without=('extra',))

		assert wanted.fits({'one': (1,), 'more': (1,)})
		assert not wanted.fits({'one': (1,), 'extra': (1,)})

	def test_the_first_that_fits_counts(self) -> None:
		"""Narrow marks stand before broad ones; what fits none is unknown."""
		marks = [
			mark(TensorMark(name='one', shape=(4,)), family='narrow'),
			mark(TensorMark(name='one'), family='broad'),
		]

		assert recognise(marks, {'one': (4,)}) == {'family': 'narrow'}
		assert recognise(marks, {'one': (5,)}) == {'family': 'broad'}
		assert recognise(marks, {'other': (4,)}) == {}
		assert recognise([], {'one': (4,)}) == {}


class TestOrigins:
	def test_a_node(self) -> None:
		"""A fact of a node's own says which node."""
		known = Known(4, '5', 'EmptyLatentImage')

		assert known.origin == known.aside == "EmptyLatentImage '5'"

	def test_a_file(self) -> None:
		"""A fact of a file says which file, and which node chose it."""
		known = Known(4, '4', 'CheckpointLoaderSimple', 'a.safetensors')

		assert known.origin == "'a.safetensors' (CheckpointLoaderSimple '4')"
		assert known.aside == "'a.safetensors', CheckpointLoaderSimple '4'"
