"""`/v1/login`: a token is shown once, and a session is had for it."""

from __future__ import annotations

from server.schemas.base import Reply, Request


class LoginRequest(Request):
	"""The token, as it was printed when it was made."""

	token: str


class LoggedIn(Reply):
	"""200: the answer's cookie is the session. `name` is that of the token; a server that asks for none has none."""

	required: bool
	name: str
