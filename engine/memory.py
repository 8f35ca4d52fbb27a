"""How much memory there is, and how much of it is free, for the machine or for the container that this runs in."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path('/')
UNLIMITED = 2**62
"""Container limits from here on are none."""
UNKNOWN = 8 * 2**30
"""Total bytes where the system does not tell."""


def total_memory(root: Path = ROOT) -> int:
	"""Bytes of memory in all: the machine's, or a container's limit where that is less."""
	return min(_machine('MemTotal', root), *(limit for limit, _ in _limits(root)), UNLIMITED)


def available_memory(root: Path = ROOT) -> int:
	"""Bytes that can still be used without swapping, those of droppable file caches included; never negative."""
	left = (limit - used for limit, used in _limits(root))
	return max(0, min(_machine('MemAvailable', root), *left, UNLIMITED))


def _machine(name: str, root: Path) -> int:
	"""A value of Linux's /proc/meminfo; elsewhere what the system tells instead."""
	try:
		text = (root / 'proc/meminfo').read_text()
	except OSError:
		return _without_proc(name)
	for line in text.splitlines():
		label, _, value = line.partition(':')
		number = value.split()[:1]
		if label == name and number and number[0].isdecimal():
			return int(number[0]) * 1024
	return UNKNOWN


def _without_proc(name: str) -> int:
	if sys.platform == 'win32':
		return _windows(name)
	pages = 'SC_AVPHYS_PAGES' if name == 'MemAvailable' else 'SC_PHYS_PAGES'
	# macOS tells the total only.
	known = pages if pages in os.sysconf_names else 'SC_PHYS_PAGES'
	return os.sysconf(known) * os.sysconf('SC_PAGE_SIZE') if known in os.sysconf_names else UNKNOWN


if sys.platform == 'win32':
	import ctypes

	class _Status(ctypes.Structure):
		"""MEMORYSTATUSEX of the Windows API."""

		_fields_ = (
			('length', ctypes.c_ulong),
			('load', ctypes.c_ulong),
			('total', ctypes.c_ulonglong),
			('available', ctypes.c_ulonglong),
			('rest', ctypes.c_ulonglong * 5),
		)

	def _windows(name: str) -> int:
		status = _Status()
		status.length = ctypes.sizeof(_Status)
		if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
			return UNKNOWN
		return int(status.available if name == 'MemAvailable' else status.total)


def _limits(root: Path) -> Iterator[tuple[int, int]]:
	"""Limit and use, in bytes, of each control group that this process is in and that has a limit."""
	try:
		lines = (root / 'proc/self/cgroup').read_text().splitlines()
	except OSError:
		return
	for line in lines:
		_, _, rest = line.partition(':')
		controllers, _, path = rest.partition(':')
		if not controllers:
			yield from _found(root / 'sys/fs/cgroup', path, 'memory.max', 'memory.current', 'inactive_file')
		elif 'memory' in controllers.split(','):
			top = root / 'sys/fs/cgroup/memory'
			yield from _found(top, path, 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file')


def _found(top: Path, path: str, limit_name: str, used_name: str, cached_name: str) -> Iterator[tuple[int, int]]:
	"""The limits of a group and of all above it; inside a container the group's own path may not be there."""
	group = top.joinpath(*(part for part in path.split('/') if part not in ('', '.', '..')))
	for folder in (group, *group.parents):
		try:
			limit = (folder / limit_name).read_text().strip()
			# What the kernel caches of files counts as used, but gives way.
			if limit.isdigit() and int(limit) < UNLIMITED:
				used = int((folder / used_name).read_text())
				yield int(limit), max(0, used - _statistic(folder / 'memory.stat', cached_name))
		except (OSError, ValueError):
			pass
		if folder == top:
			return


def _statistic(path: Path, name: str) -> int:
	for line in path.read_text().splitlines():
		label, _, value = line.partition(' ')
		if label == name:
			return int(value)
	return 0
