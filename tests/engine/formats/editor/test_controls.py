"""What becomes of values after a run, in the words of the editor form and in ours."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from engine.formats.editor.controls import control_word, policies, policy_of_word, with_words
from engine.formats.editor.sheet import EditorNode
from tests.engine.formats.declared import infos

SAMPLER = infos()['KSampler']


def entry(word: JsonValue) -> dict[str, JsonValue]:
	"""A sampler as the editor saves it."""
	return {'id': 3, 'type': 'KSampler', 'widgets_values': [7, word, 20, 8.0, 'euler', 'normal', 1.0]}


class TestWords:
	@pytest.mark.parametrize('word', ['randomize', 'increment', 'decrement', 'increment-wrap', 'fixed'])
	def test_both_ways(self, word: str) -> None:
		"""Each comes back as it was."""
		assert control_word(policy_of_word(word)) == word

	@pytest.mark.parametrize(
		('word', 'policy'), [(True, 'randomise'), (False, 'fixed'), (None, 'fixed'), ('x', 'fixed')]
	)
	def test_of_old_files(self, word: JsonValue, policy: str) -> None:
		"""They have true for a new value each run; what means nothing leaves the value as it is."""
		assert policy_of_word(word) == policy


class TestNodes:
	@pytest.mark.parametrize(('word', 'said'), [('randomize', {'seed': 'randomise'}), ('fixed', {})])
	def test_are_read(self, word: str, said: dict[str, str]) -> None:
		"""By input; those that stay are left out."""
		values = entry(word)['widgets_values']

		assert policies(EditorNode('3', 'KSampler', values=values), SAMPLER) == said
		assert policies(EditorNode('3', 'KSampler', values=values), None) == {}

	def test_get_the_word_that_is_wanted(self) -> None:
		"""And keep one that means the same, as an old file wrote it."""
		assert with_words(entry('fixed'), SAMPLER, {'seed': 'increment'}) == entry('increment')
		assert with_words(entry(True), SAMPLER, {'seed': 'randomise'}) == entry(True)
