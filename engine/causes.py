"""Why a worker process ended, as a word for counting and as a sentence for people."""

from __future__ import annotations

import signal
from typing import Literal

from engine.events import Failure

Cause = Literal[
	'exited',
	'signalled',
	'unreachable',
	'time_limit',
	'heartbeat',
	'interrupt',
	'poisoned',
	'recycled',
	'stopped',
]
"""`exited` and `signalled` are its own doing, or somebody else's; all others are the supervisor's. `unreachable`: it did
not connect, or its connection broke."""

PLANNED: frozenset[Cause] = frozenset({'poisoned', 'recycled', 'stopped'})
"""The ends that are no loss: they come between two jobs."""

BACKENDS = ('cuda error', 'hip error')
STICKY = (
	'device-side assert',
	'illegal memory access',
	'illegal address',
	'illegal instruction',
	'misaligned address',
	'invalid program counter',
	'operation not supported on global/shared address space',
	'hardware stack error',
	'unspecified launch failure',
	'launch timed out',
	'uncorrectable',
	'unknown error',
)
"""Errors after which every further call of the process fails, as CUDA's documentation lists them."""


def is_poisoned(failure: Failure | None) -> bool:
	"""Whether a node's failure leaves its process unable to use its device again."""
	if failure is None:
		return False
	message = failure.message.lower()
	return any(name in message for name in BACKENDS) and any(words in message for words in STICKY)


def describe_exit(code: int | None) -> str:
	"""How a process ended, in words."""
	if code is None:
		return 'The worker process fell silent.'
	if code >= 0:
		return f'The worker process ended with exit code {code}.'
	try:
		name = signal.Signals(-code).name
	except ValueError:
		name = str(-code)
	hint = ' It may have run out of memory.' if -code == getattr(signal, 'SIGKILL', 9) else ''
	return f'The worker process was killed by signal {name}.{hint}'
