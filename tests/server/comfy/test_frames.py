"""Binary frames, and messages of nodes' own: pictures, words, results that come while a node runs."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import pytest
from PIL import Image

from server.comfy.frames import Preview, Text
from server.schemas.messages import PreviewInfo
from tests.server.client import Api, Socket, call, seeds, shade, stepping

PREVIEWS = {'preview_method': 'auto'}


def number(frame: bytes, at: int) -> int:
	"""The number that stands there."""
	return int.from_bytes(frame[at : at + 4])


def binary(socket: Socket) -> list[bytes]:
	"""The binary frames that came."""
	return [frame for frame in socket.raw if isinstance(frame, bytes)]


def paired(socket: Socket) -> list[tuple[dict[str, Any], bytes]]:
	"""Each binary frame with what came right before it."""
	return [
		(json.loads(before), frame)
		for before, frame in itertools.pairwise(socket.raw)
		if isinstance(before, str) and isinstance(frame, bytes)
	]


def sending(count: int = 3, total: int = 12345) -> dict[str, dict[str, Any]]:
	"""A graph that sends pictures as results."""
	return {'1': call('Send', count=count, total=total, seed=next(seeds))}


def talking(text: str, *, everyone: bool = False) -> dict[str, dict[str, Any]]:
	"""A graph that says something."""
	return {'1': call('Talk', text=text, everyone=everyone, seed=next(seeds))}


class TestForms:
	"""Each frame in its two forms."""

	def test_preview(self) -> None:
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

	@pytest.mark.parametrize('flags', [{}, {'supports_progress_text_metadata': False}])
	def test_text(self, flags: dict[str, Any]) -> None:
		"""The node's id with its length in bytes, then the words."""
		assert Text('job', 'ä', 'wörds').frame(flags) == b'\0\0\0\3\0\0\0\2' + 'äwörds'.encode()

	def test_text_with_its_job(self) -> None:
		"""For clients that announced it, the job's id comes first."""
		frame = Text('jöb', '1', '').frame({'supports_progress_text_metadata': True})

		assert frame == b'\0\0\0\3\0\0\0\4' + 'jöb'.encode() + b'\0\0\0\1' + b'1'


class TestPreviews:
	"""Pictures of what is being made."""

	async def test_clients_that_announced_it_get_metadata(self, api: Api) -> None:
		"""Event 4: length, JSON, picture."""
		async with api.listening('me', {'supports_preview_metadata': True}) as socket:
			job = await api.submit(stepping(2), client_id='me', extra_data=PREVIEWS)
			await socket.until_over(job)

		assert len(binary(socket)) == 2
		for frame in binary(socket):
			length = number(frame, 4)
			assert number(frame, 0) == 4
			assert json.loads(frame[8 : 8 + length]) == {
				'node_id': '1',
				'display_node_id': '1',
				'parent_node_id': None,
				'real_node_id': '1',
				'prompt_id': job,
				'image_type': 'image/jpeg',
			}
			assert frame[8 + length :].startswith(b'\xff\xd8')

	@pytest.mark.parametrize('flags', [None, {}, {'supports_preview_metadata': False}])
	async def test_others_get_the_old_form(self, api: Api, flags: dict[str, bool] | None) -> None:
		"""Event 1: format, picture; each comes after its `progress`."""
		async with api.listening('me', flags) as socket:
			job = await api.submit(stepping(2), client_id='me', extra_data=PREVIEWS)
			await socket.until_over(job)

		assert len(paired(socket)) == len(binary(socket)) == 2
		for before, frame in paired(socket):
			assert (number(frame, 0), number(frame, 4)) == (1, 1)
			assert frame[8:].startswith(b'\xff\xd8')
			assert before['type'] == 'progress'


