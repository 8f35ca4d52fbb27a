"""What a worker process was doing when it died: a page of memory that it shares with its supervisor.

Events are gathered before they are sent, so the last of them die with the process. What is written here does not.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

PAGE = 4096
HEAD = struct.Struct('>HHH')


class Notes:
	"""Job, node and kind of the node that was started last; none once it has finished."""

	def __init__(self, path: Path) -> None:
		if not path.exists():
			path.write_bytes(bytes(PAGE))
		with path.open('r+b') as file:
			self._page = mmap.mmap(file.fileno(), PAGE)

	def write(self, job: str, node: str, kind: str) -> None:
		"""Note where the run is. What does not fit is not noted."""
		parts = (job.encode(), node.encode(), kind.encode())
		text = b''.join(parts)
		if len(text) > PAGE - HEAD.size:
			self.clear()
			return
		self._page[: HEAD.size + len(text)] = HEAD.pack(*map(len, parts)) + text

	def clear(self) -> None:
		"""Note that no node is running."""
		self._page[: HEAD.size] = bytes(HEAD.size)

	def read(self) -> tuple[str, str, str] | None:
		"""What is noted: job, node, kind."""
		lengths = HEAD.unpack(self._page[: HEAD.size])
		if not lengths[0]:
			return None
		found: list[str] = []
		at = HEAD.size
		for length in lengths:
			found.append(self._page[at : at + length].decode(errors='replace'))
			at += length
		return found[0], found[1], found[2]
