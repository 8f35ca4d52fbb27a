"""The server as a process of its own, as users start it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.settings import PROJECT

STOP_SECONDS = 30


@dataclass(frozen=True)
class Server:
	"""A server process and its folders."""

	url: str
	base: Path
	process: subprocess.Popen[str]


@contextmanager
def serving(base: Path, *flags: str) -> Iterator[Server]:
	"""`python main.py serve` on a free port, with folders of its own and the models that are shipped."""
	command = [sys.executable, 'main.py', 'serve', '--port', '0', '--base', str(base), *flags]
	process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
	assert process.stdout is not None
	try:
		line = process.stdout.readline()
		assert line, f'The server ended with {process.wait()}; its own words are above.'
		yield Server(line.split()[-1], base, process)
	finally:
		process.terminate()
		process.communicate(timeout=STOP_SECONDS)
