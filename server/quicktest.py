"""`--quick-test-for-ci`: does it start, and do the packs load?"""

from __future__ import annotations

import asyncio
from contextlib import closing

from aiohttp import web

from engine.runner import Runner
from engine.settings import Settings
from server.serve import run_server
from server.serving import Serving


def quick_test(settings: Settings, serving: Serving, *, pack: str = 'nodes') -> int:
	"""Load the packs as a worker does, start and end the server, and print a line. Gives the exit code.

	Raises `PluginError` if the built-in pack cannot be loaded. Others may fail: the line tells how many did.
	"""
	with closing(Runner(settings, lambda event: None, pack=pack)) as runner:
		kinds, packs = len(runner.nodes), runner.packs
	asyncio.run(run_server(settings, serving, pack, at_once))
	broken = [report.name for report in packs if report.error]
	told = f'; broken: {", ".join(broken)}' if broken else ''
	print(f'It starts: {kinds} kinds of nodes, {len(packs)} packs of custom nodes{told}.')  # noqa: T201
	return 0


async def at_once(runner: web.AppRunner, grace: float) -> None:
	"""What the server waits for: nothing."""
