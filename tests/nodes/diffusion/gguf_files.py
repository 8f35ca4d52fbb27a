"""Writes GGUF files with gguf-py, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from torch import Tensor


def write_gguf(
	path: Path,
	tensors: Mapping[str, Tensor],
	architecture: str,
	kinds: Mapping[str, GGMLQuantizationType] | None = None,
	shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Path:
	"""Write float32 tensors, some of them quantised as `kinds` says; `shapes` are told to be the original ones."""
	writer = gguf.GGUFWriter(path, architecture)
	for name, tensor in tensors.items():
		values = tensor.detach().float().contiguous().numpy()
		kind = (kinds or {}).get(name)
		if kind is None:
			writer.add_tensor(name, values)
		else:
			blocks = gguf.quantize(values, kind)
			writer.add_tensor(name, blocks, raw_dtype=kind)
	for name, shape in (shapes or {}).items():
		writer.add_array(f'comfy.gguf.orig_shape.{name}', list(shape))
	writer.write_header_to_file()
	writer.write_kv_data_to_file()
	writer.write_tensors_to_file()
	writer.close()
	return path


def quantised(tensor: Tensor, kind: GGMLQuantizationType) -> np.ndarray:
	"""What becomes of a tensor that is quantised and read again."""
	values: np.ndarray = gguf.dequantize(gguf.quantize(tensor.detach().float().numpy(), kind), kind)
	return values
