"""Picture files that are written here: their bytes, read back by the letter of their formats."""

from __future__ import annotations

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from pydantic import JsonValue

from nodes.encode import JPEG_EXIF, exif_of, within_jpeg, write_exr, write_png16
from tests.nodes.exr import read_exr

METADATA: dict[str, JsonValue] = {'prompt': {'text': 'Ä'}, 'workflow': [1, 2]}


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
	"""The chunks of a PNG, their checksums verified."""
	assert data.startswith(b'\x89PNG\r\n\x1a\n')
	chunks, place = [], 8
	while place < len(data):
		(length,) = struct.unpack_from('>I', data, place)
		kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
		assert struct.unpack_from('>I', data, place + 8 + length)[0] == zlib.crc32(kind + body)
		chunks.append((kind, body))
		place += 12 + length
	return chunks


class TestPng16:
	"""Pillow reads no colours of 16 bits, so the chunks are taken apart here."""

	@pytest.mark.parametrize('channels', [1, 3, 4])
	def test_levels(self, channels: int) -> None:
		"""Big-endian, each line less the one above it."""
		levels = np.random.default_rng(0).integers(0, 65536, (5, 7, channels), dtype=np.uint16)
		stream = io.BytesIO()
		write_png16(stream, levels, {})
		chunks = dict(png_chunks(stream.getvalue()))
		width, height, depth, colours = struct.unpack_from('>IIBB', chunks[b'IHDR'])
		lines = np.frombuffer(zlib.decompress(chunks[b'IDAT']), np.uint8).reshape(5, -1)
		rows = np.cumsum(lines[:, 1:], axis=0, dtype=np.uint8)

		assert (width, height, depth, colours) == (7, 5, 16, {1: 0, 3: 2, 4: 6}[channels])
		assert set(lines[:, 0].tolist()) == {2}
		assert (np.ascontiguousarray(rows).view('>u2').reshape(5, 7, channels) == levels).all()

	def test_pillow_reads_it(self) -> None:
		"""As 8 bits, with the texts."""
		stream = io.BytesIO()
		write_png16(stream, np.full((3, 3, 3), 0x8000, dtype=np.uint16), METADATA)
		with Image.open(stream) as picture:
			picture.load()
			level, told = picture.convert('RGB').getpixel((2, 2)), json.loads(picture.info['prompt'])

		assert level == (128, 128, 128)
		assert told == METADATA['prompt']


class TestExr:
	@pytest.mark.parametrize(('channels', 'names'), [(1, ['Y']), (3, ['B', 'G', 'R']), (4, ['A', 'B', 'G', 'R'])])
	def test_values(self, channels: int, names: list[str]) -> None:
		"""Floats of any size, without loss, in more blocks than one; channels by name."""
		values = np.linspace(-3, 1000, 37 * 50 * channels, dtype=np.float32).reshape(37, 50, channels)
		stream = io.BytesIO()
		write_exr(stream, values, {})
		attributes, planes = read_exr(stream.getvalue())

		assert list(planes) == names
		for index, name in enumerate(names[::-1]):
			assert (planes[name] == values[..., index]).all()
		assert attributes['compression'] == b'\x03'

	def test_flat_pictures_are_small(self) -> None:
		"""They are packed; noise is kept as it is."""
		flat, noise = io.BytesIO(), io.BytesIO()
		write_exr(flat, np.ones((64, 64, 3), np.float32), {})
		random = np.random.default_rng(0).integers(0, 2**32, (64, 64, 3), dtype=np.uint32).view(np.float32)
		write_exr(noise, random, {})

		assert len(flat.getvalue()) < 2000
		assert len(noise.getvalue()) > random.nbytes
		assert read_exr(noise.getvalue())[1]['R'].tobytes() == np.ascontiguousarray(random[..., 0]).tobytes()

	def test_metadata(self) -> None:
		"""Texts of JSON; a name that is too long for the format is left out."""
		stream = io.BytesIO()
		write_exr(stream, np.zeros((1, 1, 3), np.float32), {**METADATA, 'x' * 32: 1})
		attributes, _ = read_exr(stream.getvalue())

		assert json.loads(attributes['prompt']) == METADATA['prompt']
		assert 'x' * 32 not in attributes


class TestExif:
	def test_where_front_ends_look(self) -> None:
		"""The prompt as the camera's model, the rest from its maker downwards."""
		exif = exif_of({**METADATA, 'more': 1})

		assert exif[0x0110] == 'prompt:{"text": "\\u00c4"}'
		assert exif[0x010F] == 'workflow:[1, 2]'
		assert exif[0x010E] == 'more:1'

	@pytest.mark.parametrize(
		('lengths', 'kept'),
		[
			({'workflow': 10, 'prompt': 10, 'more': 10}, ['workflow', 'prompt', 'more']),
			({'workflow': 60000, 'prompt': 10000, 'more': 10000}, ['prompt', 'more']),
			({'workflow': 10, 'prompt': 60000, 'more': 60000}, ['workflow', 'prompt']),
			({'workflow': 10, 'prompt': 70000}, ['workflow']),
			({'prompt': 70000}, []),
		],
	)
	def test_what_fits_into_a_jpeg(self, lengths: dict[str, int], kept: list[str]) -> None:
		"""The prompt is kept before all, the workflow after all; the order stays."""
		fits = within_jpeg({name: 'x' * length for name, length in lengths.items()})
		stream = io.BytesIO()
		Image.new('RGB', (2, 2)).save(stream, 'JPEG', exif=exif_of(fits))

		assert list(fits) == kept

	def test_what_is_kept_is_what_pillow_takes(self) -> None:
		"""To the byte: nothing is left out that a JPEG would have room for, and nothing kept that it has not."""
		around = JPEG_EXIF - len(exif_of({'prompt': ''}).tobytes())
		kept, taken = [], []
		for length in range(around - 4, around + 5):
			metadata = {'prompt': 'x' * length}
			kept.append(bool(within_jpeg(metadata)))
			try:
				Image.new('RGB', (2, 2)).save(io.BytesIO(), 'JPEG', exif=exif_of(metadata))
			except ValueError:
				taken.append(False)
			else:
				taken.append(True)

		assert kept == taken
		assert set(kept) == {True, False}
