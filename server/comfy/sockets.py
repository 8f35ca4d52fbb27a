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
PIECE_BYTES = 2**18
UNSENT_BYTES = 2**18
SLOW_SECONDS = 0.01
CLOSE_SECONDS = 2.0
FINAL, TEXT, BINARY = 0x80, 0x1, 0x2
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
	"""One open socket. Frames leave in the order in which they were sent, text and binary together.

	`flags` are the feature flags that the client told, None if it told none.
	"""

	def __init__(self, sid: str, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
		self.sid = sid
		self.flags: Mapping[str, JsonValue] | None = None
		self._socket = socket
		self._transport = transport
		self._outbox: deque[str | bytes] = deque()
		self._bytes = 0
		self._filled = asyncio.Event()

	@property
	def wants_whole(self) -> bool:
		"""Whether progress is told as the state of all nodes, not as what has changed."""
		return self.flags is not None and self.flags.get('progress_deltas') is not True

	@property
	def wants_job_progress(self) -> bool:
		"""Whether it knows messages about the progress of a job as a whole."""
		return self.flags is not None and self.flags.get('job_progress') is True

	def tell(self, message: Message) -> None:
		"""Send a message."""
		self.send(message.model_dump_json())

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
		"""Write the outbox to the socket until cancelled or until the connection ends.

		What waits is written as one piece: a job of a thousand nodes sends two thousand frames within a moment, and for
		each by itself the system would be called.
		"""
		transport = self._transport
		while transport is not None and not transport.is_closing() and not self._socket.closed:
			if transport.get_write_buffer_size() > UNSENT_BYTES:
				# What the client has not read stays in the outbox, where it can still be dropped.
				await asyncio.sleep(SLOW_SECONDS)
			elif self._outbox:
				transport.write(self._piece())
			else:
				self._filled.clear()
				await self._filled.wait()

	def _piece(self) -> bytes:
		"""Frames from the outbox, as they go over the wire, up to a limit."""
		parts: list[bytes] = []
		size = 0
		while self._outbox and size < PIECE_BYTES:
			frame = self._outbox.popleft()
			self._bytes -= weight(frame)
			payload = frame.encode() if isinstance(frame, str) else frame
			parts += (header(len(payload), TEXT if isinstance(frame, str) else BINARY), payload)
			size += len(payload)
		return b''.join(parts)

	async def close(self) -> None:
		"""Say goodbye, but do not insist."""
		with contextlib.suppress(TimeoutError, ConnectionError):
			async with asyncio.timeout(CLOSE_SECONDS):
				await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b'The server is stopping.')


def header(length: int, opcode: int) -> bytes:
	"""What precedes a whole frame of a server (RFC 6455, 5.2): not split up, not masked."""
	first = bytes((FINAL | opcode,))
	if length < 126:
		return first + bytes((length,))
	if length < 2**16:
		return first + b'\x7e' + length.to_bytes(2)
	return first + b'\x7f' + length.to_bytes(8)


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

	def find(self, sid: str) -> Client | None:
		"""The socket that gets what is sent to this id."""
		return self._by_sid.get(sid)

	def send(self, sid: str, message: Message) -> None:
		"""Send to one id; nothing happens if it is not connected."""
		client = self._by_sid.get(sid)
		if client is not None:
			client.tell(message)

	def broadcast(self, message: Message) -> None:
		"""Send to every id."""
		text = message.model_dump_json()
		for client in self._by_sid.values():
			client.send(text)

	async def close(self) -> None:
		"""End all connections."""
		await asyncio.gather(*(client.close() for client in tuple(self._open)))
