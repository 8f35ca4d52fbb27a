"""Workflows that pictures and other files carry."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.errors import BadDocument
from engine.files import Files
from engine.formats.embedded import embedded
from engine.formats.workflow import open_workflow
from engine.graph import Constant, NodeId
from engine.settings import Settings
from tests.engine.tools import registry_of

NODES = registry_of().infos
PROMPT: Any = {'1': {'class_type': 'Number', 'inputs': {'value': 1}}}
WORKFLOW: Any = {'nodes': [{'id': 1, 'type': 'Number', 'widgets_values': [2]}], 'links': [], 'version': 0.4}
NATIVE: Any = {'lumengraph': 2, 'nodes': {'1': {'kind': 'Number', 'inputs': {'value': 3}}}}
PICTURE = Image.new('RGB', (4, 4))


def value_of(path: Path) -> object:
	"""The number in the workflow that a file carries."""
	given = open_workflow(path, NODES).graph.calls[NodeId('1')].inputs['value']

	assert isinstance(given, Constant)
	return given.value


def png(path: Path, **texts: Any) -> Path:
	"""A PNG with these texts as JSON."""
	info = PngInfo()
	for name, value in texts.items():
		info.add_text(name, value if isinstance(value, str) else json.dumps(value))
	PICTURE.save(path, pnginfo=info)
	return path


class TestPng:
	"""Text chunks."""

	def test_our_own(self, tmp_path: Path) -> None:
		"""What we save can be run again, and a picture saved without metadata carries nothing."""
		files = Files(Settings(base=tmp_path))
		saved = files.saved(files.save_image(PICTURE, 'a', metadata={'prompt': PROMPT}))
		bare = Files(Settings(base=tmp_path, metadata=False))
		plain = bare.saved(bare.save_image(PICTURE, 'b', metadata={'prompt': PROMPT}))

		assert value_of(saved) == 1
		assert embedded(plain) == {}
		with pytest.raises(BadDocument, match=r'b_00001_\.png: This file carries no workflow\.'):
			open_workflow(plain, NODES)

	def test_what_tells_most_comes_first(self, tmp_path: Path) -> None:
		"""Our document before the editor's, that before the API form."""
		assert value_of(png(tmp_path / 'a.png', prompt=PROMPT, workflow=WORKFLOW, lumengraph=NATIVE)) == 3
		assert value_of(png(tmp_path / 'b.png', prompt=PROMPT, workflow=WORKFLOW)) == 2
		assert value_of(png(tmp_path / 'c.png', prompt=PROMPT, workflow='null')) == 1

	def test_other_text_chunks(self, tmp_path: Path) -> None:
		"""International and compressed text is read, and the chunks of animations behind the pixels."""
		info = PngInfo()
		info.add_itxt('prompt', json.dumps(PROMPT), zip=True)
		PICTURE.save(tmp_path / 'i.png', pnginfo=info)
		info = PngInfo()
		info.add_text('prompt', json.dumps(PROMPT), zip=True)
		PICTURE.save(tmp_path / 'z.png', pnginfo=info)
		info = PngInfo()
		info.add(b'comf', b'prompt\0' + json.dumps(PROMPT).encode('latin-1'), after_idat=True)
		PICTURE.save(tmp_path / 'c.png', pnginfo=info, save_all=True, append_images=[Image.new('RGB', (4, 4), 'red')])

		assert [value_of(tmp_path / f'{name}.png') for name in 'izc'] == [1, 1, 1]

	def test_damage(self, tmp_path: Path) -> None:
		"""A file that is cut anywhere gives what lies before, or is refused with its name."""
		content = png(tmp_path / 'a.png', prompt=PROMPT, workflow=WORKFLOW).read_bytes()
		cut = tmp_path / 'cut.png'
		messages = []
		for end in range(0, len(content), 7):
			cut.write_bytes(content[:end])
			try:
				open_workflow(cut, NODES)
			except BadDocument as error:
				messages.append(str(error))

		assert messages
		assert all('cut.png' in message for message in messages)

	def test_a_bomb(self, tmp_path: Path) -> None:
		"""Text that unpacks to more than any workflow is not unpacked."""
		data = b'prompt\0\0' + zlib.compress(bytes(2**27), 9)
		chunk = struct.pack('>I', len(data)) + b'zTXt' + data + struct.pack('>I', zlib.crc32(b'zTXt' + data))
		(tmp_path / 'bomb.png').write_bytes(b'\x89PNG\r\n\x1a\n' + chunk)
		texts = embedded(tmp_path / 'bomb.png')

		assert texts is not None
		assert len(texts['prompt']) == 2**26


