"""The outbox of a socket, with a connection that takes nothing until it is told to."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from aiohttp import web

from server.comfy.sockets import OUTBOX_BYTES, PIECE_BYTES, RESULT_BYTES, UNSENT_BYTES, Client, Kind, header


class OpenSocket:
	"""A WebSocket that is not closed."""

	closed = False


class Connection:
	"""A connection that notes what is written, and whether it was cut. Its peer reads only when `reads` is set."""

	def __init__(self) -> None:
		self.pieces: list[bytes] = []
		self.reads = False
		self.aborted = False

	def write(self, data: bytes) -> None:
		"""Take a piece."""
		self.pieces.append(data)

	def get_write_buffer_size(self) -> int:
		"""What the peer has not read."""
		return 0 if self.reads else sum(map(len, self.pieces))

	def is_closing(self) -> bool:
		"""Whether it was cut."""
		return self.aborted

	def abort(self) -> None:
		"""Cut it."""
		self.aborted = True


@pytest.fixture
def connection() -> Connection:
	"""A connection whose peer does not read."""
	return Connection()


@pytest.fixture
def client(connection: Connection) -> Client:
	"""The client at its other end."""
	return Client('me', cast(web.WebSocketResponse, OpenSocket()), cast(asyncio.Transport, connection))


async def write_for(client: Client, seconds: float) -> None:
	"""Let a client's outbox be written for a while."""
	writer = asyncio.create_task(client.write())
	await asyncio.sleep(seconds)
	writer.cancel()


def frames(data: bytes) -> list[str | bytes]:
	"""What a browser would read."""
	found: list[str | bytes] = []
	while data:
		length, at = data[1], 2
		if length == 126:
			length, at = int.from_bytes(data[2:4]), 4
		elif length == 127:
			length, at = int.from_bytes(data[2:10]), 10
		payload = data[at : at + length]
		found.append(payload.decode() if data[0] == 0x81 else payload)
		data = data[at + length :]
	return found


class TestFrames:
	"""Frames as they go over the wire."""

	@pytest.mark.parametrize(
		('length', 'expected'),
		[
			(0, b'\x81\x00'),
			(125, b'\x81\x7d'),
			(126, b'\x81\x7e\x00\x7e'),
			(65535, b'\x81\x7e\xff\xff'),
			(65536, b'\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00'),
		],
	)
	def test_lengths(self, length: int, expected: bytes) -> None:
		"""A length is written in one byte, three or nine."""
		assert header(length, 1) == expected

	async def test_order_of_text_and_binary(self, client: Client, connection: Connection) -> None:
		"""Frames leave in the order in which they were sent, as one piece."""
		sent: list[str | bytes] = ['a', b'1', 'ü' * 200, b'2' * 70_000, '']
		for frame in sent:
			client.send(frame)
		await write_for(client, 0.01)

		assert frames(b''.join(connection.pieces)) == sent
		assert len(connection.pieces) == 1


class TestSlowClient:
	"""A client that does not read."""

	async def test_previews_go_first(self, client: Client, connection: Connection) -> None:
		"""When too much waits, previews are dropped; every message still arrives, in order."""
		for index in range(100):
			client.send(f'message {index}')
			client.send(b'x' * 2**20, Kind.PREVIEW)
		connection.reads = True
		await write_for(client, 0.1)
		came = frames(b''.join(connection.pieces))
		texts = [frame for frame in came if isinstance(frame, str)]

		assert texts == [f'message {index}' for index in range(100)]
		assert len(came) - len(texts) <= OUTBOX_BYTES // 2**20
		assert not connection.aborted

	async def test_results_have_room_of_their_own(self, client: Client, connection: Connection) -> None:
		"""Pictures that no file makes up for are not dropped with the previews, nor do they count among what is."""
		for index in range(40):
			client.send(bytes((index,)) * 2**20, Kind.RESULT)
			client.send(b'x' * 2**20, Kind.PREVIEW)
		connection.reads = True
		await write_for(client, 0.1)
		came = frames(b''.join(connection.pieces))
		results = [frame for frame in came if frame[:1] != b'x']

		assert results == [bytes((index,)) * 2**20 for index in range(40)]
		assert 0 < len(came) - len(results) <= OUTBOX_BYTES // 2**20
		assert not connection.aborted

	@pytest.mark.parametrize(('size', 'kind'), [(2**20, Kind.MESSAGE), (2**24, Kind.RESULT)])
	async def test_that_never_reads_is_bounded(
		self, client: Client, connection: Connection, size: int, kind: Kind
	) -> None:
		"""However it is sent: what waits for it comes to an end, and so does its connection."""
		sent = 0
		while not connection.aborted and sent <= 2 * RESULT_BYTES:
			client.send(b'x' * size, kind)
			sent += size

		assert connection.aborted
		assert sent <= (RESULT_BYTES if kind is Kind.RESULT else OUTBOX_BYTES) + size

	async def test_then_the_connection(self, client: Client, connection: Connection) -> None:
		"""A client that does not even take its messages is cut off, and nothing is kept for it."""
		for _ in range(40):
			client.send('x' * 2**20)
		await write_for(client, 0.01)

		assert connection.aborted
		assert connection.pieces == []

	async def test_what_it_has_not_read_stays_in_the_outbox(self, client: Client, connection: Connection) -> None:
		"""The system's buffers are not filled up with what could still be dropped; it goes on when the client reads."""
		for _ in range(100):
			client.send(b'x' * 2**16)
		writer = asyncio.create_task(client.write())
		await asyncio.sleep(0.05)
		unread = sum(map(len, connection.pieces))
		connection.reads = True
		await asyncio.sleep(0.05)
		writer.cancel()

		assert unread <= UNSENT_BYTES + PIECE_BYTES + 2**17
		assert len(frames(b''.join(connection.pieces))) == 100


class TestFlags:
	"""What a client wants to be told."""

	@pytest.mark.parametrize(
		('flags', 'whole', 'job'),
		[
			(None, False, False),
			({}, True, False),
			({'progress_deltas': False}, True, False),
			({'progress_deltas': True}, False, False),
			({'progress_deltas': True, 'job_progress': True}, False, True),
			({'job_progress': 'yes'}, True, False),
		],
	)
	def test_progress(self, client: Client, flags: dict[str, bool | str] | None, whole: bool, job: bool) -> None:
		"""Clients that tell flags get the peer's form, unless they announce that they know ours."""
		client.flags = None if flags is None else dict(flags)

		assert client.wants_whole is whole
		assert client.wants_job_progress is job
