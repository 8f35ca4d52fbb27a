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


def comments(**texts: Any) -> bytes:
	"""Vorbis comments."""
	pairs = [f'{name}={json.dumps(value)}'.encode() for name, value in texts.items()]
	return struct.pack('<I4sI', 4, b'test', len(pairs)) + b''.join(struct.pack('<I', len(one)) + one for one in pairs)


def ogg(second: bytes) -> bytes:
	"""An Ogg file whose second packet this is; a page of another stream lies within it."""

	def page(stream: int, lacing: list[int], data: bytes) -> bytes:
		return b'OggS' + bytes(10) + struct.pack('<III', stream, 0, 0) + bytes([len(lacing), *lacing]) + data

	pages = page(1, [19], bytes(19)) + page(2, [5], bytes(5))
	lacing = [255] * (len(second) // 255) + [len(second) % 255]
	for at in range(0, len(lacing), 255):
		pages += page(1, lacing[at : at + 255], second[at * 255 : (at + 255) * 255]) + page(2, [3], bytes(3))
	return pages


def id3(version: int, code: int, **texts: Any) -> bytes:
	"""An MP3 that begins with a tag of the users' own texts."""
	encoding, ends = ('latin-1', 'utf-16', 'utf-16-be', 'utf-8')[code], (1, 2, 2, 1)[code]

	def size(number: int, *, synchsafe: bool) -> bytes:
		bits = 7 if synchsafe else 8
		return bytes(number >> bits * place & (1 << bits) - 1 for place in (3, 2, 1, 0))

	frames = b''
	for name, value in texts.items():
		text = bytes([code]) + name.encode(encoding) + bytes(ends) + json.dumps(value).encode(encoding)
		frames += b'TXXX' + size(len(text), synchsafe=version == 4) + bytes(2) + text
	frames += bytes(200)
	return b'ID3' + bytes([version, 0, 0]) + size(len(frames), synchsafe=True) + frames + b'\xff\xfb'


def element(id: int, data: bytes) -> bytes:
	"""An element of EBML."""
	return id.to_bytes((id.bit_length() + 7) // 8, 'big') + (1 << 56 | len(data)).to_bytes(8, 'big') + data


def simple_tag(name: str, value: Any) -> bytes:
	"""A tag of Matroska."""
	return element(0x67C8, element(0x45A3, name.encode()) + element(0x4487, json.dumps(value).encode() + b'\0'))


def exr(**texts: Any) -> bytes:
	"""The header of an OpenEXR file."""
	head = struct.pack('<ii', 20000630, 2) + b'pixelAspectRatio\0float\0' + struct.pack('<if', 4, 1)
	for name, value in texts.items():
		text = json.dumps(value).encode()
		head += name.encode() + b'\0string\0' + struct.pack('<i', len(text)) + text
	return head + b'\0'


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
	"""Files that other programs write, and OpenEXR."""

	def test_flac(self, tmp_path: Path) -> None:
		"""Vorbis comments."""
		texts = comments(PROMPT=PROMPT)
		blocks = b'\0' + (34).to_bytes(3, 'big') + bytes(34) + b'\x84' + len(texts).to_bytes(3, 'big') + texts
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

	@pytest.mark.parametrize('mark', [b'OpusTags', b'\x03vorbis'])
	def test_ogg(self, tmp_path: Path, mark: bytes) -> None:
		"""Vorbis comments of the second packet, over several pages and beside another stream."""
		(tmp_path / 'a.ogg').write_bytes(ogg(mark + comments(prompt=PROMPT, filler='x' * 70_000)))

		assert value_of(tmp_path / 'a.ogg') == 1

	@pytest.mark.parametrize(('version', 'code'), [(3, 0), (3, 1), (4, 2), (4, 3)])
	def test_mp3(self, tmp_path: Path, version: int, code: int) -> None:
		"""Texts of an ID3 tag, in each of its encodings and both ways of telling sizes."""
		(tmp_path / 'a.mp3').write_bytes(id3(version, code, title='é', prompt=PROMPT))

		assert value_of(tmp_path / 'a.mp3') == 1
		assert (embedded(tmp_path / 'a.mp3') or {})['title'] == '"\\u00e9"'

	def test_webm(self, tmp_path: Path) -> None:
		"""Tags, before or behind the film; a segment may have no length."""
		tags = element(0x1254C367, element(0x7373, simple_tag('ENCODER', '"x"') + simple_tag('WORKFLOW', WORKFLOW)))
		film = element(0x1F43B675, bytes(300))
		start = element(0x1A45DFA3, element(0x4282, b'webm'))
		(tmp_path / 'a.webm').write_bytes(start + element(0x18538067, film + tags))
		(tmp_path / 'b.webm').write_bytes(start + b'\x18\x53\x80\x67\x01' + b'\xff' * 7 + tags + film)

		assert [value_of(tmp_path / f'{name}.webm') for name in 'ab'] == [2, 2]

	@pytest.mark.parametrize('suffix', ['ogg', 'mp3', 'webm', 'exr'])
	def test_damage(self, tmp_path: Path, suffix: str) -> None:
		"""Wherever a file ends, what is before it is read, and no more."""
		whole = {
			'ogg': ogg(b'OpusTags' + comments(prompt=PROMPT)),
			'mp3': id3(4, 3, prompt=PROMPT),
			'webm': element(0x1A45DFA3, b'')
			+ element(0x18538067, element(0x1254C367, element(0x7373, simple_tag('PROMPT', PROMPT)))),
			'exr': exr(prompt=PROMPT),
		}[suffix]
		path = tmp_path / f'a.{suffix}'
		for length in range(4, len(whole)):
			path.write_bytes(whole[:length])

			assert set(embedded(path) or {}) <= {'prompt'}

	def test_open_exr(self, tmp_path: Path) -> None:
		"""Texts of the header."""
		(tmp_path / 'a.exr').write_bytes(exr(prompt=PROMPT))

		assert value_of(tmp_path / 'a.exr') == 1

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
