"""Values without names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.formats.editor.canvas import node, read, reading


def values(kind: str, given: Any, **more: Any) -> dict[str, Any]:
	"""The inputs of one node with these values."""
	found: dict[str, Any] = read([{**node(1, kind, given), **more}], [])['1']
	return found


class TestPositions:
	"""Each widget takes the next value."""

	@pytest.mark.parametrize('word', ['fixed', 'increment', 'decrement', 'randomize', True, False, None])
	def test_what_follows_a_seed(self, word: object) -> None:
		"""What becomes of a seed after a run is no input, however it is written."""
		assert values('Noise', [5, word, 30, True]) == {'seed': 5, 'steps': 30, 'fast': True}

	def test_nothing_follows_a_seed(self) -> None:
		"""Files made by programs may lack it."""
		assert values('Noise', [5, 30, True]) == {'seed': 5, 'steps': 30, 'fast': True}

	def test_a_word_where_none_is_declared(self) -> None:
		"""The word is passed over after any whole number, if the next widget could not hold it."""
		assert values('Noise', [5, 'fixed', 30, 'fixed', True]) == {'seed': 5, 'steps': 30, 'fast': True}

	def test_missing_ones(self) -> None:
		"""They have the declaration's defaults, which is told."""
		found = reading([node(1, 'Noise', [5, 'fixed'])], [])

		assert values('Noise', [5, 'fixed']) == {'seed': 5, 'steps': 20, 'fast': False}
		assert 'no value for steps, fast' in found.warnings[0]

	def test_too_many(self) -> None:
		"""What no widget takes is told; the value of an upload button is none of these."""
		assert not reading([node(1, 'Load', ['a', 'image'])], []).warnings
		assert '2 values more' in reading([node(1, 'Load', ['a', 'image', 1, 2])], []).warnings[0]

	def test_a_choice_of_nothing(self) -> None:
		"""Null is no choice: the first is taken."""
		assert values('Load', [None, 'image']) == {'file': 'a'}

	def test_places_of_inputs_that_only_take_links(self) -> None:
		"""Old files have values for them, which are left out."""
		assert values('Old', ['w', 4]) == values('Old', [77, 'w', 4]) == {'words': 'w', 'size': 4}

	def test_linked_widgets_keep_their_places(self) -> None:
		"""A link takes the place of the value; those behind do not move up."""
		found = read(
			[node(1, 'Noise', [5, 'fixed', 30, True], seed_=1), node(2, 'Write', ['w'])], [[1, 2, 0, 1, 0, 'INT']]
		)

		assert found['1'] == {'seed': ['2', 0], 'steps': 30, 'fast': True}


class TestDynamic:
	"""Inputs that stand for others."""

	def test_those_of_a_choice(self) -> None:
		"""They follow it under dotted names."""
		assert values('Resize', ['exactly', 5, 6, 'm']) == {
			'mode': 'exactly',
			'mode.width': 5,
			'mode.height': 6,
			'method': 'm',
		}
		assert values('Resize', ['longer side', 7, 'm']) == {'mode': 'longer side', 'mode.length': 7, 'method': 'm'}

	def test_the_first_key_is_usual(self) -> None:
		"""Without a value the first key is chosen, with its defaults."""
		assert values('Resize', []) == {'mode': 'exactly', 'mode.width': 8, 'mode.height': 8, 'method': ''}

	def test_those_that_grow(self) -> None:
		"""Linked under their dotted names."""
		slots = [{'name': f'images.image{index}', 'type': 'IMAGE', 'link': index + 1} for index in range(2)]
		batch = {**node(3, 'Batch', []), 'inputs': slots}
		found = read([node(1, 'Load', ['a']), batch], [[1, 1, 0, 3, 0, 'IMAGE'], [2, 1, 0, 3, 1, 'IMAGE']])

		assert found['3'] == {'images.image0': ['1', 0], 'images.image1': ['1', 0]}


class TestNames:
	"""Values by name."""

	def test_names_win_over_places(self) -> None:
		"""They survive that widgets were added since; what says what becomes of a seed is left out."""
		named = {'steps': 40, 'seed': 6, 'control_after_generate': 'randomize'}

		assert values('Noise', [5, 30], widgets_values_named=named) == {'seed': 6, 'steps': 40, 'fast': False}

	def test_an_object_instead_of_a_list(self) -> None:
		"""Some packs write one."""
		assert values('Noise', {'seed': 6, 'steps': 40, 'fast': True}) == {'seed': 6, 'steps': 40, 'fast': True}

	def test_lists_are_no_links(self) -> None:
		"""A list that is a value is marked as one."""
		assert values('Write', {'words': ['1', 0]}) == {'words': {'__value__': ['1', 0]}}


class TestUnknownKinds:
	"""Kinds that are not declared."""

	def test_are_kept_with_what_has_a_name(self) -> None:
		"""Links, and values that have a name or a slot each; the pack is told."""
		slots = [{'name': 'strength', 'type': 'FLOAT', 'link': None, 'widget': {'name': 'strength'}}]
		unknown = {**node(2, 'Elsewhere', [0.5]), 'inputs': slots, 'properties': {'cnr_id': 'a-pack'}}
		found = reading([unknown, {**unknown, 'id': 3, 'widgets_values': [1, 2]}], [])

		assert read([unknown], [])['2'] == {'strength': 0.5}
		assert read([{**unknown, 'widgets_values': [1, 2]}], [])['2'] == {}
		assert [(missing.kind, missing.nodes, missing.pack) for missing in found.missing] == [
			('Elsewhere', ('2', '3'), 'a-pack')
		]
