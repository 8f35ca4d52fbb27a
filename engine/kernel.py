"""What a worker process asks of the operating system: to end with its server, and to be the one that goes when memory is
short. Linux grants both; elsewhere a worker ends when its connection does, unless a node never lets go.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
SACRIFICE = '500'
"""How much rather than another process of its size the kernel shall end this one, up to 1000."""


def end_with_parent() -> None:
	"""Have this process killed when its parent ends, whatever it is doing then."""
	if sys.platform == 'linux':
		import ctypes

		ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def go_first() -> None:
	"""Let the kernel end this process, not the server, when the machine runs out of memory."""
	if sys.platform == 'linux':
		with contextlib.suppress(OSError):
			Path('/proc/self/oom_score_adj').write_text(SACRIFICE)


def resident_bytes(pid: int) -> int:
	"""The memory that a process holds; 0 where the system does not tell."""
	try:
		for line in Path(f'/proc/{pid}/status').read_text().splitlines():
			if line.startswith('VmRSS:'):
				return int(line.split()[1]) * 1024
	except OSError:
		pass
	return 0
