"""Flags that say how many worker processes there are, and what they may do."""

from __future__ import annotations

import argparse

GIGABYTE = 2**30
NAMES = ('workers', 'node_seconds', 'heartbeat_seconds', 'grace_seconds', 'recycle_jobs')


def add_worker_flags(parser: argparse.ArgumentParser) -> None:
	"""Add them to a command that starts workers."""
	group = parser.add_argument_group('worker processes')
	group.add_argument('--workers', type=at_least_one, metavar='N', help='how many work on each device (default: 1)')
	group.add_argument(
		'--node-seconds', type=positive, metavar='S', help='end a worker whose node takes longer (default: never)'
	)
	group.add_argument(
		'--heartbeat-seconds', type=positive, metavar='S', help='end a worker that is silent for so long (default: 120)'
	)
	group.add_argument(
		'--grace-seconds',
		type=positive,
		metavar='S',
		help='end a worker whose job goes on for so long after its interrupt (default: 10)',
	)
	group.add_argument(
		'--recycle-jobs', type=at_least_one, metavar='N', help='replace a worker after N jobs (default: never)'
	)
	group.add_argument(
		'--recycle-memory',
		type=positive,
		metavar='GB',
		help='replace a worker that holds more memory after a job (default: never)',
	)


def at_least_one(text: str) -> int:
	"""A whole number from 1."""
	if not text.isdecimal() or not int(text):
		raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 1')
	return int(text)


def positive(text: str) -> float:
	"""A positive number."""
	try:
		number = float(text)
	except ValueError:
		number = 0.0
	if not 0 < number < 2**30:
		raise argparse.ArgumentTypeError(f'{text!r} is no positive number')
	return number


def worker_settings(options: argparse.Namespace) -> dict[str, object]:
	"""What the flags say about worker processes."""
	given = vars(options)
	found: dict[str, object] = {name: given[name] for name in NAMES if given.get(name) is not None}
	if given.get('recycle_memory') is not None:
		found['recycle_bytes'] = int(given['recycle_memory'] * GIGABYTE)
	return found
