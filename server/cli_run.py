"""`lumengraph run`: a workflow, here or by a running server, once or several times."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import Literal, get_args

from server.cli_codes import TOLD
from server.cli_flags import natural, settings_from
from server.cli_models import TOKEN

SeedPolicy = Literal['fixed', 'increment', 'decrement', 'random']
POLICIES: tuple[SeedPolicy, ...] = get_args(SeedPolicy)


@dataclass(frozen=True, slots=True)
class Wanted:
	"""What is to be run, and how it is told."""

	source: str
	changes: tuple[str, ...] = ()
	seed: str | None = None
	count: int = 1
	seeds: SeedPolicy | None = None
	as_json: bool = False
	sweeps: tuple[str, ...] = ()


def add_run_command(parser: argparse.ArgumentParser, source: str) -> None:
	"""The grammar of `run`."""
	parser.epilog = TOLD
	parser.add_argument('file', metavar='FILE|PICTURE|NAME', help=source)
	parser.add_argument(
		'--set',
		action='append',
		default=[],
		metavar='NAME=VALUE',
		help="set one of the workflow's named inputs, or NODE.INPUT; may be repeated",
	)
	parser.add_argument(
		'--sweep',
		action='append',
		default=[],
		metavar='NAME=VALUES',
		help='run it for several values of an input, 1,2,3 or FROM..TO/STEPS, and lay the pictures out in a labelled grid; '
		'repeated, for every combination (100 at most)',
	)
	parser.add_argument('--seed', metavar='N', help='set the seed')
	parser.add_argument(
		'--count', type=natural, default=1, metavar='N', help='run it N times, with a new seed each time'
	)
	parser.add_argument(
		'--seeds',
		choices=POLICIES,
		help='how seeds move from run to run (default: as the workflow says; if it does not, they count up)',
	)
	parser.add_argument(
		'--json', action='store_true', help='print events as lines of JSON on standard output, the result last'
	)
	group = parser.add_argument_group('by a running server')
	group.add_argument(
		'--server', metavar='URL', help='run it there; local input pictures are sent along, results are fetched'
	)
	group.add_argument(
		'--token',
		metavar='TOKEN',
		default=os.environ.get(TOKEN, ''),
		help=f'what the server asks for (default: ${TOKEN})',
	)
	parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
	settings = settings_from(options)
	wanted = Wanted(
		options.file, tuple(options.set), options.seed, options.count, options.seeds, options.json, tuple(options.sweep)
	)
	if options.server is not None:
		from server.cli_remote import run_remotely

		return run_remotely(wanted, settings, options.server, options.token)
	from server.cli_local import run_here

	return run_here(wanted, settings)
