"""Headers of GGUF files, good and bad."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engine.errors import ModelNotFound, UnknownFormat
from engine.ggufheader import read_gguf_header
from engine.modelfile import read_shapes


def text(value: str) -> bytes:
	return struct.pack('<Q', len(value.encode())) + value.encode()


def tensor(name: str = 'a', shape: tuple[int, ...] = (32, 2), kind: int = 0, offset: int = 0) -> bytes:
	"""A tensor's description; GGUF tells the innermost side first."""
	return text(name) + struct.pack(f'<I{len(shape)}QIQ', len(shape), *shape, kind, offset)


def field(name: str, kind: int, value: bytes) -> bytes:
	return text(name) + struct.pack('<I', kind) + value


def gguf(
	*tensors: bytes, fields: tuple[bytes, ...] = (), version: int = 3, count: int | None = None, data: int = 256
) -> bytes:
	"""A whole file: header, padding, so many bytes of tensors."""
	told = len(tensors) if count is None else count
	header = b'GGUF' + struct.pack('<IQQ', version, told, len(fields)) + b''.join((*fields, *tensors))
	return header + bytes(-len(header) % 32 + data)


def written(path: Path, content: bytes) -> Path:
	file = path / 'model.gguf'
	file.write_bytes(content)
	return file


class TestRead:
	def test_tensors_are_told_in_torch_order(self, tmp_path: Path) -> None:
		"""With type and place."""
		path = written(tmp_path, gguf(tensor('a', (32, 2)), tensor('b', (64, 2), 8, 256), data=256 + 136))

		entries = read_gguf_header(path).entries

		assert (entries['a'].shape, entries['a'].dtype, entries['a'].stop - entries['a'].start) == ((2, 32), 'F32', 256)
		assert (entries['b'].shape, entries['b'].dtype, entries['b'].stop) == ((2, 64), 'Q8_0', path.stat().st_size)
		assert read_shapes(path) == {'a': (2, 32), 'b': (2, 64)}

	def test_fields_of_all_kinds_are_read(self, tmp_path: Path) -> None:
		"""Numbers, texts, lists of them."""
		fields = (
			field('general.architecture', 8, text('flux')),
			field('count', 4, struct.pack('<I', 7)),
			field('ratio', 6, struct.pack('<f', 0.5)),
			field('sure', 7, b'\x01'),
			field('pieces', 9, struct.pack('<IQ', 8, 2) + text('ab') + text('ü')),
			field('scores', 9, struct.pack('<IQ2f', 6, 2, 0.5, 1.5)),
		)

		assert read_gguf_header(written(tmp_path, gguf(fields=fields))).fields == {
			'general.architecture': 'flux',
			'count': 7,
			'ratio': 0.5,
			'sure': True,
			'pieces': ['ab', 'ü'],
			'scores': [0.5, 1.5],
		}


class TestRefusal:
	@pytest.mark.parametrize(
		('content', 'reason'),
		[
			(b'', 'it is empty'),
			(b'GG', 'not a GGUF file'),
			(b'GGUF', 'header is not complete'),
			(gguf(version=1), 'version 1; versions 2 and 3'),
			(gguf(tensor(), count=2**60), 'not complete'),
			(gguf(tensor(kind=99)), r"'a' is of a type that is not known \(99\)"),
			(gguf(tensor(shape=(31, 2), kind=8)), r"'a' of shape \[2, 31\] does not divide into blocks of Q8_0"),
			(gguf(tensor(shape=(1, 1, 1, 1, 1))), 'has 5 dimensions'),
			(gguf(tensor(shape=(2**40, 2**20))), "not complete: its tensor 'a' ends at byte"),
			(gguf(tensor(), tensor()), 'names a tensor twice'),
			(gguf(fields=(field('x', 99, b''),)), r'a field of a type that is not known \(99\)'),
			(gguf(fields=(field('x', 9, struct.pack('<IQ', 8, 2**50)),)), 'not complete'),
			(gguf(fields=(field('x', 9, struct.pack('<IQ', 0, 2**50)),)), 'not complete'),
			(gguf(fields=(field('general.alignment', 4, struct.pack('<I', 0)),)), r'an alignment that cannot be \(0\)'),
			(gguf(tensor())[:-1], "not complete: its tensor 'a' ends at byte"),
			(
				gguf(tensor(), fields=(field('comfy.gguf.orig_shape.a', 9, struct.pack('<IQi', 5, 1, 3)),)),
				r"shape told for its tensor 'a', \[3\], has not as many values",
			),
		],
	)
	def test_bad_files_are_refused_with_a_sentence(self, content: bytes, reason: str, tmp_path: Path) -> None:
		"""Nothing of the length that a bad header tells is read, or made room for."""
		with pytest.raises(UnknownFormat, match=reason) as caught:
			read_gguf_header(written(tmp_path, content))

		assert 'model.gguf cannot be read as a model file' in str(caught.value)

	def test_files_that_are_gone_are_not_found(self, tmp_path: Path) -> None:
		"""As other formats are."""
		with pytest.raises(ModelNotFound):
			read_gguf_header(tmp_path / 'absent.gguf')
