"""A server that asks for tokens, as other machines see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from engine.settings import Settings
from server.app import build_app
from server.attempts import Attempts
from server.auth import Auth
from tests.server.client import Web


@dataclass(frozen=True)
class Guarded:
	"""The running server and its only token. Its clients keep cookies also of an address without a name."""

	web: Web
	auth: Auth
	token: str
	slept: list[float]

	@property
	def bearer(self) -> dict[str, str]:
		"""The headers of a client that has the token."""
		return {'Authorization': f'Bearer {self.token}'}

	def forget(self) -> None:
		"""Be a browser that was never here, at an address from which nothing wrong ever came."""
		self.web.session.cookie_jar.clear()
		self.auth.attempts = Attempts(sleep=self._sleep)

	async def _sleep(self, seconds: float) -> None:
		self.slept.append(seconds)


@asynccontextmanager
async def guarded_server(base: Path) -> AsyncIterator[Guarded]:
	"""Start one."""
	auth = Auth(base)
	token = auth.tokens.new('first')
	app = build_app(Settings(base=base), pack='tests.server.pack', host='0.0.0.0', auth=auth)
	async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
		guarded = Guarded(client, auth, token, [])
		guarded.forget()
		yield guarded
