"""A server for tests that kill it: `python -m tests.server.enduring FOLDER`. Its nodes take a while, and write down that
they ran."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Annotated

from PIL import Image

from engine.declaration import Number
from engine.plugins import Kit
from engine.settings import Settings
from engine.spec import Context, node
from server.serve import serve
from server.serving import Serving

LOG = 'ENDURING_LOG'
SIDE = 256


@node(kind='Tick', category='test')
def tick(
	context: Context,
	after: int,
	seed: Annotated[int, Number(default=0)],
	seconds: Annotated[float, Number(default=0.0)],
) -> int:
	"""Wait, then write down that it ran."""
	context.cancel.wait(seconds)
	context.check_cancelled()
	line = f'{seed} {after}\n'.encode()
	file = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
	try:
		os.write(file, line)
	finally:
		os.close(file)
	return after + 1


@node(kind='Picture', category='test', sink=True)
def picture(context: Context, after: int, seed: Annotated[int, Number(default=0)]) -> None:
	"""Save a picture that is long to write."""
	noise = random.Random(seed).randbytes(3 * SIDE * SIDE)
	context.save_image(Image.frombytes('RGB', (SIDE, SIDE), noise), f'job {seed}')


def register(kit: Kit) -> None:
	"""Add this file's nodes."""
	kit.collect(sys.modules[__name__], origin='tests')


if __name__ == '__main__':
	serve(Settings(base=Path(sys.argv[1])), Serving(port=0, grace=0), pack='tests.server.enduring')
