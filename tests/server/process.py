"""A server in a process of its own, started as the command line starts it but with the tests' nodes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from engine.settings import PROJECT
from tests.server.client import eventually

SCRIPT = """
import sys
from server.cli import parser
from server.cli_flags import settings_from
from server.cli_serve import serving_from
from server.serve import serve

options = parser().parse_args(['serve', *sys.argv[1:]])
sys.exit(serve(settings_from(options), serving_from(options), pack='tests.server.pack'))
"""


@dataclass(frozen=True)
class Served:
	"""The process, and where it said it is."""

	process: asyncio.subprocess.Process
	url: str

	def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
		"""Ask it to end."""
		self.process.send_signal(number)

	async def line(self) -> str:
		"""What it prints next."""
		assert self.process.stdout is not None
		return (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode().rstrip('\n')

	async def ended(self) -> int:
		"""Its exit code, once it has ended by itself."""
		return await asyncio.wait_for(self.process.wait(), 60)

	async def refuses(self) -> None:
		"""Wait until it takes no more connections."""

		async def is_closed() -> bool:
			try:
				async with ClientSession() as session, session.get(f'{self.url}/v1/health/live', ssl=False):
					return False
			except OSError:
				return True

		await eventually(is_closed, 'the server to take no more connections')


@asynccontextmanager
async def serving(base: Path, *flags: str, stderr: int | None = None) -> AsyncIterator[Served]:
	"""Start it at a free port; it is killed in the end if it has not ended."""
	process = await asyncio.create_subprocess_exec(
		*(sys.executable, '-c', SCRIPT, '--port', '0', '--base', str(base), *flags),
		cwd=PROJECT,
		stdout=asyncio.subprocess.PIPE,
		stderr=stderr,
	)
	try:
		served = Served(process, '')
		yield Served(process, (await served.line()).split()[-1])
	finally:
		if process.returncode is None:
			process.kill()
		await process.wait()
