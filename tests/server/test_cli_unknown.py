"""Flags that there are not."""

from __future__ import annotations

import pytest

from server.cli import run_command


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
	"""The last line of what a refused command line is told."""
	with pytest.raises(SystemExit) as ended:
		run_command(words)

	assert ended.value.code == 2
	return capsys.readouterr().err.splitlines()[-1]


class TestUnknownFlags:
	"""Whatever is misspelt is said to be."""

	@pytest.mark.parametrize(
		('words', 'wrong', 'meant'),
		[
			(['--outptu-directory', 'x'], '--outptu-directory', '--output-directory'),
			(['serve', '--lisen=0.0.0.0'], '--lisen', '--listen'),
			(['serve', '--preview-methd', 'auto'], '--preview-methd', '--preview-method'),
			(['run', 'file.json', '--sed', '1'], '--sed', '--seed'),
			(['cache', 'clear', '--bse', 'x'], '--bse', '--base'),
			(['token', 'new', 'me', '--baze', 'x'], '--baze', '--base'),
		],
	)
	def test_the_one_that_was_meant_is_named(
		self, words: list[str], wrong: str, meant: str, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""Looked for among the flags of that command, without its value."""
		told = refusal(words, capsys)

		assert f'{wrong} is not known' in told
		assert f'Did you mean {meant}?' in told

	def test_nothing_is_guessed_where_nothing_is_near(self, capsys: pytest.CaptureFixture[str]) -> None:
		"""A flag like no other is only named."""
		told = refusal(['serve', '--xyzzy'], capsys)

		assert '--xyzzy' in told
		assert 'mean' not in told

	@pytest.mark.parametrize('words', [['serve', '--inse'], ['serve', '--output-dir', 'x'], ['run', 'f', '--js']])
	def test_flags_are_not_shortened(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
		"""Half of a flag is not that flag: least of all `--insecure`."""
		assert 'is not known' in refusal(words, capsys)

	def test_words_too_many_are_named(self, capsys: pytest.CaptureFixture[str]) -> None:
		"""A word that is no flag is one too many all the same."""
		assert 'extra is not known to lumengraph serve' in refusal(['serve', 'extra'], capsys)

	def test_a_command_behind_its_flags_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
		"""Without one in front the server is meant; but a folder may have a command's name."""
		assert 'stands before its flags: lumengraph run' in refusal(['--cpu', 'run', 'w.json', '--seed', '3'], capsys)
		assert '--sed is not known' in refusal(['--base', 'run', '--sed', '3'], capsys)
