"""Workflows that files carry beside their content: pictures, sounds and films made by us, by ComfyUI, or by packs of it.

| file | where |
|---|---|
| PNG | chunks `tEXt`, `zTXt`, `iTXt`; of animations `comf` |
| WebP, JPEG, AVIF | EXIF texts `name:JSON` |
| OpenEXR | texts of its header |
| FLAC, Opus and others in Ogg | Vorbis comments |
| MP3 | ID3 texts |
| MP4, MOV | metadata keys |
| WebM, Matroska | tags |
| safetensors, latent | `__metadata__` of the header |
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO

from engine.errors import EngineError
from engine.formats.embedded_media import EBML, FLAC, ID3, LONGEST, OGG, film, flac, matroska, mp3, ogg
from engine.tensorfile import read_metadata

NAMES = ('lumengraph', 'workflow', 'prompt')
"""Names of workflows in files, the one that tells most first: our document, the editor's, the API form."""
PNG, EXR = b'\x89PNG\r\n\x1a\n', b'\x76\x2f\x31\x01'
BY_START = {FLAC: flac, OGG: ogg, ID3: mp3, EBML: matroska}
PICTURES = ('WEBP', 'JPEG', 'AVIF')
EXIF_IFD = 0x8769
COMMENT_CODES = {b'ASCII\0\0\0': 'latin-1', b'UNICODE\0': 'utf-16-be', b'\0' * 8: 'utf-8'}
"""How a user comment is coded, by the eight bytes it begins with (EXIF 2.3, 4.6.5)."""


def embedded(path: Path) -> dict[str, str] | None:
	"""The texts that a file carries, by name; None if it is of no kind that carries any.

	A damaged file gives what could be read before the damage. Raises `OSError` if the file cannot be opened.
	"""
	with path.open('rb') as file:
		start = file.read(32)
		file.seek(0)
		if start.startswith(PNG):
			return _gathered(_png(file))
		if start.startswith(EXR):
			return _gathered(_exr(file))
		for mark, read in BY_START.items():
			if start.startswith(mark):
				return _gathered(read(file))
		if start[4:8] == b'ftyp' and b'avif' not in start and b'avis' not in start:
			return _gathered(film(file))
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
	except (ValueError, OSError, OverflowError, struct.error, zlib.error):
		pass  # a length that leads beyond what a file can have is damage too
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
		if len(data) < length:
			return
		file.seek(4, 1)
		name, _, rest = data.partition(b'\0')
		if kind == b'zTXt':
			rest = _inflated(rest[1:])
		if kind != b'iTXt':
			yield name.decode('latin-1'), rest.decode('latin-1')
			continue
		packed, parts = rest[:1] == b'\1', rest[2:].split(b'\0', 2)
		if len(parts) == 3:
			yield name.decode('latin-1'), (_inflated(parts[2]) if packed else parts[2]).decode('utf-8', 'replace')


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


def _exr(file: BinaryIO) -> Iterator[tuple[str, str]]:
	"""The texts of the header (OpenEXR file layout, "Header attributes")."""
	file.seek(8)
	while name := _until_nul(file):
		kind = _until_nul(file)
		(size,) = struct.unpack('<I', file.read(4))
		if kind != b'string' or size > LONGEST:
			file.seek(size, 1)
			continue
		text = file.read(size)
		if len(text) < size:
			return
		yield name.decode('utf-8', 'replace'), text.decode('utf-8', 'replace')


def _until_nul(file: BinaryIO) -> bytes:
	"""A name, of at most 255 bytes."""
	return b''.join(takewhile(lambda byte: byte not in (b'', b'\0'), (file.read(1) for _ in range(256))))


def workflow_texts(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
	"""Those that may be workflows, the one that tells most first."""
	return ((name, texts[name]) for name in NAMES if name in texts)
