"""`lumengraph stubs`: types for editors and for mypy."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from server.cli_flags import settings_from


def add_stubs_command(parser: argparse.ArgumentParser) -> None:
	"""The grammar of `stubs`."""
	parser.add_argument(
		'folder',
		nargs='?',
		type=Path,
		default=Path('typings'),
		metavar='DIR',
		help='where to write engine/code/__init__.pyi (default: typings, where Pylance and Pyright look)',
	)
	parser.set_defaults(command=_stubs)


def _stubs(options: argparse.Namespace) -> int:
	from engine.code.stubs import write_stubs
	from engine.runner import Runner

	with closing(Runner(settings_from(options), lambda event: None)) as runner:
		path = write_stubs(options.folder, runner.described())
	print(path)
	return 0
