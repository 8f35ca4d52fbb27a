"""Picture files of other kinds than Pillow's plain PNG, written to a stream, with the workflow inside."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image
from pydantic import JsonValue

from engine.files import is_keyword

if TYPE_CHECKING:
	from numpy.typing import NDArray

	Array = NDArray[Any]

Metadata = Mapping[str, JsonValue]
MODEL, MAKE = 0x0110, 0x010F
"""EXIF tags in which front ends look for the prompt, and below which for all else."""
JPEG_EXIF = 65533
"""More bytes of EXIF than these do not go into a JPEG: the length of a segment has 16 bits."""
PNG_COLOURS = {1: 0, 3: 2, 4: 6}
EXR_MAGIC, EXR_VERSION = 20000630, 2
EXR_CHANNELS = {1: 'Y', 3: 'BGR', 4: 'ABGR'}
EXR_LINES = 16
EXR_NAME = 31


def exif_of(metadata: Metadata) -> Image.Exif:
	"""The metadata as EXIF texts `name:JSON`: the prompt as camera model, the rest from the maker's tag downwards."""
	exif = Image.Exif()
	tag = MAKE
	for name, value in metadata.items():
		text = f'{name}:{json.dumps(value)}'
		if name == 'prompt':
			exif[MODEL] = text
		else:
			exif[tag] = text
			tag -= 1
	return exif


def within_jpeg(metadata: Metadata) -> dict[str, JsonValue]:
	"""As much of the metadata as a JPEG has room for: the prompt before all, the workflow after all."""
	order = sorted(metadata, key=lambda name: (name != 'prompt', name == 'workflow'))
	kept: set[str] = set()
	for name in order:
		some = {other: value for other, value in metadata.items() if other in kept or other == name}
		if len(exif_of(some).tobytes()) <= JPEG_EXIF:
			kept.add(name)
	return {name: value for name, value in metadata.items() if name in kept}


def write_animation(
	stream: BinaryIO, frames: Sequence[Image.Image], format: str, fps: float, metadata: Metadata, **options: Any
) -> None:
	"""An animated WebP or PNG that loops; `options` are Pillow's for the format."""
	from PIL.PngImagePlugin import PngInfo

	if format == 'PNG':
		info = PngInfo()
		for name, value in metadata.items():
			if is_keyword(name):
				info.add_text(name, json.dumps(value))
		options['pnginfo'] = info
	else:
		options['exif'] = exif_of(metadata)
	duration = int(1000 / fps)
	first, *rest = frames
	first.save(stream, format, save_all=True, append_images=rest, duration=duration, loop=0, **options)


def write_png16(stream: BinaryIO, levels: Array, metadata: Metadata) -> None:
	"""A PNG of 16 bits a channel (PNG specification, third edition); `levels` is uint16 [h, w, 1, 3 or 4]."""
	import numpy

	height, width, channels = levels.shape
	rows = levels.astype('>u2').reshape(height, -1).view(numpy.uint8)
	# Filter 2: each byte less the one above it.
	filtered = numpy.diff(rows, axis=0, prepend=numpy.zeros((1, rows.shape[1]), numpy.uint8))
	lines = numpy.concatenate((numpy.full((height, 1), 2, numpy.uint8), filtered), axis=1)
	header = struct.pack('>IIBBBBB', width, height, 16, PNG_COLOURS[channels], 0, 0, 0)
	texts = [
		(b'tEXt', f'{name}\0{json.dumps(value)}'.encode('latin-1'))
		for name, value in metadata.items()
		if is_keyword(name)
	]
	stream.write(b'\x89PNG\r\n\x1a\n')
	for kind, data in ((b'IHDR', header), *texts, (b'IDAT', zlib.compress(lines.tobytes(), 4)), (b'IEND', b'')):
		stream.write(struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data)))


def write_exr(stream: BinaryIO, values: Array, metadata: Metadata) -> None:
	"""An OpenEXR file of 32-bit floats, ZIP compressed (OpenEXR file layout); `values` is float32 [h, w, 1, 3 or 4]."""
	height, width, channels = values.shape
	names = EXR_CHANNELS[channels]
	window = struct.pack('<4i', 0, 0, width - 1, height - 1)
	entries = b''.join(
		name.encode() + b'\0' + struct.pack('<iB3xii', 2, 1 if name == 'A' else 0, 1, 1) for name in names
	)
	attributes = [
		('channels', 'chlist', entries + b'\0'),
		('compression', 'compression', b'\x03'),
		('dataWindow', 'box2i', window),
		('displayWindow', 'box2i', window),
		('lineOrder', 'lineOrder', b'\0'),
		('pixelAspectRatio', 'float', struct.pack('<f', 1)),
		('screenWindowCenter', 'v2f', struct.pack('<2f', 0, 0)),
		('screenWindowWidth', 'float', struct.pack('<f', 1)),
		*(
			(name, 'string', json.dumps(value).encode())
			for name, value in metadata.items()
			if len(name.encode()) <= EXR_NAME
		),
	]
	head = struct.pack('<ii', EXR_MAGIC, EXR_VERSION)
	for name, kind, data in attributes:
		head += f'{name}\0{kind}\0'.encode() + struct.pack('<i', len(data)) + data
	head += b'\0'
	chunks = list(_exr_chunks(values))
	offset = len(head) + 8 * len(chunks)
	stream.write(head)
	for chunk in chunks:
		stream.write(struct.pack('<Q', offset))
		offset += len(chunk)
	stream.writelines(chunks)


def _exr_chunks(values: Array) -> Iterator[bytes]:
	"""Blocks of lines, each with its number and size. In a line the channels come one after the other, by name."""
	import numpy

	order = range(values.shape[2] - 1, -1, -1)
	# R, G, B, A backwards is the order of the names.
	planes = values.astype('<f4')[..., list(order)].transpose(0, 2, 1)
	for start in range(0, len(planes), EXR_LINES):
		raw = numpy.frombuffer(planes[start : start + EXR_LINES].tobytes(), numpy.uint8)
		halves = numpy.concatenate((raw[0::2], raw[1::2]))
		# Each byte but the first becomes its distance from the one before, around 128.
		told = halves.copy()
		told[1:] = halves[1:] - halves[:-1] + numpy.uint8(128)
		packed = zlib.compress(told.tobytes(), 4)
		data = packed if len(packed) < len(raw) else raw.tobytes()
		yield struct.pack('<ii', start, len(data)) + data
