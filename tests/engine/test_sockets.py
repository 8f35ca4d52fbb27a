from typing import Annotated, Any, Generic, TypeVar

import pytest

from engine.errors import NodeUsage
from engine.sockets import joins, meet, socket, socket_name

T = TypeVar('T')


@socket('LATENT')
class Latent:
	pass


@socket('MASK')
class Mask:
	pass


class Ref(Generic[T]):
	pass


class Nameless:
	pass


class TestJoins:
	@pytest.mark.parametrize(
		('output', 'wanted'),
		[
			('IMAGE', 'IMAGE'),
			('*', 'IMAGE'),
			('IMAGE', '*'),
			('*', '*'),
			('IMAGE,*', 'MASK'),
			('IMAGE', 'IMAGE,MASK'),
			('MASK,IMAGE', 'IMAGE,LATENT'),
			('MASK, IMAGE', 'LATENT ,IMAGE'),
			('', ''),
		],
	)
	def test_fitting_types_join(self, output: str, wanted: str) -> None:
		"""Equal names, `*` on either side, and unions that share a member join; spaces do not matter."""
		assert joins(output, wanted)

	@pytest.mark.parametrize(
		('output', 'wanted'),
		[
			('IMAGE', 'MASK'),
			('IMAGE', 'image'),
			('IMAGE,MASK', 'LATENT,MODEL'),
			('IMAG', 'IMAGE'),
			('', 'IMAGE'),
			('IMAGE', ''),
			('IMAGE,', 'MASK,'),
		],
	)
	def test_other_types_do_not(self, output: str, wanted: str) -> None:
		"""Different names do not join, and the empty part of a union is no shared member."""
		assert not joins(output, wanted)


class TestMeet:
	@pytest.mark.parametrize(
		('one', 'other', 'both'),
		[
			('IMAGE', 'IMAGE', 'IMAGE'),
			('IMAGE', 'MASK', ''),
			('IMAGE,MASK', 'MASK', 'MASK'),
			('MASK, IMAGE,LATENT', 'LATENT ,MASK', 'MASK,LATENT'),
			('*', 'IMAGE,MASK', 'IMAGE,MASK'),
			('IMAGE', 'MASK,*', 'IMAGE'),
			('*', '*', '*'),
			('IMAGE,', 'MASK,', ''),
		],
	)
	def test_what_is_both(self, one: str, other: str, both: str) -> None:
		"""Unions share their common members; `*` takes the other's; nothing in common is the empty name."""
		assert meet(one, other) == both


class TestSocketName:
	@pytest.mark.parametrize(
		('annotation', 'name'),
		[
			(int, 'INT'),
			(float, 'FLOAT'),
			(str, 'STRING'),
			(bool, 'BOOLEAN'),
			(Any, '*'),
			(object, '*'),
			(Latent, 'LATENT'),
			(Ref[Latent], 'LATENT'),
			(Ref[Ref[Mask]], 'MASK'),
			(Latent | Mask, 'LATENT,MASK'),
			(Latent | None, 'LATENT'),
			(int | Ref[Mask] | None, 'INT,MASK'),
			(Ref[Latent] | Latent, 'LATENT'),
		],
	)
	def test_an_annotation_has_a_wire_name(self, annotation: object, name: str) -> None:
		"""Primitives, marked classes, generics (after their argument) and unions (without None) have names."""
		assert socket_name(annotation) == name

	def test_a_subclass_bears_its_parents_name(self) -> None:
		"""A subclass of a marked class travels under the same name unless it is marked itself."""

		class Small(Latent):
			pass

		assert socket_name(Small) == 'LATENT'

	@pytest.mark.parametrize(
		'annotation', [Nameless, Ref[Nameless], list, tuple[()], 'LATENT', None, T, Latent | bytes]
	)
	def test_what_has_no_name_is_refused(self, annotation: object) -> None:
		"""A class that nobody marked cannot travel."""
		with pytest.raises(NodeUsage, match='has no socket name'):
			socket_name(annotation)

	def test_extras_are_not_looked_through(self) -> None:
		"""`Annotated` is for the spec to take apart; its first argument still names the type."""
		assert socket_name(Annotated[int, 'a tooltip']) == 'INT'

	@pytest.mark.parametrize('annotation', [list[int], tuple[int, str], dict[str, Latent]])
	def test_containers_are_not_what_they_hold(self, annotation: Any) -> None:
		"""A list of numbers is no number: it needs a class with a name of its own."""
		with pytest.raises(NodeUsage, match='no socket name'):
			socket_name(annotation)
