"""A safetensors file, opened with care: its tensors are read one by one, and what is wrong is said in a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.cancel import CancelToken
from engine.errors import ModelError, UnknownFormat
from engine.tensorfile import read_header


@dataclass(frozen=True)
class TensorFile:
	"""The header of a safetensors file: names, shapes and metadata."""

	path: Path
	shapes: Mapping[str, tuple[int, ...]]
	metadata: Mapping[str, str]

	def json(self, name: str) -> Any:
		"""A metadata entry that holds JSON, or None where there is none. Raises `UnknownFormat`."""
		text = self.metadata.get(name)
		if text is None:
			return None
		try:
			return json.loads(text)
		except ValueError as error:
			raise UnknownFormat(self.path, f'its metadata entry {name!r} is no JSON') from error

	def read(
		self,
		wanted: Mapping[str, str],
		shapes: Mapping[str, tuple[int, ...]],
		*,
		dtype: torch.dtype,
		cancel: CancelToken,
	) -> dict[str, Tensor]:
		"""Read tensors by `{key: name in the file}`, in the given dtype and in the shapes given by key.

		The tensors hold their own memory, so the file may be replaced afterwards. Raises `UnknownFormat` or
		`JobCancelled`.
		"""
		tensors = {}
		try:
			with safe_open(self.path, framework='pt', device='cpu') as file:
				for key, name in wanted.items():
					cancel.check()
					tensors[key] = file.get_tensor(name).to(dtype, copy=True).reshape(shapes[key])
		except (SafetensorError, OSError) as error:
			raise UnknownFormat(self.path, str(error)) from error
		return tensors


def open_file(path: Path) -> TensorFile:
	"""Read a file's header. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	header = read_header(path)
	return TensorFile(path, header.shapes, header.metadata)


def torch_dtype(name: str) -> torch.dtype:
	"""The torch dtype of a `ModelRef`'s precision; `auto` is float32. Raises `ModelError`."""
	known = {
		'auto': torch.float32,
		'float32': torch.float32,
		'float16': torch.float16,
		'bfloat16': torch.bfloat16,
	}
	if name not in known:
		raise ModelError(f'There is no precision {name!r}; there are: {", ".join(known)}.')
	return known[name]
