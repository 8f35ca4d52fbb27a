"""Opening files that are, or are not, safetensors."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

import pytest
import torch

from engine.cancel import CancelToken
from engine.errors import JobCancelled, ModelError, ModelNotFound, UnknownFormat
from nodes.diffusion.files import open_file, torch_dtype


def with_header(path: Path, header: object, data: bytes = b'') -> Path:
	"""A file laid out as safetensors, with any JSON as its header."""
	text = json.dumps(header).encode()
	path.write_bytes(struct.pack('<Q', len(text)) + text + data)
	return path


class TestOpenFile:
	def test_header_tells_shapes_and_metadata(self, checkpoint: Path) -> None:
		"""No tensor is read for it."""
		file = open_file(checkpoint)

		assert file.shapes['model.diffusion_model.input_blocks.0.0.weight'] == (8, 4, 3, 3)
		assert file.json('vae_config')['scaling_factor'] == 0.18215
		assert file.json('no such entry') is None

	@pytest.mark.parametrize(
		('content', 'reason'),
		[
			(b'', 'it is empty'),
			(b'abc', 'not a safetensors file'),
			(b'A model card, in plain text, which is no model.', 'not a safetensors file'),
			(b'PK\x03\x04' + bytes(100), 'pickled checkpoint'),
			(pickle.dumps({'state_dict': [1, 2, 3]}), 'pickled checkpoint'),
			(b'GGUF' + bytes(100), 'GGUF'),
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
			open_file(path)

		assert 'model.safetensors cannot be read as a model file' in str(caught.value)

	def test_files_cut_short_are_refused(self, checkpoint: Path, tmp_path: Path) -> None:
		"""An interrupted download is told by its length, before anything is read."""
		path = tmp_path / 'half.safetensors'
		path.write_bytes(checkpoint.read_bytes()[:-1000])

		with pytest.raises(UnknownFormat, match='ends too early'):
			open_file(path)

	def test_a_header_as_long_as_a_pickle_begins_is_none(self, tmp_path: Path) -> None:
		"""640 bytes of header are written 80 02, as pickles begin; the file is good all the same."""
		empty = len(json.dumps({'__metadata__': {'a': ''}}))
		path = with_header(tmp_path / 'good.safetensors', {'__metadata__': {'a': 'x' * (640 - empty)}})

		assert path.read_bytes().startswith(b'\x80\x02')
		assert len(open_file(path).metadata['a']) == 640 - empty

	@pytest.mark.parametrize(
		'entry', [{}, [], {'shape': ['x'], 'data_offsets': [0, 0]}, {'shape': [1], 'data_offsets': [0]}]
	)
	def test_headers_that_describe_no_tensors_are_refused(self, entry: object, tmp_path: Path) -> None:
		"""JSON alone does not make a safetensors file."""
		with pytest.raises(UnknownFormat, match='does not describe tensors'):
			open_file(with_header(tmp_path / 'odd.safetensors', {'a': entry}))

	def test_missing_files_are_not_found(self, tmp_path: Path) -> None:
		"""As any model that is not there."""
		with pytest.raises(ModelNotFound, match='absent'):
			open_file(tmp_path / 'absent.safetensors')

	def test_folders_are_refused(self, tmp_path: Path) -> None:
		"""A folder is no file."""
		with pytest.raises(UnknownFormat, match='directory'):
			open_file(tmp_path)

	def test_metadata_must_be_json_where_json_is_meant(self, tmp_path: Path) -> None:
		"""The error names the entry."""
		file = open_file(with_header(tmp_path / 'odd.safetensors', {'__metadata__': {'unet_config': '{'}}))

		with pytest.raises(UnknownFormat, match="'unet_config' is no JSON"):
			file.json('unet_config')


class TestRead:
	NAME = 'model.diffusion_model.input_blocks.0.0.weight'

	def test_tensors_come_in_the_wanted_precision(self, checkpoint: Path) -> None:
		"""Under the wanted key and in the wanted shape."""
		file = open_file(checkpoint)
		shape = file.shapes[self.NAME]

		read = file.read({'key': self.NAME}, {'key': shape}, dtype=torch.bfloat16, cancel=CancelToken())

		assert (read['key'].dtype, read['key'].shape) == (torch.bfloat16, shape)

	def test_reading_stops_when_asked(self, checkpoint: Path) -> None:
		"""The token is looked at before each tensor."""
		cancel = CancelToken()
		cancel.cancel()

		with pytest.raises(JobCancelled):
			open_file(checkpoint).read({'key': self.NAME}, {'key': (8, 4, 3, 3)}, dtype=torch.float32, cancel=cancel)

	def test_tensors_that_are_gone_are_an_error(self, checkpoint: Path) -> None:
		"""A file may change between its opening and its reading."""
		with pytest.raises(UnknownFormat, match='gone'):
			open_file(checkpoint).read({'key': 'gone'}, {'key': (1,)}, dtype=torch.float32, cancel=CancelToken())


class TestDtype:
	def test_auto_is_float32(self) -> None:
		"""What a CPU is good at."""
		assert torch_dtype('auto') == torch.float32

	def test_unknown_precisions_are_refused(self) -> None:
		"""The error lists those that there are."""
		with pytest.raises(ModelError, match='bfloat16'):
			torch_dtype('fp3')
