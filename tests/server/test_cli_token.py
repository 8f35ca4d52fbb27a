"""`token`: make, list and revoke."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.cli import run_command
from server.tokens import Tokens


class TestTokenCommands:
	"""As a user runs them."""

	def test_new_prints_a_token_that_is_good(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Standard output holds the token and nothing else."""
		code = run_command(['token', 'new', 'krita', '--base', str(tmp_path)])
		found = Tokens(tmp_path / 'data').find(capsys.readouterr().out.removesuffix('\n'))

		assert code == 0
		assert found is not None
		assert found.name == 'krita'

	def test_list_tells_names_and_no_secrets(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""One line for each."""
		secret = Tokens(tmp_path / 'data').new('first')
		Tokens(tmp_path / 'data').new('second')
		code = run_command(['token', 'list', '--base', str(tmp_path)])
		lines = capsys.readouterr().out.splitlines()

		assert code == 0
		assert [line.split()[0] for line in lines] == ['first', 'second']
		assert secret not in ''.join(lines)

	def test_revoke(self, tmp_path: Path) -> None:
		"""The named one is gone, others stay."""
		first, second = (Tokens(tmp_path / 'data').new(name) for name in ('first', 'second'))
		code = run_command(['token', 'revoke', 'first', '--base', str(tmp_path)])

		assert code == 0
		assert Tokens(tmp_path / 'data').find(first) is None
		assert Tokens(tmp_path / 'data').find(second) is not None

	@pytest.mark.parametrize(('words', 'told'), [(['new', 'first'], 'already'), (['revoke', 'gone'], "'gone'")])
	def test_what_cannot_be(
		self, words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
	) -> None:
		"""A name twice, or one that is not there: code 2 and a sentence."""
		Tokens(tmp_path / 'data').new('first')
		code = run_command(['token', *words, '--base', str(tmp_path)])

		assert code == 2
		assert told in capsys.readouterr().err

	def test_damaged_file_is_said_to_be(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
		"""Never taken for an empty one."""
		(tmp_path / 'data').mkdir()
		(tmp_path / 'data' / 'tokens.json').write_text('{"tokens": [')
		code = run_command(['token', 'list', '--base', str(tmp_path)])

		assert code == 2
		assert 'tokens.json cannot be read' in capsys.readouterr().err
