"""Workflows that files carry beside their content: pictures, sounds and films made by us, by ComfyUI, or by packs of it.

| file | where |
|---|---|
| PNG | chunks `tEXt`, `zTXt`, `iTXt`; of animations `comf` |
| WebP, JPEG, AVIF | EXIF texts `name:JSON` |
| FLAC | Vorbis comments |
| MP4, MOV | metadata keys |
| safetensors, latent | `__metadata__` of the header |
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from engine.errors import EngineError
from engine.tensorfile import read_metadata

NAMES = ('lumengraph', 'workflow', 'prompt')
"""Names of workflows in files, the one that tells most first: our document, the editor's, the API form."""
LONGEST = 64 * 2**20
"""Texts that take more bytes are passed over: no workflow is so long."""
PNG, FLAC = b'\x89PNG\r\n\x1a\n', b'fLaC'
PICTURES = ('WEBP', 'JPEG', 'AVIF')
EXIF_IFD = 0x8769
COMMENT_CODES = {b'ASCII\0\0\0': 'latin-1', b'UNICODE\0': 'utf-16-be', b'\0' * 8: 'utf-8'}
"""How a user comment is coded, by the eight bytes it begins with (EXIF 2.3, 4.6.5)."""
BOXES = (b'moov', b'udta', b'meta')


def embedded(path: Path) -> dict[str, str] | None:
	"""The texts that a file carries, by name; None if it is of no kind that carries any.

	A damaged file gives what could be read before the damage. Raises `OSError` if the file cannot be opened.
	"""
	with path.open('rb') as file:
		start = file.read(32)
		file.seek(0)
		if start.startswith(PNG):
			return _gathered(_png(file))
		if start.startswith(FLAC):
			return _gathered(_flac(file))
		if start[4:8] == b'ftyp' and b'avif' not in start and b'avis' not in start:
			return _gathered(_film(file))
		if (
			start.startswith(b'\xff\xd8\xff')
			or start[4:8] == b'ftyp'
			or (start.startswith(b'RIFF') and start[8:12] == b'WEBP')
		):
			return _gathered(_exif(file))
	if path.suffix in ('.safetensors', '.latent'):
		try:
			return {name: value for name, value in read_metadata(path).items() if isinstance(value, str)}
		except EngineError:
			return {}
	return None


def _gathered(texts: Iterator[tuple[str, str]]) -> dict[str, str]:
	"""The texts up to where the file is damaged; the first of each name."""
	found: dict[str, str] = {}
	try:
		for name, value in texts:
			found.setdefault(name, value)
	except (ValueError, struct.error, zlib.error):
		pass
	return found


def _png(file: BinaryIO) -> Iterator[tuple[str, str]]:
	"""Text chunks (PNG specification, third edition, 11.3.3)."""
	file.seek(len(PNG))
	while len(head := file.read(8)) == 8:
		length, kind = struct.unpack('>I4s', head)
		if kind == b'IEND':
			return
		if kind not in (b'tEXt', b'zTXt', b'iTXt', b'comf') or length > LONGEST:
			file.seek(length + 4, 1)
			continue
		data = file.read(length)
		file.seek(4, 1)
		name, _, rest = data.partition(b'\0')
		if kind == b'zTXt':
			rest = _inflated(rest[1:])
		if kind != b'iTXt':
			yield name.decode('latin-1'), rest.decode('latin-1')
			continue
		packed, parts = rest[:1] == b'\1', rest[2:].split(b'\0', 2)
		if len(parts) == 3:
			yield name.decode('latin-1'), (_inflated(parts[2]) if packed else parts[2]).decode()


def _inflated(data: bytes) -> bytes:
	"""Unpacked, but never more than a workflow could be."""
	return zlib.decompressobj().decompress(data, LONGEST)


def _exif(file: BinaryIO) -> Iterator[tuple[str, str]]:
	"""EXIF texts of the form `name:JSON`, in whatever field."""
	from PIL import Image

	try:
		with Image.open(file, formats=PICTURES) as opened:
			exif = opened.getexif()
			values = [*exif.values(), *exif.get_ifd(EXIF_IFD).values()]
	except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error, Image.DecompressionBombError):
		return
	for value in values:
		name, colon, text = _told(value).partition(':')
		if colon and text.lstrip()[:1] == '{':
			yield name.strip().lower(), text.rstrip('\0')


def _told(value: object) -> str:
	if isinstance(value, bytes):
		code = COMMENT_CODES.get(value[:8])
		return value[8:].decode(code, 'replace') if code is not None else value.decode('utf-8', 'replace')
	return value if isinstance(value, str) else ''


def _flac(file: BinaryIO) -> Iterator[tuple[str, str]]:
	"""Vorbis comments (RFC 9639, 8.6)."""
	file.seek(len(FLAC))
	last = False
	while not last and len(head := file.read(4)) == 4:
		last, kind, length = bool(head[0] & 0x80), head[0] & 0x7F, int.from_bytes(head[1:], 'big')
		data = file.read(length)
		if kind != 4:
			continue
		(vendor,) = struct.unpack_from('<I', data)
		at = 8 + vendor
		(count,) = struct.unpack_from('<I', data, at - 4)
		for _ in range(count):
			(size,) = struct.unpack_from('<I', data, at)
			name, _, value = data[at + 4 : at + 4 + size].decode().partition('=')
			at += 4 + size
			yield name.lower(), value


def _film(file: BinaryIO) -> Iterator[tuple[str, str]]:
	"""Metadata with named keys, as in QuickTime files (`mdta`): what ffmpeg writes with `use_metadata_tags`."""
	for kind, size in _boxes(file):
		if kind == b'moov' and size <= LONGEST:
			yield from _keyed(file.read(size))
			return
		file.seek(size, 1)


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
	"""Kind and length of each outermost box; whoever asks for the next has read or passed over this one."""
	while len(head := file.read(8)) == 8:
		size, kind = struct.unpack('>I4s', head)
		if size == 1:
			(size,) = struct.unpack('>Q', file.read(8))
			size -= 8
		if not 8 <= size < 2**62:
			return
		yield kind, size - 8


def _keyed(data: bytes) -> Iterator[tuple[str, str]]:
	"""The keys and values in the innermost `meta` boxes."""
	for kind, inner in _inner(data):
		if kind == b'meta':
			# Of two dialects, one has a version before the boxes.
			parts = dict(_inner(inner if inner[4:8] == b'hdlr' else inner[4:]))
			names = [part.decode('utf-8', 'replace') for part in _names(parts.get(b'keys', b''))]
			for number, value in _inner(parts.get(b'ilst', b'')):
				index = int.from_bytes(number, 'big') - 1
				if 0 <= index < len(names) and value[4:8] == b'data':
					yield names[index].rpartition('.')[2].lower(), value[16:].decode('utf-8', 'replace')
		elif kind in BOXES:
			yield from _keyed(inner)


def _inner(data: bytes) -> Iterator[tuple[bytes, bytes]]:
	at = 0
	while at + 8 <= len(data):
		size, kind = struct.unpack_from('>I4s', data, at)
		if size < 8:
			return
		yield kind, data[at + 8 : at + size]
		at += size


def _names(data: bytes) -> Iterator[bytes]:
	at = 8
	while at + 8 <= len(data):
		size = int.from_bytes(data[at : at + 4], 'big')
		if size < 8:
			return
		yield data[at + 8 : at + size]
		at += size


def workflow_texts(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
	"""Those that may be workflows, the one that tells most first."""
	return ((name, texts[name]) for name in NAMES if name in texts)
