"""The binary frames of the WebSocket: what a frame is about, as a number, then what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from server.schemas.messages import PreviewInfo

PREVIEW = 1
TEXT = 3
PREVIEW_WITH_INFO = 4
PREVIEW_FORMATS = {'image/jpeg': 1, 'image/png': 2}
Flags = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Preview:
	"""A picture of what a node is making, or has made, and what it belongs to."""

	info: PreviewInfo
	image: bytes

	@property
	def passing(self) -> bool:
		"""Whether a later one makes up for its loss. A PNG is a result for clients that look at no files."""
		return self.info.image_type == 'image/jpeg'

	def frame(self, flags: Flags) -> bytes:
		"""The frame as a client with these feature flags understands it."""
		if flags.get('supports_preview_metadata') is True:
			info = self.info.model_dump_json().encode()
			return b''.join((PREVIEW_WITH_INFO.to_bytes(4), sized(info), self.image))
		return b''.join((PREVIEW.to_bytes(4), PREVIEW_FORMATS[self.info.image_type].to_bytes(4), self.image))


@dataclass(frozen=True, slots=True)
class Text:
	"""What a running node says, and the node at which it is shown."""

	job: str
	node: str
	text: str

	def frame(self, flags: Flags) -> bytes:
		"""The frame as a client with these feature flags understands it: with the job, or without."""
		job = sized(self.job.encode()) if flags.get('supports_progress_text_metadata') is True else b''
		return b''.join((TEXT.to_bytes(4), job, sized(self.node.encode()), self.text.encode()))


def sized(part: bytes) -> bytes:
	"""A part whose length nobody could know otherwise."""
	return len(part).to_bytes(4) + part
