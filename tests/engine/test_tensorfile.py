import json
import os
import pickle
import struct
from pathlib import Path

import pytest

from engine.errors import ModelNotFound, UnknownFormat
from engine.tensorfile import read_header, read_metadata

ONE = {'__metadata__': {'made': 'by hand'}, 'a': {'dtype': 'U8', 'shape': [2, 2], 'data_offsets': [0, 4]}}


def with_header(path: Path, header: object, data: bytes = b'') -> Path:
	"""A file laid out as safetensors, with any JSON as its header."""
	text = json.dumps(header).encode()
	path.write_bytes(struct.pack('<Q', len(text)) + text + data)
	return path


class TestReadHeader:
	def test_tells_shapes_and_metadata(self, tmp_path: Path) -> None:
		"""Of a whole file."""
		header = read_header(with_header(tmp_path / 'good.safetensors', ONE, b'data'))

		assert header.shapes == {'a': (2, 2)}
		assert header.metadata == {'made': 'by hand'}

	@pytest.mark.parametrize(
		('content', 'reason'),
		[
			(b'', 'it is empty'),
			(b'abc', 'not a safetensors file'),
			(b'A model card, in plain text, which is no model.', 'not a safetensors file'),
			(b'PK\x03\x04' + bytes(100), 'not a safetensors file'),
			(pickle.dumps({'state_dict': [1, 2, 3]}), 'not a safetensors file'),
			(b'GGUF' + bytes(100), 'not a safetensors file'),
			(struct.pack('<Q', 1000) + b'{"a"', 'not a safetensors file, or its beginning is damaged'),
			(struct.pack('<Q', 8) + b'not JSON', 'beginning is damaged'),
			(struct.pack('<Q', 2) + b'[]', 'beginning is damaged'),
		],
	)
	def test_other_files_are_refused_with_a_sentence(self, content: bytes, reason: str, tmp_path: Path) -> None:
		"""The sentence says which file, and what is wrong with it."""
		path = tmp_path / 'model.safetensors'
		path.write_bytes(content)

		with pytest.raises(UnknownFormat, match=reason) as caught:
			read_header(path)

		assert 'model.safetensors cannot be read as a model file' in str(caught.value)

	def test_files_cut_short_are_refused(self, tmp_path: Path) -> None:
		"""An interrupted download is told by its length, before anything is read."""
		path = with_header(tmp_path / 'half.safetensors', ONE, b'dat')

		with pytest.raises(UnknownFormat, match='not complete: 4 bytes of tensors are announced, 3 are there'):
			read_header(path)

	@pytest.mark.parametrize(
		('entries', 'reason'),
		[
			({'a': ('F16', [2], [0, 2])}, "'a' a length that its shape does not have"),
			({'a': ('F16', [-1], [0, 4])}, "'a' a place that cannot be"),
			({'a': ('F16', [2], [4, 0])}, "'a' a place that cannot be"),
			({'a': ('U8', [2], [0, 2]), 'b': ('U8', [2], [1, 3])}, "'b' a place that cannot be"),
			({'a': ('U8', [1], [0, 1]), 'b': ('U8', [1], [3, 4])}, "'b' a place that cannot be"),
			({'a': ('U8', [10**12], [0, 10**12])}, 'not complete: 1000000000000 bytes'),
		],
	)
	def test_headers_that_contradict_themselves_are_refused(
		self, entries: dict[str, tuple[str, list[int], list[int]]], reason: str, tmp_path: Path
	) -> None:
		"""Tensors lie one after the other, each as long as its shape and dtype ask for."""
		header = {
			name: {'dtype': dtype, 'shape': shape, 'data_offsets': place}
			for name, (dtype, shape, place) in entries.items()
		}

		with pytest.raises(UnknownFormat, match=reason):
			read_header(with_header(tmp_path / 'odd.safetensors', header, b'data'))

	def test_bytes_after_the_last_tensor_are_refused(self, tmp_path: Path) -> None:
		"""A file with something hung on to it is not what was published."""
		path = with_header(tmp_path / 'long.safetensors', ONE, b'data and more')

		with pytest.raises(UnknownFormat, match='9 bytes follow its last tensor'):
			read_header(path)

	def test_a_header_as_long_as_a_pickle_begins_is_none(self, tmp_path: Path) -> None:
		"""640 bytes of header are written 80 02, as pickles begin; the file is good all the same."""
		empty = len(json.dumps({'__metadata__': {'a': ''}}))
		path = with_header(tmp_path / 'good.safetensors', {'__metadata__': {'a': 'x' * (640 - empty)}})

		assert path.read_bytes().startswith(b'\x80\x02')
		assert len(read_header(path).metadata['a']) == 640 - empty

	@pytest.mark.parametrize(
		'entry', [{}, [], {'shape': ['x'], 'data_offsets': [0, 0]}, {'shape': [1], 'data_offsets': [0]}]
	)
	def test_headers_that_describe_no_tensors_are_refused(self, entry: object, tmp_path: Path) -> None:
		"""JSON alone does not make a safetensors file."""
		with pytest.raises(UnknownFormat, match='does not describe tensors'):
			read_header(with_header(tmp_path / 'odd.safetensors', {'a': entry}))

	def test_missing_files_are_not_found(self, tmp_path: Path) -> None:
		"""As any model that is not there."""
		with pytest.raises(ModelNotFound, match='absent'):
			read_header(tmp_path / 'absent.safetensors')

	def test_folders_are_refused(self, tmp_path: Path) -> None:
		"""A folder is no file."""
		with pytest.raises(UnknownFormat, match='directory'):
			read_header(tmp_path)