@pytest.mark.parametrize('format', ['webp', 'jpeg', 'avif'])
def test_exif(format: str, tmp_path: Path) -> None:
	"""Texts of EXIF fields that begin with a name: both workflows, and the comment that some packs use."""
	exif = Image.Exif()
	exif[0x0110] = f'prompt:{json.dumps(PROMPT)}'
	exif[0x010F] = f'workflow:{json.dumps(WORKFLOW)}'
	PICTURE.save(tmp_path / f'both.{format}', exif=exif)
	exif = Image.Exif()
	exif.get_ifd(0x8769)[0x9286] = b'UNICODE\0' + f'prompt:{json.dumps(PROMPT)}'.encode('utf-16-be')
	PICTURE.save(tmp_path / f'comment.{format}', exif=exif.tobytes())
	PICTURE.save(tmp_path / f'none.{format}')

	assert value_of(tmp_path / f'both.{format}') == 2
	assert value_of(tmp_path / f'comment.{format}') == 1
	assert embedded(tmp_path / f'none.{format}') == {}


class TestSoundsAndFilms:
	"""Files that other programs write."""

	def test_flac(self, tmp_path: Path) -> None:
		"""Vorbis comments."""
		text = f'PROMPT={json.dumps(PROMPT)}'.encode()
		comments = struct.pack('<I4sI', 4, b'test', 1) + struct.pack('<I', len(text)) + text
		blocks = b'\0' + (34).to_bytes(3, 'big') + bytes(34) + b'\x84' + len(comments).to_bytes(3, 'big') + comments
		(tmp_path / 'a.flac').write_bytes(b'fLaC' + blocks)

		assert value_of(tmp_path / 'a.flac') == 1

	def test_mp4(self, tmp_path: Path) -> None:
		"""Named keys and their values, in a file whose index lies behind the film."""

		def box(kind: bytes, data: bytes) -> bytes:
			return struct.pack('>I4s', len(data) + 8, kind) + data

		keys = bytes(4) + struct.pack('>I', 2) + box(b'mdta', b'encoder') + box(b'mdta', b'workflow')
		values = box(b'\0\0\0\2', box(b'data', struct.pack('>II', 1, 0) + json.dumps(WORKFLOW).encode()))
		meta = box(b'meta', box(b'hdlr', bytes(24)) + box(b'keys', keys) + box(b'ilst', values))
		film = box(b'ftyp', b'isom' + bytes(4)) + box(b'mdat', bytes(1000)) + box(b'moov', box(b'udta', meta))
		(tmp_path / 'a.mp4').write_bytes(film)

		assert value_of(tmp_path / 'a.mp4') == 2

	def test_safetensors(self, tmp_path: Path) -> None:
		"""The header's own words."""
		header = json.dumps({'__metadata__': {'prompt': json.dumps(PROMPT)}}).encode()
		(tmp_path / 'a.latent').write_bytes(struct.pack('<Q', len(header)) + header)

		assert value_of(tmp_path / 'a.latent') == 1


def test_a_broken_workflow_inside(tmp_path: Path) -> None:
	"""The message says of each text why it is none."""
	path = png(tmp_path / 'a.png', workflow='{', prompt='[]', parameters='steps: 20')

	with pytest.raises(BadDocument, match=r"a\.png: .*no workflow that can be read.*'workflow': .*'prompt': .*a list"):
		open_workflow(path, NODES)
