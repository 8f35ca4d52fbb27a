"""Workflows in sounds and films: the texts that each container keeps beside its streams, by name."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import BinaryIO

LONGEST = 64 * 2**20
"""Texts that take more bytes are passed over: no workflow is so long."""
FLAC, OGG, ID3, EBML = b'fLaC', b'OggS', b'ID3', b'\x1a\x45\xdf\xa3'
"""How these files begin."""
COMMENT_PACKET = re.compile(rb'OpusTags|\x03vorbis|[\x04\x84]...', re.DOTALL)
"""How the packet of comments begins. In Ogg FLAC it is a block of FLAC, with its length, and marked if it is the last."""
ID3_CODES = {0: 'latin-1', 1: 'utf-16', 2: 'utf-16-be', 3: 'utf-8'}
DEEPEST = 8
"""Boxes of a film that lie deeper are passed over: metadata lies two or three deep."""
SEGMENT, TAGS, TAG, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x18538067, 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
"""Elements of Matroska."""

EMPTY = memoryview(b'')

Texts = Iterator[tuple[str, str]]


def flac(file: BinaryIO) -> Texts:
	"""The Vorbis comments of a FLAC file (RFC 9639, 8.6)."""
	file.seek(len(FLAC))
	last = False
	while not last and len(head := file.read(4)) == 4:
		last, kind, length = bool(head[0] & 0x80), head[0] & 0x7F, int.from_bytes(head[1:], 'big')
		data = file.read(length)
		if kind == 4:
			yield from _comments(data)


def ogg(file: BinaryIO) -> Texts:
	"""The Vorbis comments of an Ogg file (RFC 3533): of Opus (RFC 7845, 5.2), Vorbis or FLAC, whose second packet they are."""
	for packet in islice(_packets(file), 1, 2):
		if start := COMMENT_PACKET.match(packet):
			yield from _comments(packet[start.end() :])


def _packets(file: BinaryIO) -> Iterator[bytes]:
	"""The packets of the first stream in an Ogg file; each goes on over as many segments of 255 bytes as it takes.

	The last is given as far as it goes, if the file ends within it.
	"""
	packet, stream = bytearray(), None
	while len(head := file.read(27)) == 27 and head.startswith(OGG):
		lacing = file.read(head[26])
		if stream is None:
			stream = head[14:18]
		if head[14:18] != stream:
			file.seek(sum(lacing), 1)
			continue
		for size in lacing:
			packet += file.read(size)
			if len(packet) > LONGEST:
				return
			if size < 255:
				yield bytes(packet)
				packet.clear()
	if packet:
		yield bytes(packet)


def _comments(data: bytes) -> Texts:
	"""`name=value` texts with their lengths, after the vendor's name."""
	(vendor,) = struct.unpack_from('<I', data)
	at = 8 + vendor
	(count,) = struct.unpack_from('<I', data, at - 4)
	for _ in range(count):
		(size,) = struct.unpack_from('<I', data, at)
		if at + 4 + size > len(data):
			return
		name, _, value = data[at + 4 : at + 4 + size].decode('utf-8', 'replace').partition('=')
		at += 4 + size
		yield name.lower(), value


def mp3(file: BinaryIO) -> Texts:
	"""The users' own texts (`TXXX`) in an ID3 tag of version 3 or 4 (id3.org, "ID3 tag version 2.4.0")."""
	head = file.read(10).ljust(10, b'\0')
	version, flags, size = head[3], head[5], _synchsafe(head[6:])
	if version not in (3, 4) or size > LONGEST:
		return
	data = file.read(size)
	if flags & 0x80 and version == 3:
		data = data.replace(b'\xff\0', b'\xff')
	at = 0
	if flags & 0x40:
		at = _synchsafe(data[:4]) if version == 4 else 4 + int.from_bytes(data[:4], 'big')
	while at + 10 < len(data) and data[at]:
		length = data[at + 4 : at + 8]
		size = _synchsafe(length) if version == 4 else int.from_bytes(length, 'big')
		if at + 10 + size > len(data):
			return
		if data[at : at + 4] == b'TXXX' and size:
			content = data[at + 10 : at + 10 + size]
			if version == 4:
				content = _content(content, data[at + 9], changed=bool(flags & 0x80))
			code = ID3_CODES.get(content[0], 'latin-1') if content else 'latin-1'
			name, _, value = content[1:].decode(code, 'replace').partition('\0')
			yield name.lstrip('\ufeff').lower(), value.lstrip('\ufeff').rstrip('\0')
		at += 10 + size