class TestRemembering:
	def test_a_header_is_read_once(self, tmp_path: Path) -> None:
		"""Until the file is another, of the same length too."""
		path = with_header(tmp_path / 'good.safetensors', ONE, b'data')
		first = read_header(path)

		assert read_header(path) is first
		with_header(path, ONE | {'__metadata__': {'made': 'in hast'}}, b'data')
		os.utime(path, ns=(0, 1))
		assert read_header(path).metadata == {'made': 'in hast'}

	def test_faults_are_told_each_time(self, tmp_path: Path) -> None:
		"""And a file that has been mended can be read."""
		path = with_header(tmp_path / 'short.safetensors', ONE, b'dat')
		for _ in range(2):
			with pytest.raises(UnknownFormat, match='not complete'):
				read_header(path)
		with_header(path, ONE, b'data')

		assert read_header(path).metadata == {'made': 'by hand'}


class TestReadMetadata:
	def test_tells_what_the_file_says_of_itself(self, tmp_path: Path) -> None:
		"""Whether or not its tensors are whole; nothing if it says nothing."""
		header = {'__metadata__': {'made': 'by hand', 'odd': [1]}, 'a': ONE['a']}

		assert read_metadata(with_header(tmp_path / 'half.safetensors', header)) == header['__metadata__']
		assert read_metadata(with_header(tmp_path / 'silent.safetensors', {'a': ONE['a']})) == {}
		assert read_metadata(with_header(tmp_path / 'odd.safetensors', {'__metadata__': 'text'})) == {}

	def test_long_headers_are_not_read(self, tmp_path: Path) -> None:
		"""Those up to the bound are."""
		path = with_header(tmp_path / 'long.safetensors', ONE)
		length = path.stat().st_size - 8

		assert read_metadata(path, length) == {'made': 'by hand'}
		with pytest.raises(UnknownFormat):
			read_metadata(path, length - 1)

	def test_other_files_have_none(self, tmp_path: Path) -> None:
		"""What is missing, a folder, a text."""
		(tmp_path / 'text.safetensors').write_text('this is no model')
		with pytest.raises(ModelNotFound):
			read_metadata(tmp_path / 'absent.safetensors')
		for path in (tmp_path, tmp_path / 'text.safetensors'):
			with pytest.raises(UnknownFormat):
				read_metadata(path)
