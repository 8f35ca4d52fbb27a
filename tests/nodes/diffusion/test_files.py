"""Model files as sources of tensors."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch

from engine.errors import ModelError, UnknownFormat
from nodes.diffusion.files import open_source, torch_dtype


def with_header(path: Path, header: object, data: bytes = b'') -> Path:
	"""A file laid out as safetensors, with any JSON as its header."""
	text = json.dumps(header).encode()
	path.write_bytes(struct.pack('<Q', len(text)) + text + data)
	return path


class TestHeader:
	def test_tells_shapes_dtypes_and_metadata(self, checkpoint: Path) -> None:
		"""No tensor is read for it."""
		source = open_source(checkpoint)

		assert source.shapes['model.diffusion_model.input_blocks.0.0.weight'] == (8, 4, 3, 3)
		assert source.dtypes['model.diffusion_model.input_blocks.0.0.weight'] == 'F32'
		assert source.json('vae_config')['scaling_factor'] == 0.18215
		assert source.json('no such entry') is None

	def test_tells_what_stands_under_a_prefix(self, checkpoint: Path) -> None:
		"""By the names without it."""
		assert open_source(checkpoint).within('model.diffusion_model.')['input_blocks.0.0.weight'] == (8, 4, 3, 3)

	def test_metadata_must_be_json_where_json_is_meant(self, tmp_path: Path) -> None:
		"""The error names the entry."""
		source = open_source(with_header(tmp_path / 'odd.safetensors', {'__metadata__': {'unet_config': '{'}}))

		with pytest.raises(UnknownFormat, match="'unet_config' is no JSON"):
			source.json('unet_config')


class TestDtype:
	def test_auto_is_float32(self) -> None:
		"""What a CPU is good at."""
		assert torch_dtype('auto') == torch.float32

	def test_unknown_precisions_are_refused(self) -> None:
		"""The error lists those that there are."""
		with pytest.raises(ModelError, match='bfloat16'):
			torch_dtype('fp3')
