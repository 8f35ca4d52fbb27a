"""The connected clients: who is reached under which id, and one outbox per socket, so that nobody waits for anybody."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from aiohttp import WSCloseCode, web
from pydantic import JsonValue

from server.comfy.frames import Preview, Text
from server.schemas.messages import Message

OUTBOX_BYTES = 32 * 2**20
RESULT_BYTES = 256 * 2**20
FRAME_OVERHEAD = 128
PIECE_BYTES = 2**18
UNSENT_BYTES = 2**18
SLOW_SECONDS = 0.01
CLOSE_SECONDS = 2.0
FINAL, TEXT_FRAME, BINARY_FRAME = 0x80, 0x1, 0x2


class Kind(IntEnum):
	"""What a frame is to a client that does not keep up."""

	MESSAGE = 0
	PREVIEW = 1
	RESULT = 2


class Waiting(NamedTuple):
	"""A frame in an outbox."""

	frame: str | bytes
	kind: Kind

	@property
	def weight(self) -> int:
		"""How much of the outbox it takes."""
		return len(self.frame) + FRAME_OVERHEAD


class Client:
	"""One open socket. Frames leave in the order in which they were sent, text and binary together.

	`flags` are the feature flags that the client told, None if it told none.
	"""

	def __init__(self, sid: str, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
		self.sid = sid
		self.flags: Mapping[str, JsonValue] | None = None
		self._socket = socket
		self._transport = transport
		self._outbox: deque[Waiting] = deque()
		self._bytes = [0] * len(Kind)
		self._filled = asyncio.Event()

	@property
	def wants_whole(self) -> bool:
		"""Whether progress is told as the state of all nodes, not as what has changed."""
		return self.flags is not None and self.flags.get('progress_deltas') is not True

	@property
	def wants_job_progress(self) -> bool:
		"""Whether it knows messages about the progress of a job as a whole."""
		return self.flags is not None and self.flags.get('job_progress') is True

	@property
	def wants_model_loading(self) -> bool:
		"""Whether it knows messages about models that are being loaded."""
		return self.flags is not None and self.flags.get('model_loading') is True

	def tell(self, message: Message) -> None:
		"""Send a message."""
		self.send(message.model_dump_json())

	def show(self, shown: Preview | Text) -> None:
		"""Send a binary frame in the form that this client understands."""
		kind = Kind.MESSAGE
		if isinstance(shown, Preview):
			kind = Kind.PREVIEW if shown.passing else Kind.RESULT
		self.send(shown.frame(self.flags or {}), kind)

	def send(self, frame: str | bytes, kind: Kind = Kind.MESSAGE) -> None:
		"""Put a frame in the outbox; never waits.

		A client that does not keep up first loses its previews, then its connection. Pictures that are results have room
		of their own: several large ones may come at once.
		"""
		self._put(Waiting(frame, kind))
		if self._bytes[Kind.MESSAGE] + self._bytes[Kind.PREVIEW] > OUTBOX_BYTES:
			kept = [waiting for waiting in self._outbox if waiting.kind is not Kind.PREVIEW]
			self._empty()
			for waiting in kept:
				self._put(waiting)
		if self._bytes[Kind.MESSAGE] > OUTBOX_BYTES or self._bytes[Kind.RESULT] > RESULT_BYTES:
			self._empty()
			if self._transport is not None:
				self._transport.abort()
		self._filled.set()

	def _put(self, waiting: Waiting) -> None:
		self._outbox.append(waiting)
		self._bytes[waiting.kind] += waiting.weight

	def _empty(self) -> None:
		self._outbox.clear()
		self._bytes = [0] * len(Kind)

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
			waiting = self._outbox.popleft()
			self._bytes[waiting.kind] -= waiting.weight
			frame = waiting.frame
			payload = frame.encode() if isinstance(frame, str) else frame
			parts += (header(len(payload), TEXT_FRAME if isinstance(frame, str) else BINARY_FRAME), payload)
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
