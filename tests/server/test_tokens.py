"""Named tokens and the sessions opened with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.secretfile import DamagedSecrets
from server.tokens import MOST_SESSIONS, SESSION_SECONDS, TOKEN_MARK, Sessions, TokenNameTaken, TokenNotFound, Tokens


class Clock:
	"""A time that goes on when it is told to."""

	def __init__(self) -> None:
		self.now = 1_000_000.0

	def __call__(self) -> float:
		return self.now


class TestTokens:
	"""The tokens of a data folder."""

	def test_each_is_known_by_its_name(self, tmp_path: Path) -> None:
		"""A token finds its own entry, anything else finds none."""
		tokens = Tokens(tmp_path)
		secrets = {name: tokens.new(name) for name in ('krita', 'phone')}

		for name, secret in secrets.items():
			found = tokens.find(secret)
			assert found is not None
			assert found.name == name
		for wrong in ('', 'krita', secrets['krita'][:-1], secrets['krita'] + 'x', secrets['krita'].lower(), '\ud800'):
			assert tokens.find(wrong) is None

	def test_the_file_has_no_secrets(self, tmp_path: Path) -> None:
		"""Who reads it cannot come in with what stands there."""
		tokens = Tokens(tmp_path)
		secret = tokens.new('krita')
		text = tokens.path.read_text()
		digest = json.loads(text)['tokens'][0]['digest']

		assert secret not in text
		assert secret.removeprefix(TOKEN_MARK) not in text
		assert tokens.find(digest) is None

	def test_tokens_are_long_and_unlike(self, tmp_path: Path) -> None:
		"""256 random bits behind a mark."""
		tokens = Tokens(tmp_path)
		made = {tokens.new(str(number)) for number in range(20)}

		assert len(made) == 20
		assert all(secret.startswith(TOKEN_MARK) and len(secret) >= len(TOKEN_MARK) + 43 for secret in made)

	def test_a_name_is_there_once(self, tmp_path: Path) -> None:
		"""A second one would take the first one's place unnoticed."""
		tokens = Tokens(tmp_path)
		first = tokens.new('krita')

		with pytest.raises(TokenNameTaken, match='krita'):
			tokens.new('krita')
		assert tokens.find(first) is not None

	def test_what_another_process_does_is_seen(self, tmp_path: Path) -> None:
		"""The command line makes and revokes; the running server knows at once."""
		server, command_line = Tokens(tmp_path), Tokens(tmp_path)
		assert server.all() == ()

		secret = command_line.new('krita')
		assert server.find(secret) is not None

		command_line.revoke('krita')
		assert server.find(secret) is None

	def test_what_is_not_there_cannot_be_revoked(self, tmp_path: Path) -> None:
		"""The name is said."""
		with pytest.raises(TokenNotFound, match='gone'):
			Tokens(tmp_path).revoke('gone')

	def test_damaged_file_lets_nobody_in(self, tmp_path: Path) -> None:
		"""It is an error, and no list without entries."""
		tokens = Tokens(tmp_path)
		secret = tokens.new('krita')
		tokens.path.write_text('{')

		with pytest.raises(DamagedSecrets):
			tokens.find(secret)


class TestSessions:
	"""What browsers have in their cookie."""

	def made(self, folder: Path, clock: Clock | None = None) -> tuple[Tokens, Sessions, str]:
		"""A token, and a session opened with it."""
		tokens = Tokens(folder)
		token = tokens.find(tokens.new('first'))
		assert token is not None
		sessions = Sessions(folder, tokens, clock=clock or Clock())
		return tokens, sessions, sessions.open(token)

	def test_a_session_stands_for_its_token(self, tmp_path: Path) -> None:
		"""It is no token itself, and no other text is it."""
		tokens, sessions, cookie = self.made(tmp_path)
		found = sessions.find(cookie)

		assert found == tokens.all()[0]
		assert tokens.find(cookie) is None
		assert sessions.find(cookie[:-1]) is None
		assert sessions.find('') is None

	def test_it_outlives_the_server(self, tmp_path: Path) -> None:
		"""Nobody logs in again after a restart."""
		tokens, _, cookie = self.made(tmp_path)

		assert Sessions(tmp_path, tokens, clock=Clock()).find(cookie) is not None

	def test_the_file_has_no_secrets(self, tmp_path: Path) -> None:
		"""Only a hash of what the browser has."""
		_, sessions, cookie = self.made(tmp_path)

		assert cookie not in sessions.path.read_text()

	def test_it_ends_after_its_time(self, tmp_path: Path) -> None:
		"""And is gone from the file when the next is opened."""
		clock = Clock()
		tokens, sessions, cookie = self.made(tmp_path, clock)
		clock.now += SESSION_SECONDS - 1
		assert sessions.find(cookie) is not None

		clock.now += 1
		assert sessions.find(cookie) is None
		sessions.open(tokens.all()[0])
		assert len(json.loads(sessions.path.read_text())['sessions']) == 1

	def test_it_ends_with_its_token(self, tmp_path: Path) -> None:
		"""Revoking a token ends what was opened with it."""
		tokens, sessions, cookie = self.made(tmp_path)
		tokens.revoke('first')
		tokens.new('first')

		assert sessions.find(cookie) is None

	def test_it_ends_when_it_is_closed(self, tmp_path: Path) -> None:
		"""Only that one; closing what is none does nothing."""
		tokens, sessions, cookie = self.made(tmp_path)
		other = sessions.open(tokens.all()[0])
		sessions.close(cookie)
		sessions.close('nonsense')

		assert sessions.find(cookie) is None
		assert sessions.find(other) is not None

	def test_there_are_not_endlessly_many(self, tmp_path: Path) -> None:
		"""The oldest end."""
		tokens, sessions, oldest = self.made(tmp_path)
		token = tokens.all()[0]
		second = sessions.open(token)
		for _ in range(MOST_SESSIONS - 1):
			sessions.open(token)

		assert sessions.find(oldest) is None
		assert sessions.find(second) is not None
