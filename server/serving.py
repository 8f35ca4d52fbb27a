"""How the server is to be reached and watched: what the flags of `serve` say beyond `engine.settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from engine.declaration import Model
from engine.previews import PreviewMethod
from server.hosts import split_hosts
from server.limits import MAX_BODY

LogFormat = Literal['human', 'json']
LogLevel = Literal['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']


class Limits(Model):
	"""How much one request may hold. A hundred thousand nodes with the editor's own document beside them pass.

	`silence_seconds` is how long a body may not go on. How deep JSON may nest is fixed: 200 levels.
	"""

	json_bytes: int = MAX_BODY
	json_values: int = 10_000_000
	nodes: int = 200_000
	links: int = 1_000_000
	silence_seconds: float = 30.0

	def within(self, body_bytes: int) -> Limits:
		"""The same, for a server that takes no larger body of any kind."""
		return self if self.json_bytes <= body_bytes else self.model_copy(update={'json_bytes': body_bytes})


class Serving(Model):
	"""The options of one run of the server.

	`host` is an address, a name, or several with commas between them. `insecure` asks nobody for a token.
	`allowed_hosts` are names under which the server may be called besides its own; the pages of `cors_origin` may talk
	to it. `previews` is for jobs that do not say. `grace` is how many seconds the running job gets when the server is
	asked to end. `max_body` are bytes of a request's body; `editor` is a front end other than the program's.
	`model_hosts` are where the editor may have model files fetched from.
	"""

	host: str = '127.0.0.1'
	port: int = 8188
	insecure: bool = False
	allowed_hosts: tuple[str, ...] = ()
	cors_origin: str = ''
	certificate: Path | None = None
	certificate_key: Path | None = None
	previews: PreviewMethod = 'none'
	limits: Limits = Limits()
	log_level: LogLevel = 'INFO'
	log_format: LogFormat = 'human'
	grace: float = 3.0
	open_browser: bool = False
	max_body: int = MAX_BODY
	editor: Path | None = None
	model_hosts: tuple[str, ...] = ()

	@property
	def hosts(self) -> tuple[str, ...]:
		"""The addresses one by one."""
		return split_hosts(self.host)
