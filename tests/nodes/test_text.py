"""Texts: joined, cut, searched, saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.context import Context
from engine.errors import BadInput
from engine.settings import Settings
from nodes import text as texts


class TestPieces:
	def test_concatenate(self) -> None:
		"""With what goes between."""
		assert texts.concatenate('a', 'b', ', ') == 'a, b'

	def test_substring(self) -> None:
		"""By Python's counting."""
		assert texts.substring('abcdef', 1, 3) == 'bc'
		assert texts.substring('abcdef', -2, 99) == 'ef'

	def test_length(self) -> None:
		"""In letters, not bytes."""
		assert texts.length('Äß') == 2

	@pytest.mark.parametrize(
		('mode', 'expected'),
		[
			('UPPERCASE', 'TWO WORDS'),
			('lowercase', 'two words'),
			('Capitalize', 'Two words'),
			('Title Case', 'Two Words'),
		],
	)
	def test_case(self, mode: str, expected: str) -> None:
		"""Of `tWo woRDS`."""
		assert texts.convert_case('tWo woRDS', mode) == expected

	@pytest.mark.parametrize(('mode', 'expected'), [('Both', 'a b'), ('Left', 'a b \n'), ('Right', '\t a b')])
	def test_trim(self, mode: str, expected: str) -> None:
		"""All kinds of space."""
		assert texts.trim('\t a b \n', mode) == expected

	def test_replace(self) -> None:
		"""Everywhere."""
		assert texts.replace('a.b.c', '.', '-') == 'a-b-c'


class TestComparisons:
	def test_contains(self) -> None:
		"""Capitals matter if they are to."""
		assert texts.contains('A cat', 'Cat', False)
		assert not texts.contains('A cat', 'Cat', True)

	@pytest.mark.parametrize(('mode', 'other'), [('Starts With', 'a c'), ('Ends With', 'CAT'), ('Equal', 'A CAT')])
	def test_compare(self, mode: str, other: str) -> None:
		"""The second text at the start, at the end, or all of it."""
		assert texts.compare('A cat', other, mode, False)
		assert not texts.compare('A cat', other, mode, True)
		assert not texts.compare('A cat', 'dog', mode, False)


TEXT = 'red=1\nGreen=22\nblue='


class TestRegularExpressions:
	def test_match(self) -> None:
		"""By its flags; one that is none matches nothing."""
		assert texts.matches(TEXT, 'GREEN', True, False, False)
		assert not texts.matches(TEXT, 'GREEN', False, False, False)
		assert texts.matches(TEXT, '^Green', False, True, False)
		assert not texts.matches(TEXT, '^Green', False, False, False)
		assert texts.matches(TEXT, 'red.*blue', False, False, True)
		assert not texts.matches(TEXT, '(', True, False, False)

	@pytest.mark.parametrize(
		('mode', 'pattern', 'group', 'expected'),
		[
			('First Match', r'\d+', 1, '1'),
			('All Matches', r'\d+', 1, '1\n22'),
			('All Matches', r'(\w+)=(\d+)', 1, 'red\nGreen'),
			('First Group', r'(\w+)=(\d+)', 2, '1'),
			('First Group', r'(\w+)=(\d+)', 0, 'red=1'),
			('First Group', r'(\w+)=', 2, ''),
			('All Groups', r'(\w+)=(\d+)', 2, '1\n22'),
			('All Groups', r'(\w+)=(\d+)', 3, ''),
			('First Match', r'x', 1, ''),
			('All Matches', r'(', 1, ''),
		],
	)
	def test_extract(self, mode: str, pattern: str, group: int, expected: str) -> None:
		"""One find a line."""
		assert texts.extract(TEXT, pattern, mode, True, False, False, group) == expected

	def test_replace(self) -> None:
		"""With groups, at most so often."""
		assert texts.regex_replace('a1 b2', r'(\w)(\d)', r'\2\1') == '1a 2b'
		assert texts.regex_replace('aAa', 'a', 'x', count=2) == 'xxa'
		assert texts.regex_replace('aAa', 'a', 'x', case_insensitive=False) == 'xAx'

	def test_replace_by_what_is_none(self) -> None:
		"""It is refused, with the reason."""
		with pytest.raises(BadInput, match='regex_pattern'):
			texts.regex_replace('a', '(', 'x')


class TestJson:
	@pytest.mark.parametrize(
		('document', 'expected'),
		[
			('{"a": "text"}', 'text'),
			('{"a": 1.5}', '1.5'),
			('{"a": null}', ''),
			('{"b": 1}', ''),
			('[1]', ''),
			('no JSON', ''),
		],
	)
	def test_extract(self, document: str, expected: str) -> None:
		"""The value called `a`."""
		assert texts.extract_from_json(document, 'a') == expected


class TestSave:
	def test_numbered(self, context: Context, settings: Settings) -> None:
		"""In the output folder, as UTF-8; the text goes on and is shown."""
		for _ in range(2):
			assert texts.save(context, 'Ä', 'sub/note', 'md') == 'Ä'

		found = sorted(path.relative_to(settings.output_folder) for path in settings.output_folder.rglob('*.md'))
		assert found == [Path('sub/note_00001_.md'), Path('sub/note_00002_.md')]
		assert (settings.output_folder / found[0]).read_text('utf-8') == 'Ä'
		assert context.ui is not None
		assert context.ui.root['text'] == ['Ä', 'Ä']
