"""Reads OpenEXR files of 32-bit floats with ZIP compression, by the letter of the format."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def read_exr(data: bytes) -> tuple[dict[str, bytes], dict[str, NDArray[np.float32]]]:
	"""Attributes and channels of a file with ZIP compression."""
	assert struct.unpack_from('<ii', data) == (20000630, 2)
	place, attributes = 8, {}
	while data[place]:
		name, kind, rest = data[place:].split(b'\0', 2)
		(size,) = struct.unpack_from('<i', rest)
		place += len(name) + len(kind) + 2
		attributes[name.decode()] = data[place + 4 : place + 4 + size]
		place += 4 + size
	_, _, right, bottom = struct.unpack('<4i', attributes['dataWindow'])
	width, height = right + 1, bottom + 1
	names = [chr(attributes['channels'][at]) for at in range(0, len(attributes['channels']) - 1, 18)]
	count = -(-height // 16)
	offsets = struct.unpack_from(f'<{count}Q', data, place + 1)
	lines = []
	for offset in offsets:
		start, size = struct.unpack_from('<ii', data, offset)
		rows = min(16, height - start)
		body = data[offset + 8 : offset + 8 + size]
		if size < rows * width * len(names) * 4:
			told = np.frombuffer(zlib.decompress(body), np.uint8).astype(np.int64)
			halves = ((np.cumsum(told) - 128 * np.arange(len(told))) % 256).astype(np.uint8)
			middle = -(-len(halves) // 2)
			raw = np.empty_like(halves)
			raw[0::2], raw[1::2] = halves[:middle], halves[middle:]
			body = raw.tobytes()
		lines.append(np.frombuffer(body, '<f4').reshape(rows, len(names), width))
	whole = np.concatenate(lines)
	return attributes, {name: whole[:, index] for index, name in enumerate(names)}
