import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.blob import CannotDecode, UnknownCodec
from engine.codec import Codecs, size_of
from engine.errors import NodeUsage
from engine.flow import Skip
from engine.models import FileDigest, ModelRef

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=2000)
TREES = st.recursive(
	PLAIN,
	lambda inner: (
		st.lists(inner, max_size=4)
		| st.lists(inner, max_size=4).map(tuple)
		| st.dictionaries(st.text(max_size=5), inner, max_size=4)
	),
	max_leaves=12,
)


@dataclass(frozen=True)
class Point:
	"""A registered value."""

	x: float
	tags: list[str]


class Opaque:
	"""Something that nobody registered."""


@pytest.fixture
def codecs() -> Codecs:
	"""With one dataclass of ours."""
	made = Codecs()
	made.add_dataclass(Point, 'Point')
	return made


def back(codecs: Codecs, value: object) -> object:
	"""A value through bytes."""
	blob = codecs.encode(value)
	assert blob is not None
	return codecs.decode(blob.join())


def same(one: object, other: object) -> bool:
	"""Equal, and of equal types all the way down."""
	if type(one) is not type(other):
		return False
	if isinstance(one, list | tuple) and isinstance(other, list | tuple):
		return len(one) == len(other) and all(map(same, one, other))
	if isinstance(one, dict) and isinstance(other, dict):
		return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
	if isinstance(one, float) and isinstance(other, float):
		return math.copysign(1, one) == math.copysign(1, other) and one == other
	return one == other


class TestRoundTrip:
	@settings(deadline=None)
	@given(value=TREES)
	def test_any_tree(self, value: object) -> None:
		"""Comes back as it was, types and order included, by bytes and in a line."""
		codecs = Codecs()

		assert same(back(codecs, value), value)

	@settings(deadline=None)
	@given(value=TREES)
	def test_equal_values_have_equal_digests(self, value: object) -> None:
		"""In every process, since nothing of this one enters."""
		codecs = Codecs()

		assert codecs.digest(value) == codecs.digest(back(codecs, value))

	@pytest.mark.parametrize(
		'value', [Point(1.5, ['a']), [Point(1.0, [])], Skip('why', told=True), ModelRef[Any](FileDigest('d'), 'vae')]
	)
	def test_registered_classes(self, codecs: Codecs, value: object) -> None:
		"""Dataclasses by their fields; recipes and skips are always known."""
		assert back(codecs, value) == value

	@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, -0.0, 2**200, '\ud800', 'ä\x00', b'\xff' * 5000])
	def test_odd_values(self, codecs: Codecs, value: object) -> None:
		"""What plain JSON could not say."""
		found = back(codecs, value)

		assert type(found) is type(value)
		assert repr(found) == repr(value)

	def test_never_pickle(self, codecs: Codecs) -> None:
		"""The bytes are JSON, or a safetensors file."""
		small, large = codecs.encode([1, 'a']), codecs.encode([b'x' * 5000])
		assert small is not None
		assert large is not None

		assert small.join()[:1] == b'['
		assert b'__metadata__' in large.join()[:200]


class TestDigest:
	def test_types_differ(self, codecs: Codecs) -> None:
		"""One, one point nought, true and '1' are four values; so are a list and a tuple, nothing and an empty text."""
		values = [1, 1.0, True, '1', b'1', [1], (1,), {'1': 1}, None, '', [], (), {}, Point(1, []), Skip(), Skip('')]

		assert len({codecs.digest(value) for value in values}) == len(values)

	def test_opaque_parts(self, codecs: Codecs) -> None:
		"""A value with something unknown in it has no digest, and no bytes."""
		for value in (Opaque(), [1, Opaque()], {'a': (Opaque(),)}):
			assert codecs.digest(value) is None
			assert codecs.encode(value) is None
			assert codecs.inline(value, 1000) is None


class TestCopy:
	def test_containers_are_rebuilt(self, codecs: Codecs) -> None:
		"""All the way down, dataclasses too."""
		value = {'a': [1, {'b': [2]}], 'p': Point(1, ['x']), 't': ([3],)}
		copy = codecs.copy(value)
		assert isinstance(copy, dict)
		copy['a'][1]['b'].append(9)
		copy['p'].tags.append('y')
		copy['t'][0].append(4)

		assert value == {'a': [1, {'b': [2]}], 'p': Point(1, ['x']), 't': ([3],)}

	def test_what_cannot_change_is_itself(self, codecs: Codecs) -> None:
		"""No copy is made of it."""
		for value in (1, 'text', (1, 'a'), None, Skip('x')):
			assert codecs.copy(value) is value

	def test_opaque_parts_are_handed_over(self, codecs: Codecs) -> None:
		"""Nobody knows how to copy them."""
		thing = Opaque()
		copy = codecs.copy([thing])

		assert isinstance(copy, list)
		assert copy[0] is thing

	def test_a_list_in_itself(self, codecs: Codecs) -> None:
		"""Comes back with the same shape, and has no digest."""
		value: list[object] = [1]
		value.append(value)
		copy = codecs.copy(value)

		assert isinstance(copy, list)
		assert copy is not value
		assert copy[1] is copy
		assert codecs.digest(value) is None


class TestBadBytes:
	@pytest.mark.parametrize(
		'data', [b'', b'{', b'nonsense', b'{"x": 1}', b'\x10\x00\x00\x00\x00\x00\x00\x00{}', b'[{"t": 5}]']
	)
	def test_are_told(self, codecs: Codecs, data: bytes) -> None:
		"""By one kind of exception, whatever is wrong."""
		with pytest.raises(CannotDecode):
			codecs.decode(data)

	def test_unknown_names(self, codecs: Codecs) -> None:
		"""A class that is not registered here is a fault of its own: the pack may come back."""
		blob = codecs.encode(Point(1, []))
		assert blob is not None

		with pytest.raises(UnknownCodec):
			Codecs().decode(blob.join())


class TestRegistration:
	def test_a_name_is_given_once(self, codecs: Codecs) -> None:
		"""To one class, and a class has one name."""

		@dataclass
		class Other:
			a: int

		with pytest.raises(NodeUsage, match='registered otherwise'):
			codecs.add_dataclass(Other, 'Point')
		with pytest.raises(NodeUsage, match='not a dataclass'):
			codecs.add_dataclass(Opaque, 'Opaque')


class TestSize:
	def test_counts_what_is_inside(self) -> None:
		"""Texts, bytes and containers, each once."""
		text = 'x' * 10_000

		assert 10_000 < size_of(text) < 10_200
		assert size_of([text, text]) < 11_000
		assert size_of({'a': b'y' * 10_000}) > 10_000
		assert size_of(Point(1, [text])) > 10_000
