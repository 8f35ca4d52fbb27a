"""What `--sweep` says."""

from __future__ import annotations

import pytest

from engine.axes import Range, Values
from engine.errors import BadDocument
from engine.formats.workflow import read_workflow
from server.cli_sweep import axes_of
from tests.engine.tools import registry_of

NODES = registry_of().infos
WORKFLOW = read_workflow(
	{
		'lumengraph': 2,
		'inputs': {'number': {'node': 'one', 'input': 'value'}},
		'nodes': {'one': {'kind': 'Number', 'inputs': {'value': 1}}},
	},
	NODES,
)
WIDE = Range.model_validate({'from': 2**64 - 5, 'to': 2**64 - 1, 'steps': 2})


class TestAxes:
	@pytest.mark.parametrize(
		('text', 'values'),
		[
			('number=1,2,3', [1, 2, 3]),
			('one.value=1', [1]),
			('number="a, b", c', ['a, b', 'c']),
			('number=1..8/8', Range.model_validate({'from': 1, 'to': 8, 'steps': 8})),
			('number=-.5..1e1/2', Range.model_validate({'from': -0.5, 'to': 10, 'steps': 2})),
			('number=18446744073709551611..18446744073709551615/2', WIDE),
			('number=["a,b", 2]', ['a,b', 2]),
			('number="[a:1.2] cat","a\nb"', ['[a:1.2] cat', 'a\nb']),
			('number=1..\u0663/2', ['1..\u0663/2']),
		],
	)
	def test_values(self, text: str, values: Values) -> None:
		"""Values with commas between, quoted where they hold one; a range; a JSON list."""
		assert list(axes_of(WORKFLOW, NODES, [text]).values()) == [values]

	@pytest.mark.parametrize('sweeps', [['number'], ['=1'], ['number=1', 'number=2'], ['number=[1'], ['number=a\nb,c']])
	def test_bad_input(self, sweeps: list[str]) -> None:
		"""What is none of these is told."""
		with pytest.raises(BadDocument):
			axes_of(WORKFLOW, NODES, sweeps)

	@pytest.mark.parametrize(
		('sweep', 'words'),
		[
			('number=1..2/0', '"steps" must be a whole number from 1 to 100'),
			('number=1..9', 'how many values: write 1..9/'),
		],
	)
	def test_bad_ranges(self, sweep: str, words: str) -> None:
		"""What of a range is wrong, or left out, is said."""
		with pytest.raises(BadDocument, match=words):
			axes_of(WORKFLOW, NODES, [sweep])