class TestResults:
	"""Pictures that a node sends instead of saving them."""

	async def test_reach_old_clients_as_png(self, api: Api) -> None:
		"""Event 1, format 2, in the picture's own size, whether previews were asked for or not."""
		async with api.listening('me') as socket:
			await socket.until_over(await api.submit(sending(2), client_id='me'))
		pictures = []
		for frame in binary(socket):
			assert (number(frame, 0), number(frame, 4)) == (1, 2)
			with Image.open(io.BytesIO(frame[8:])) as picture:
				pictures.append((picture.format, picture.size, picture.getpixel((0, 0))))

		assert pictures == [('PNG', (600, 4), (0, 0, 0)), ('PNG', (600, 4), (1, 0, 0))]

	async def test_every_one_has_its_tick(self, api: Api) -> None:
		"""A client knows what a picture is by the bar's length before it: it is passed on, and no such tick is left out."""
		async with api.listening('me') as socket:
			job = await api.submit(sending(5), client_id='me')
			await socket.until_over(job)

		assert [before for before, _ in paired(socket)] == [
			{'type': 'progress', 'data': {'value': value, 'max': 12345, 'prompt_id': job, 'node': '1'}}
			for value in range(5)
		]

	async def test_of_nobody(self, api: Api) -> None:
		"""A job without a client shows them to none."""
		async with api.listening('other') as socket:
			await api.ended(await api.submit(sending()))
			await socket.until('status', status={'exec_info': {'queue_remaining': 0}})
			assert await socket.silent()

		assert binary(socket) == []


class TestWords:
	"""What nodes say in passing."""

	@pytest.mark.parametrize('flags', [None, {'supports_progress_text_metadata': True}])
	async def test_reach_the_owner(self, api: Api, flags: dict[str, Any] | None) -> None:
		"""In the form that it understands, between the node's beginning and its end."""
		async with api.listening('me', flags) as socket, api.listening('other') as other:
			job = await api.submit(talking('half way ü'), client_id='me')
			await socket.until_over(job)
			await other.until('status', status={'exec_info': {'queue_remaining': 0}})
			assert await other.silent()

		assert binary(socket) == [Text(job, '1', 'half way ü').frame(flags or {})]
		assert binary(other) == []

	async def test_inside_of_an_expansion(self, api: Api) -> None:
		"""Are shown at the node that the client knows."""
		async with api.listening('me') as socket:
			job = await api.submit(
				{'1': shade(9), '2': call('Twice', paper=['1', 0]), '3': call('Show', paper=['2', 0])}, client_id='me'
			)
			await socket.until_over(job)

		assert binary(socket) == [Text(job, '2', 'looking').frame({})]

	async def test_the_server_announces_the_longer_form(self, api: Api) -> None:
		"""Without that the official front end would not read it."""
		assert (await api.json('/features'))['supports_progress_text_metadata'] is True


class TestAnnouncements:
	"""Messages of a node's own."""

	async def test_reach_the_owner(self, api: Api) -> None:
		"""Under the node's own name and with its own data; others hear nothing."""
		async with api.listening('me') as socket, api.listening('other') as other:
			messages = await socket.until_over(await api.submit(talking('hello'), client_id='me'))
			await other.until('status', status={'exec_info': {'queue_remaining': 0}})
			assert await other.silent()
		told = [message for message in messages if message['type'] == 'talk']

		assert told == [{'type': 'talk', 'data': {'text': 'hello', 'values': [1, None, 'ü']}}]
		assert {json.loads(frame)['type'] for frame in other.raw} == {'status'}

	@pytest.mark.parametrize('owner', ['', 'me'])
	async def test_reach_everyone(self, api: Api, owner: str) -> None:
		"""If the node wants that, whoever owns the job."""
		async with api.listening('me') as socket, api.listening('other') as other:
			await api.submit(talking('all', everyone=True), **({'client_id': owner} if owner else {}))
			told = [(await each.until('talk'))[-1] for each in (socket, other)]

		assert [message['data']['text'] for message in told] == ['all', 'all']
