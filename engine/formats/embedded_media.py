"""Workflows in sounds and films: the texts that each container keeps beside its streams, by name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import BinaryIO

LONGEST = 64 * 2**20
"""Texts that take more bytes are passed over: no workflow is so long."""
FLAC, OGG, ID3, EBML = b'fLaC', b'OggS', b'ID3', b'\x1a\x45\xdf\xa3'
"""How these files begin."""
COMMENT_PACKETS = (b'OpusTags', b'\x03vorbis', b'\x04\0\0\0')
"""How the packet of comments begins. In Ogg FLAC it is a block of FLAC, whose length does not matter."""
ID3_CODES = {0: 'latin-1', 1: 'utf-16', 2: 'utf-16-be', 3: 'utf-8'}
BOXES = (b'moov', b'udta', b'meta')
SEGMENT, TAGS, TAG, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x18538067, 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
"""Elements of Matroska."""

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
		for mark in COMMENT_PACKETS:
			if packet.startswith(mark):
				yield from _comments(packet[len(mark) :])


def _packets(file: BinaryIO) -> Iterator[bytes]:
	"""The packets of the first stream in an Ogg file; each goes on over as many segments of 255 bytes as it takes."""
	packet, stream = b'', None
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
				yield packet
				packet = b''


def _comments(data: bytes) -> Texts:
	"""`name=value` texts with their lengths, after the vendor's name."""
	(vendor,) = struct.unpack_from('<I', data)
	at = 8 + vendor
	(count,) = struct.unpack_from('<I', data, at - 4)
	for _ in range(count):
		(size,) = struct.unpack_from('<I', data, at)
		if at + 4 + size > len(data):
			return
		name, _, value = data[at + 4 : at + 4 + size].decode().partition('=')
		at += 4 + size
		yield name.lower(), value


def mp3(file: BinaryIO) -> Texts:
	"""The users' own texts (`TXXX`) in an ID3 tag of version 3 or 4 (id3.org, "ID3 tag version 2.4.0")."""
	head = file.read(10).ljust(10, b'\0')
	version, flags, size = head[3], head[5], _synchsafe(head[6:])
	if version not in (3, 4) or size > LONGEST:
		return
	data = file.read(size)
	if flags & 0x80:
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
			code = ID3_CODES.get(data[at + 10], 'latin-1')
			name, _, value = data[at + 11 : at + 10 + size].decode(code).partition('\0')
			yield name.lstrip('\ufeff').lower(), value.lstrip('\ufeff').rstrip('\0')
		at += 10 + size


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


def _keyed(data: bytes) -> Texts:
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
	for id, tag in _parts(data):
		for inner, simple in _parts(tag) if id == TAG else ():
			if inner == SIMPLE_TAG:
				found = dict(_parts(simple))
				yield found.get(TAG_NAME, b'').decode().lower(), found.get(TAG_STRING, b'').decode().rstrip('\0')


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
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
