"""Workflows that pictures and other files carry."""

from __future__ import annotations

import json
import re
import struct
import time
import tracemalloc
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
	return raw_comments(*(f'{name}={json.dumps(value)}'.encode() for name, value in texts.items()))


def raw_comments(*pairs: bytes) -> bytes:
	"""Vorbis comments, however their texts are coded."""
	return struct.pack('<I4sI', 4, b'test', len(pairs)) + b''.join(struct.pack('<I', len(one)) + one for one in pairs)


def ogg(second: bytes) -> bytes:
	"""An Ogg file whose second packet this is; a page of another stream lies within it."""

	def page(stream: int, lacing: list[int], data: bytes) -> bytes:
		return b'OggS' + bytes(10) + struct.pack('<III', stream, 0, 0) + bytes([len(lacing), *lacing]) + data

	pages = [page(1, [19], bytes(19)), page(2, [5], bytes(5))]
	lacing = [255] * (len(second) // 255) + [len(second) % 255]
	for at in range(0, len(lacing), 255):
		pages += [page(1, lacing[at : at + 255], second[at * 255 : (at + 255) * 255]), page(2, [3], bytes(3))]
	return b''.join(pages)


def flac(texts: bytes) -> bytes:
	"""A FLAC file with these comments."""
	return b'fLaC\0' + (34).to_bytes(3, 'big') + bytes(34) + b'\x84' + len(texts).to_bytes(3, 'big') + texts


def box(kind: bytes, data: bytes) -> bytes:
	"""A box of an MP4."""
	return struct.pack('>I4s', len(data) + 8, kind) + data


def mp4(*around: bytes, **texts: Any) -> bytes:
	"""An MP4 whose index lies behind the film, with named keys and their values in the boxes named (outermost first)."""
	keys = bytes(4) + struct.pack('>I', len(texts)) + b''.join(box(b'mdta', name.encode()) for name in texts)
	values = b''
	for number, value in enumerate(texts.values(), 1):
		values += box(number.to_bytes(4, 'big'), box(b'data', struct.pack('>II', 1, 0) + json.dumps(value).encode()))
	index = box(b'meta', box(b'hdlr', bytes(24)) + box(b'keys', keys) + box(b'ilst', values))
	for kind in reversed(around or (b'moov', b'udta')):
		index = box(kind, index)
	return box(b'ftyp', b'isom' + bytes(4)) + box(b'mdat', bytes(1000)) + index


def unsynchronised(data: bytes) -> bytes:
	"""Without what a player could take for the start of sound (ID3 2.4.0, 6.1)."""
	return re.sub(rb'\xff(?=[\0\xe0-\xff])', b'\xff\0', data)


def id3(version: int, code: int, flags: int = 0, frame_flags: int = 0, **texts: Any) -> bytes:
	"""An MP3 that begins with a tag of the users' own texts."""
	encoding, ends = ('latin-1', 'utf-16', 'utf-16-be', 'utf-8')[code], (1, 2, 2, 1)[code]

	def size(number: int, *, synchsafe: bool) -> bytes:
		bits = 7 if synchsafe else 8
		return bytes(number >> bits * place & (1 << bits) - 1 for place in (3, 2, 1, 0))

	frames = b''
	for name, value in texts.items():
		text = bytes([code]) + name.encode(encoding) + bytes(ends) + json.dumps(value).encode(encoding)
		own = (b'g' if frame_flags & 0x40 else b'') + (size(len(text), synchsafe=True) if frame_flags & 0x01 else b'')
		if version == 4 and (flags & 0x80 or frame_flags & 0x02):
			text = unsynchronised(text)
		text = own + text
		frames += b'TXXX' + size(len(text), synchsafe=version == 4) + bytes([0, frame_flags]) + text
	frames += bytes(200)
	if version == 3 and flags & 0x80:
		frames = unsynchronised(frames)
	return b'ID3' + bytes([version, 0, flags]) + size(len(frames), synchsafe=True) + frames + b'\xff\xfb'


def element(id: int, data: bytes) -> bytes:
	"""An element of EBML."""
	return id.to_bytes((id.bit_length() + 7) // 8, 'big') + (1 << 56 | len(data)).to_bytes(8, 'big') + data


def webm(*tags: bytes) -> bytes:
	"""A WebM with these tags."""
	segment = element(0x18538067, element(0x1254C367, element(0x7373, b''.join(tags))))
	return element(0x1A45DFA3, element(0x4282, b'webm')) + segment


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
		(tmp_path / 'a.flac').write_bytes(flac(comments(PROMPT=PROMPT)))

		assert value_of(tmp_path / 'a.flac') == 1

	def test_mp4(self, tmp_path: Path) -> None:
		"""Named keys and their values, in a file whose index lies behind the film."""
		(tmp_path / 'a.mp4').write_bytes(mp4(encoder='x', workflow=WORKFLOW))

		assert value_of(tmp_path / 'a.mp4') == 2

	def test_mp4_boxes_in_boxes(self, tmp_path: Path) -> None:
		"""Some depth is read, without a copy at each step; what no film has is passed over."""
		(tmp_path / 'a.mp4').write_bytes(mp4(b'moov', *[b'udta'] * 6, workflow=WORKFLOW, filler='x' * 2**22))
		(tmp_path / 'deep.mp4').write_bytes(mp4(b'moov', *[b'udta'] * 3000, workflow=WORKFLOW))
		tracemalloc.start()
		try:
			texts = embedded(tmp_path / 'a.mp4')
			_, peak = tracemalloc.get_traced_memory()
		finally:
			tracemalloc.stop()

		assert texts is not None
		assert texts['workflow'] == json.dumps(WORKFLOW)
		assert peak < 4 * 2**22
		assert embedded(tmp_path / 'deep.mp4') == {}

	@pytest.mark.parametrize('mark', [b'OpusTags', b'\x03vorbis', b'\x04\x01\x11\xc4', b'\x84\x01\x11\xc4'])
	def test_ogg(self, tmp_path: Path, mark: bytes) -> None:
		"""Vorbis comments of the second packet, over several pages and beside another stream."""
		(tmp_path / 'a.ogg').write_bytes(ogg(mark + comments(prompt=PROMPT, filler='x' * 70_000)))

		assert value_of(tmp_path / 'a.ogg') == 1

	def test_a_cover_before_the_workflow(self, tmp_path: Path) -> None:
		"""A picture of 16 MB in an Ogg file costs no more than its bytes."""
		(tmp_path / 'a.ogg').write_bytes(ogg(b'OpusTags' + comments(cover='x' * 2**24, prompt=PROMPT)))
		before = time.process_time()
		texts = embedded(tmp_path / 'a.ogg')
		# Our own computing, which no other process slows: 0.05 s, and 15 s if each segment copied those before it.
		spent = time.process_time() - before

		assert texts is not None
		assert texts['prompt'] == json.dumps(PROMPT)
		assert spent < 3

	def test_comments_in_another_code(self, tmp_path: Path) -> None:
		"""A text that is not UTF-8 does not hide those behind it."""
		texts = raw_comments('artist=Bj\xf6rk'.encode('latin-1'), b'prompt=' + json.dumps(PROMPT).encode())
		(tmp_path / 'a.ogg').write_bytes(ogg(b'OpusTags' + texts))
		(tmp_path / 'a.flac').write_bytes(flac(texts))

		assert embedded(tmp_path / 'a.ogg') == {'artist': 'Bj\ufffdrk', 'prompt': json.dumps(PROMPT)}
		assert embedded(tmp_path / 'a.flac') == embedded(tmp_path / 'a.ogg')

	@pytest.mark.parametrize(('version', 'code'), [(3, 0), (3, 1), (4, 2), (4, 3)])
	def test_mp3(self, tmp_path: Path, version: int, code: int) -> None:
		"""Texts of an ID3 tag, in each of its encodings and both ways of telling sizes."""
		(tmp_path / 'a.mp3').write_bytes(id3(version, code, title='é', prompt=PROMPT))

		assert value_of(tmp_path / 'a.mp3') == 1
		assert (embedded(tmp_path / 'a.mp3') or {})['title'] == '"\\u00e9"'

	@pytest.mark.parametrize(
		('version', 'flags', 'frame_flags'), [(3, 0x80, 0), (4, 0x80, 0), (4, 0, 0x02), (4, 0, 0x03), (4, 0x80, 0x43)]
	)
	def test_unsynchronised_mp3(self, tmp_path: Path, version: int, flags: int, frame_flags: int) -> None:
		"""Zeros are put behind each 0xFF of the whole tag in version 3, of each frame, which counts them, in version 4."""
		texts = {'title': 'x', 'prompt': PROMPT}
		(tmp_path / 'a.mp3').write_bytes(id3(version, 1, flags, frame_flags, **texts))

		assert embedded(tmp_path / 'a.mp3') == {name: json.dumps(value) for name, value in texts.items()}

	def test_webm(self, tmp_path: Path) -> None:
		"""Tags, before or behind the film, with a checksum; a segment may have no length."""
		tag = element(0x7373, simple_tag('ENCODER', '"x"') + simple_tag('WORKFLOW', WORKFLOW))
		tags = element(0x1254C367, element(0xBF, b'\x1f\xff\xff\xff') + tag)
		film = element(0x1F43B675, bytes(300))
		start = element(0x1A45DFA3, element(0x4282, b'webm'))
		(tmp_path / 'a.webm').write_bytes(start + element(0x18538067, film + tags))
		(tmp_path / 'b.webm').write_bytes(start + b'\x18\x53\x80\x67\x01' + b'\xff' * 7 + tags + film)

		assert [value_of(tmp_path / f'{name}.webm') for name in 'ab'] == [2, 2]

	@pytest.mark.parametrize('suffix', ['png', 'flac', 'ogg', 'mp3', 'mp4', 'webm', 'exr'])
	def test_damage(self, tmp_path: Path, suffix: str) -> None:
		"""Wherever a file ends, each text that lies whole before it is read, and none in part."""
		texts = {'prompt': PROMPT, 'workflow': WORKFLOW}
		path = tmp_path / f'a.{suffix}'
		whole = {
			'png': lambda: png(path, **texts).read_bytes(),
			'flac': lambda: flac(comments(**texts)),
			'ogg': lambda: ogg(b'OpusTags' + comments(**texts)),
			'mp3': lambda: id3(4, 3, **texts),
			'mp4': lambda: mp4(**texts),
			'webm': lambda: webm(*(simple_tag(name, value) for name, value in texts.items())),
			'exr': lambda: exr(**texts),
		}[suffix]()
		told = {name: json.dumps(value) for name, value in texts.items()}
		# A text of Matroska ends with a zero.
		ends = {name: whole.index(text.encode()) + len(text) + (suffix == 'webm') for name, text in told.items()}
		for length in range(4, len(whole) + 1):
			path.write_bytes(whole[:length])

			assert (embedded(path) or {}) == {name: told[name] for name in told if length >= ends[name]}

	def test_damage_between_pages(self, tmp_path: Path) -> None:
		"""An Ogg file that ends between two pages of its comments gives those of the first."""
		whole = ogg(b'OpusTags' + comments(prompt=PROMPT, filler='x' * 70_000))
		(tmp_path / 'a.ogg').write_bytes(whole[: whole.rindex(b'OggS', 0, 66_000)])

		assert embedded(tmp_path / 'a.ogg') == {'prompt': json.dumps(PROMPT)}

	def test_lengths_beyond_any_file(self, tmp_path: Path) -> None:
		"""A length that no file can have ends the reading; what was read before it stays."""
		endless = b'\x1f\x43\xb6\x75\x01' + b'\xff' * 6 + b'\xfe'
		(tmp_path / 'a.webm').write_bytes(webm(simple_tag('PROMPT', PROMPT)) + endless)
		tags = element(0x1254C367, element(0x7373, simple_tag('PROMPT', PROMPT)))
		(tmp_path / 'b.webm').write_bytes(element(0x1A45DFA3, b'') + element(0x18538067, tags + endless))
		film = box(b'ftyp', b'isom' + bytes(4)) + struct.pack('>I4sQ', 1, b'mdat', 2**61)
		(tmp_path / 'c.mp4').write_bytes(film)

		assert embedded(tmp_path / 'a.webm') == embedded(tmp_path / 'b.webm') == {'prompt': json.dumps(PROMPT)}
		assert embedded(tmp_path / 'c.mp4') == {}

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
