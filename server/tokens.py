"""Named tokens, and the sessions that browsers open with them. Of both, only hashes are kept.

A token is 256 random bits, so a plain hash of it tells nothing. `tokens.json` is written by the command line and at the
first start, `sessions.json` by the server. Both are read again when they have changed: what is revoked is out at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from engine.declaration import Model
from engine.errors import EngineError, NotFound
from server.secretfile import read_private, signature, write_private

TOKEN_MARK = 'lumen_'  # noqa: S105 - what all tokens begin with, so that they can be found where they must not be
SESSION_SECONDS = 30 * 24 * 3600
MOST_SESSIONS = 200


class StoredToken(Model):
	"""A token as it is kept. `created` is seconds since the epoch."""

	name: str
	digest: str
	created: float


class StoredSession(Model):
	"""A session as it is kept. `token` is the digest of the token that it was opened with; it ends when that does."""

	digest: str
	token: str
	expires: float


class TokenList(Model):
	"""The content of `tokens.json`."""

	tokens: tuple[StoredToken, ...] = ()


class SessionList(Model):
	"""The content of `sessions.json`."""

	sessions: tuple[StoredSession, ...] = ()


class TokenNameTaken(EngineError):
	"""There is a token of this name already."""

	def __init__(self, name: str) -> None:
		super().__init__(f'There is a token {name!r} already. Choose another name, or revoke that one first.')
		self.name = name


class TokenNotFound(NotFound):
	"""No token has this name."""

	def __init__(self, name: str) -> None:
		super().__init__(f'There is no token {name!r}.')
		self.name = name


S = TypeVar('S', StoredToken, StoredSession)


class Tokens:
	"""The tokens of one data folder."""

	def __init__(self, folder: Path) -> None:
		self.path = folder / 'tokens.json'
		self._read: tuple[object, TokenList] | None = None

	def all(self) -> tuple[StoredToken, ...]:
		"""Every token, in the order in which they were made. Raises `DamagedSecrets`."""
		now = signature(self.path)
		if self._read is None or self._read[0] != now:
			self._read = now, read_private(self.path, TokenList)
		return self._read[1].tokens

	def new(self, name: str) -> str:
		"""Make a token: the only time that it is seen. Raises `TokenNameTaken`."""
		tokens = self.all()
		if any(token.name == name for token in tokens):
			raise TokenNameTaken(name)
		secret = TOKEN_MARK + secrets.token_urlsafe(32)
		made = StoredToken(name=name, digest=digest(secret), created=time.time())
		write_private(self.path, TokenList(tokens=(*tokens, made)))
		return secret

	def revoke(self, name: str) -> None:
		"""Let a token be good for nothing from now on. Raises `TokenNotFound`."""
		tokens = self.all()
		kept = tuple(token for token in tokens if token.name != name)
		if len(kept) == len(tokens):
			raise TokenNotFound(name)
		write_private(self.path, TokenList(tokens=kept))

	def find(self, secret: str) -> StoredToken | None:
		"""The token that this is, compared in a time that tells nothing of those there are."""
		return same(self.all(), digest(secret))


class Sessions:
	"""The sessions of one data folder, opened with its tokens."""

	def __init__(self, folder: Path, tokens: Tokens, *, clock: Callable[[], float] = time.time) -> None:
		self.path = folder / 'sessions.json'
		self._tokens = tokens
		self._clock = clock
		self._read: tuple[object, SessionList] | None = None

	def open(self, token: StoredToken) -> str:
		"""Begin a session: gives the secret that goes into the cookie. The oldest sessions end when there are too many."""
		secret = secrets.token_urlsafe(32)
		made = StoredSession(digest=digest(secret), token=token.digest, expires=self._clock() + SESSION_SECONDS)
		self._write((*self._alive(), made)[-MOST_SESSIONS:])
		return secret

	def find(self, secret: str) -> StoredToken | None:
		"""The token of the session that this is; None if it has ended, or its token was revoked."""
		session = same(self._alive(), digest(secret))
		return None if session is None else same(self._tokens.all(), session.token)

	def close(self, secret: str) -> None:
		"""End a session; nothing happens if there is none."""
		alive = self._alive()
		session = same(alive, digest(secret))
		if session is not None:
			self._write(tuple(other for other in alive if other is not session))

	def _alive(self) -> tuple[StoredSession, ...]:
		now = signature(self.path)
		if self._read is None or self._read[0] != now:
			self._read = now, read_private(self.path, SessionList)
		tokens = {token.digest for token in self._tokens.all()}
		moment = self._clock()
		return tuple(
			session for session in self._read[1].sessions if session.expires > moment and session.token in tokens
		)

	def _write(self, sessions: Iterable[StoredSession]) -> None:
		write_private(self.path, SessionList(sessions=tuple(sessions)))


def digest(secret: str) -> str:
	"""What is kept of a secret."""
	return hashlib.sha256(secret.encode(errors='surrogatepass')).hexdigest()


def same(entries: Iterable[S], wanted: str) -> S | None:
	"""The entry of this digest. Looks at every entry to its end, whatever it finds."""
	found: S | None = None
	for entry in entries:
		if hmac.compare_digest(entry.digest, wanted):
			found = entry
	return found
