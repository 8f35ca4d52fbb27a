"""Opening files that are, or are not, safetensors."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch

from engine.cancel import CancelToken
from engine.errors import JobCancelled, ModelError, UnknownFormat
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
