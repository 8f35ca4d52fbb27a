"""The outbox of a socket, with a socket that takes nothing."""

from __future__ import annotations

import asyncio
from typing import cast

from aiohttp import web

from server.comfy.sockets import OUTBOX_BYTES, Client, Preview
from server.schemas.messages import PreviewInfo


class StuckSocket:
	"""A WebSocket whose peer does not read: nothing ever leaves."""

	def __init__(self) -> None:
		self.tried: list[str | bytes] = []
		self.released = asyncio.Event()

	async def send_str(self, frame: str) -> None:
		"""Take a frame, once released."""
		await self.released.wait()
		self.tried.append(frame)

	async def send_bytes(self, frame: bytes) -> None:
		"""Take a frame, once released."""
		await self.released.wait()
		self.tried.append(frame)


class CutTransport:
	"""A connection that notes whether it was cut."""

	def __init__(self) -> None:
		self.aborted = False

	def abort(self) -> None:
		"""Cut it."""
		self.aborted = True


def stuck_client() -> tuple[Client, StuckSocket, CutTransport]:
	"""A client that does not read."""
	socket, transport = StuckSocket(), CutTransport()
	client = Client('me', cast(web.WebSocketResponse, socket), cast(asyncio.Transport, transport))
	return client, socket, transport


class TestOutbox:
	"""Frames that wait for a slow client."""

	async def test_previews_go_first(self) -> None:
		"""When too much waits, previews are dropped; every message still arrives, in order."""
		client, socket, transport = stuck_client()
		writer = asyncio.create_task(client.write())
		preview = b'x' * 2**20
		for index in range(100):
			client.send(f'message {index}')
			client.send(preview)
		socket.released.set()
		await asyncio.sleep(0.01)
		writer.cancel()
		texts = [frame for frame in socket.tried if isinstance(frame, str)]

		assert texts == [f'message {index}' for index in range(100)]
		assert len(socket.tried) - len(texts) <= OUTBOX_BYTES // 2**20
		assert not transport.aborted

	async def test_then_the_connection(self) -> None:
		"""A client that does not even take its messages is cut off, and nothing is kept for it."""
		client, socket, transport = stuck_client()
		for _ in range(40):
			client.send('x' * 2**20)
		writer = asyncio.create_task(client.write())
		socket.released.set()
		await asyncio.sleep(0.01)
		writer.cancel()

		assert transport.aborted
		assert len(socket.tried) < 10

	async def test_order_of_text_and_binary(self) -> None:
		"""Frames leave in the order in which they were sent."""
		client, socket, _ = stuck_client()
		frames: list[str | bytes] = ['a', b'1', 'b', b'2']
		for frame in frames:
			client.send(frame)
		socket.released.set()
		writer = asyncio.create_task(client.write())
		await asyncio.sleep(0.01)
		writer.cancel()

		assert socket.tried == frames


class TestPreview:
	"""Binary frames."""

	def test_format_and_metadata(self) -> None:
		"""PNG is format 2 in the old form, which some clients take for results; the new form names the type."""
		info = PreviewInfo(
			node_id='1',
			display_node_id='1',
			parent_node_id=None,
			real_node_id='1',
			prompt_id='job',
			image_type='image/png',
		)
		preview = Preview(info, b'PNG')
		new = preview.frame({'supports_preview_metadata': True})

		assert preview.frame({}) == b'\0\0\0\1\0\0\0\2PNG'
		assert new[:4] == b'\0\0\0\4'
		assert b'"image_type":"image/png"' in new[8:-3]
		assert new.endswith(b'}PNG')
