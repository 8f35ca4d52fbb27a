"""What files of a sweep carry."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from engine.cells import CELLS, of_cell

PROMPT: dict[str, JsonValue] = {
	'tool': {'class_type': 'Load', 'inputs': {'name': 'pen'}},
	'draw#0': {'class_type': 'Draw', 'inputs': {'tool': ['tool', 0], 'seed': 1}},
	'draw#1': {'class_type': 'Draw', 'inputs': {'tool': ['tool', 0], 'seed': 2}},
	'save#0': {'class_type': 'Save', 'inputs': {'images': ['draw#0', 0]}},
	'save#1': {'class_type': 'Save', 'inputs': {'images': ['draw#1', 0]}},
}
DOCUMENT: dict[str, JsonValue] = {
	'lumengraph': 2,
	'nodes': {'draw': {'kind': 'Draw', 'inputs': {'seed': 9, 'size': 4}}, 'save': {'kind': 'Save'}},
}


def beside(values: JsonValue) -> dict[str, JsonValue]:
	"""What a sweep writes beside the prompt."""
	return {'lumengraph': DOCUMENT, CELLS: {'save#1': values}}


class TestOfCell:
	def test_other_jobs(self) -> None:
		"""What is no sweep is written as it is."""
		told: dict[str, JsonValue] = {'lumengraph': DOCUMENT}

		assert of_cell('save', PROMPT, told) == (PROMPT, told)

	def test_one_combination(self) -> None:
		"""The nodes that it needs, and the workflow with its values; the workflow that others get is left alone."""
		prompt, info = of_cell('save#1', PROMPT, beside({'draw': {'seed': 2}, 'save': {'shape': {'a': 1}}}))
		document: Any = info['lumengraph']

		assert list(prompt) == ['tool', 'draw#1', 'save#1']
		assert document['nodes']['draw']['inputs'] == {'seed': 2, 'size': 4}
		assert document['nodes']['save']['inputs'] == {'shape': {'value': {'a': 1}}}
		assert set(info) == {'lumengraph'}
		assert DOCUMENT['nodes'] == {
			'draw': {'kind': 'Draw', 'inputs': {'seed': 9, 'size': 4}},
			'save': {'kind': 'Save'},
		}

	def test_table_of_all(self) -> None:
		"""The picture of all combinations carries the whole graph, and no workflow that would make a single one."""
		assert of_cell('save#grid', PROMPT, beside({'draw': {'seed': 2}})) == (PROMPT, {})

	def test_values_that_have_no_place(self) -> None:
		"""Where the workflow has no such node at its top, the graph is all that is told."""
		prompt, info = of_cell('save#1', PROMPT, beside({'12:5': {'seed': 2}}))

		assert (list(prompt), info) == (['tool', 'draw#1', 'save#1'], {})
