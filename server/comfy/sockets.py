"""The connected clients: who is reached under which id, and one outbox per socket, so that nobody waits for anybody."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import WSCloseCode, web
from pydantic import JsonValue

from server.schemas.messages import Message, PreviewInfo

OUTBOX_BYTES = 32 * 2**20
FRAME_OVERHEAD = 128
CLOSE_SECONDS = 2.0
PREVIEW = 1
PREVIEW_WITH_INFO = 4
PREVIEW_FORMATS = {'image/jpeg': 1, 'image/png': 2}


@dataclass(frozen=True, slots=True)
class Preview:
	"""A picture of what a node is making, and what it belongs to."""

	info: PreviewInfo
	image: bytes

	def frame(self, flags: Mapping[str, JsonValue]) -> bytes:
		"""The binary frame as a client with these feature flags understands it."""
		if flags.get('supports_preview_metadata') is True:
			info = self.info.model_dump_json().encode()
			return b''.join((PREVIEW_WITH_INFO.to_bytes(4), len(info).to_bytes(4), info, self.image))
		return b''.join((PREVIEW.to_bytes(4), PREVIEW_FORMATS[self.info.image_type].to_bytes(4), self.image))


class Client:
	"""One open socket. Frames leave in the order in which they were sent, text and binary together."""

	def __init__(self, sid: str, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
		self.sid = sid
		self.flags: Mapping[str, JsonValue] = {}
		self._socket = socket
		self._transport = transport
		self._outbox: deque[str | bytes] = deque()
		self._bytes = 0
		self._filled = asyncio.Event()

	def send(self, frame: str | bytes) -> None:
		"""Put a frame in the outbox; never waits.

		A client that does not keep up first loses its previews, then its connection.
		"""
		self._outbox.append(frame)
		self._bytes += weight(frame)
		if self._bytes > OUTBOX_BYTES:
			self._outbox = deque(waiting for waiting in self._outbox if isinstance(waiting, str))
			self._bytes = sum(weight(waiting) for waiting in self._outbox)
		if self._bytes > OUTBOX_BYTES:
			self._outbox.clear()
			self._bytes = 0
			if self._transport is not None:
				self._transport.abort()
		self._filled.set()

	async def write(self) -> None:
		"""Write the outbox to the socket until cancelled or until the connection ends."""
		with contextlib.suppress(ConnectionError):
			while True:
				await self._filled.wait()
				while self._outbox:
					frame = self._outbox.popleft()
					self._bytes -= weight(frame)
					if isinstance(frame, str):
						await self._socket.send_str(frame)
					else:
						await self._socket.send_bytes(frame)
				self._filled.clear()

	async def close(self) -> None:
		"""Say goodbye, but do not insist."""
		with contextlib.suppress(TimeoutError, ConnectionError):
			async with asyncio.timeout(CLOSE_SECONDS):
				await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b'The server is stopping.')


def weight(frame: str | bytes) -> int:
	"""How much of an outbox a frame takes."""
	return len(frame) + FRAME_OVERHEAD


class Hub:
	"""All open sockets. An id reaches the socket that came last with it."""

	def __init__(self) -> None:
		self._by_sid: dict[str, Client] = {}
		self._open: set[Client] = set()

	def join(self, client: Client) -> None:
		"""A socket has opened. An older one with the same id stays open and gets nothing more."""
		self._open.add(client)
		self._by_sid[client.sid] = client

	def leave(self, client: Client) -> None:
		"""A socket has closed. Its id stays with the newer socket, if there is one."""
		self._open.discard(client)
		if self._by_sid.get(client.sid) is client:
			del self._by_sid[client.sid]

	def listens(self, sid: str) -> bool:
		"""Whether anybody would get what is sent to this id."""
		return sid in self._by_sid

	def send(self, sid: str, message: Message) -> None:
		"""Send to one id; nothing happens if it is not connected."""
		client = self._by_sid.get(sid)
		if client is not None:
			client.send(message.model_dump_json())

	def send_preview(self, sid: str, preview: Preview) -> None:
		"""Send a picture to one id, in the form that its socket understands."""
		client = self._by_sid.get(sid)
		if client is not None:
			client.send(preview.frame(client.flags))

	def broadcast(self, message: Message) -> None:
		"""Send to every id."""
		text = message.model_dump_json()
		for client in self._by_sid.values():
			client.send(text)

	async def close(self) -> None:
		"""End all connections."""
		await asyncio.gather(*(client.close() for client in tuple(self._open)))
