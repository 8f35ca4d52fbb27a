"""What one document says beyond another."""

from __future__ import annotations

import json
from typing import ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from engine.formats.delta import apply, difference, loosened, same

PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text('ab', max_size=2)
NAMED = st.fixed_dictionaries({'id': st.integers(0, 4)}, optional={'x': PLAIN, 'y': PLAIN, 'name': PLAIN})
VALUES = st.recursive(
	PLAIN | NAMED,
	lambda inner: (
		st.lists(inner, max_size=4)
		| st.dictionaries(st.sampled_from(['a', 'b', 'id', 'name', '0', '1']), inner, max_size=4)
		| st.lists(NAMED, max_size=4, unique_by=lambda item: item['id'])
	),
	max_leaves=12,
)


@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(made=VALUES, wanted=VALUES, other=VALUES)
def test_nothing_is_lost(made: JsonValue, wanted: JsonValue, other: JsonValue) -> None:
	"""Applied to what it was made of it gives the wanted document, after JSON too; to anything else it gives something."""
	delta = json.loads(json.dumps(difference(made, wanted)))

	assert same(apply(made, delta), wanted)
	assert (delta is None) == same(made, wanted)
	apply(other, delta)
	apply(made, loosened(delta))


class TestSmall:
	MADE: ClassVar[JsonValue] = {'nodes': [{'id': 1, 'at': [0, 0]}, {'id': 2, 'at': [5, 5]}], 'extra': {}, 'gone': 1}
	WANTED: ClassVar[JsonValue] = {'nodes': [{'id': 2, 'at': [5, 5]}, {'id': 1, 'at': [0, 9]}], 'extra': {'x': None}}

	def test_only_what_differs(self) -> None:
		"""Things are known again by their ids, in whatever order."""
		assert difference(self.MADE, self.WANTED) == {
			'in': {
				'nodes': {'items': {'1': {'in': {'at': {'set': [0, 9]}}}}, 'order': ['2', '1']},
				'extra': {'in': {'x': {'set': None}}},
			},
			'without': ['gone'],
		}

	def test_numbers_and_truth(self) -> None:
		"""1, 1.0 and true are three values; not-a-number is itself."""
		assert difference([1], [True]) == {'set': [True]}
		assert difference(1, 1.0) == {'set': 1.0}
		assert difference(float('nan'), float('nan')) is None

	def test_what_came_since_stays(self) -> None:
		"""New things stay behind those that are ordered; what is not where it was is passed over."""
		delta = difference(self.MADE, self.WANTED)
		changed: JsonValue = {'nodes': [{'id': 3}, {'id': 1, 'at': [1, 1], 'new': 1}], 'extra': 5}

		assert apply(changed, delta) == {'nodes': [{'id': 1, 'at': [0, 9], 'new': 1}, {'id': 3}], 'extra': 5}