def _content(data: bytes, flags: int, *, changed: bool) -> bytes:
	"""A frame of version 4 without what its flags add (4.1.2): a group, its own length, zeros behind 0xFF.

	Version 3 puts those zeros into the whole tag and its lengths count none; in version 4 they are the frame's own and
	its length counts them. `changed` says that all frames have them.
	"""
	if changed or flags & 0x02:
		data = data.replace(b'\xff\0', b'\xff')
	return data[bool(flags & 0x40) + 4 * (flags & 0x01) :]


def _synchsafe(data: bytes) -> int:
	"""A number in the lower seven bits of each byte."""
	number = 0
	for byte in data:
		number = number << 7 | byte & 0x7F
	return number


def film(file: BinaryIO) -> Texts:
	"""Metadata with named keys, as in QuickTime files (`mdta`): what ffmpeg writes with `use_metadata_tags`."""
	for kind, size in _boxes(file):
		if kind == b'moov' and size <= LONGEST:
			yield from _keyed(memoryview(file.read(size)))
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


def _keyed(data: memoryview, depth: int = 1) -> Texts:
	"""The keys and values in the innermost `meta` boxes; a view, so that no depth of boxes copies them."""
	for kind, inner in _inner(data):
		if kind == b'meta':
			# Of two dialects, one has a version before the boxes.
			boxes = _inner(inner if bytes(inner[4:8]) == b'hdlr' else inner[4:])
			parts = {kind: part for kind, part in boxes if kind in (b'keys', b'ilst')}
			names = [str(part, 'utf-8', 'replace') for part in _names(parts.get(b'keys', EMPTY))]
			for number, value in _inner(parts.get(b'ilst', EMPTY)):
				index, size = int.from_bytes(number, 'big') - 1, int.from_bytes(value[:4], 'big')
				if 0 <= index < len(names) and bytes(value[4:8]) == b'data' and size <= len(value):
					yield names[index].rpartition('.')[2].lower(), str(value[16:size], 'utf-8', 'replace')
		elif kind in (b'moov', b'udta') and depth < DEEPEST:
			yield from _keyed(inner, depth + 1)


def _inner(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
	"""Kind and content of each box; the last is given as far as it goes."""
	at = 0
	while at + 8 <= len(data):
		size, kind = struct.unpack_from('>I4s', data, at)
		if size < 8:
			return
		yield kind, data[at + 8 : at + size]
		at += size


def _names(data: memoryview) -> Iterator[memoryview]:
	at = 8
	while at + 8 <= len(data):
		size = int.from_bytes(data[at : at + 4], 'big')
		if size < 8 or at + size > len(data):
			return
		yield data[at + 8 : at + size]
		at += size


def matroska(file: BinaryIO) -> Texts:
	"""The tags of a Matroska or WebM file (RFC 9559, 5.1.8)."""
	for id, size in _elements(file):
		if id == SEGMENT:
			for inner, length in _elements(file):
				if inner == TAGS and length <= LONGEST:
					yield from _tags(file.read(length))
				else:
					file.seek(length, 1)
			return
		file.seek(size, 1)


def _tags(data: bytes) -> Texts:
	file = BytesIO(data)
	for id, size in _elements(file):
		parts = _parts(file.read(size))  # of a tag that is cut, those that are whole
		for inner, simple in parts if id == TAG else ():
			if inner == SIMPLE_TAG:
				found = {part: text.decode('utf-8', 'replace') for part, text in _parts(simple)}
				yield found.get(TAG_NAME, '').lower(), found.get(TAG_STRING, '').rstrip('\0')


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
	"""Id and content of each element that is whole."""
	file = BytesIO(data)
	for id, size in _elements(file):
		part = file.read(size)
		if len(part) < size:
			return
		yield id, part


def _elements(file: BinaryIO) -> Iterator[tuple[int, int]]:
	"""Id and size of each EBML element (RFC 8794, 5 and 6); whoever asks for the next has passed over this one.

	A segment of unknown size lasts to the end of the file; anything else of unknown size ends the list.
	"""
	while (id := _number(file, marked=True)) and (size := _number(file)) is not None:
		if size < 0 and id != SEGMENT:
			return
		yield id, size


def _number(file: BinaryIO, *, marked: bool = False) -> int | None:
	"""A number of one to eight bytes, as many as its first byte says, with its mark or without; -1 is unknown."""
	first = file.read(1)
	if not first or not first[0]:
		return None
	length = 9 - first[0].bit_length()
	data = first + file.read(length - 1)
	if len(data) < length:
		return None
	number = int.from_bytes(data, 'big')
	if marked:
		return number
	number &= (1 << 7 * length) - 1
	return -1 if number == (1 << 7 * length) - 1 else number
