"""What a worker process asks of the operating system: to end with its server, to be the one that goes when memory is
short, and to make memory in one go. Linux grants all of it; elsewhere a worker ends when its connection does, unless a node
never lets go.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
MADV_POPULATE_WRITE = 23
SACRIFICE = '500'
"""How much rather than another process of its size the kernel shall end this one, up to 1000."""


def end_with_parent() -> None:
	"""Have this process killed when its parent ends, whatever it is doing then."""
	if sys.platform == 'linux':
		ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def go_first() -> None:
	"""Let the kernel end this process, not the server, when the machine runs out of memory."""
	if sys.platform == 'linux':
		with contextlib.suppress(OSError):
			Path('/proc/self/oom_score_adj').write_text(SACRIFICE)


def make_pages(address: int, nbytes: int) -> None:
	"""Have the whole pages in a stretch of this process's memory made now: one by one, as they are written to, takes longer.

	What is in them stays. Kernels before Linux 5.14 and other systems do nothing.
	"""
	begin = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
	length = (address + nbytes) // mmap.PAGESIZE * mmap.PAGESIZE - begin
	if sys.platform == 'linux' and length > 0:
		ctypes.CDLL(None).madvise(ctypes.c_void_p(begin), ctypes.c_size_t(length), MADV_POPULATE_WRITE)


def resident_bytes(pid: int) -> int:
	"""The memory that a process holds; 0 where the system does not tell."""
	try:
		for line in Path(f'/proc/{pid}/status').read_text().splitlines():
			if line.startswith('VmRSS:'):
				return int(line.split()[1]) * 1024
	except OSError:
		pass
	return 0
