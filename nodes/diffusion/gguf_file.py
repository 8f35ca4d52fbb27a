"""GGUF files. What is quantised stays so until a layer uses it.

Files of diffusion models keep the original layout's names; those of text encoders have llama.cpp's, which are told here
as transformers spells them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, int8

from engine.errors import UnknownFormat
from engine.ggufheader import BLOCKS, Field, read_gguf_header
from engine.tensorfile import Entry
from nodes.diffusion.codings import Blocks, Coding
from nodes.diffusion.files import TensorReader, TensorSource
from nodes.diffusion.open_file import OpenFile, Stamp, stamp
from nodes.diffusion.safetensors_file import DTYPES

T5_PARTS = {
	'attn_q': 'layer.0.SelfAttention.q',
	'attn_k': 'layer.0.SelfAttention.k',
	'attn_v': 'layer.0.SelfAttention.v',
	'attn_o': 'layer.0.SelfAttention.o',
	'attn_norm': 'layer.0.layer_norm',
	'attn_rel_b': 'layer.0.SelfAttention.relative_attention_bias',
	'ffn_gate': 'layer.1.DenseReluDense.wi_0',
	'ffn_up': 'layer.1.DenseReluDense.wi_1',
	'ffn_down': 'layer.1.DenseReluDense.wo',
	'ffn_norm': 'layer.1.layer_norm',
}
T5_WHOLE = {'token_embd': 'shared', 'enc.output_norm': 'encoder.final_layer_norm'}

QWEN_PARTS = {
	'attn_q': 'self_attn.q_proj',
	'attn_k': 'self_attn.k_proj',
	'attn_v': 'self_attn.v_proj',
	'attn_output': 'self_attn.o_proj',
	'attn_q_norm': 'self_attn.q_norm',
	'attn_k_norm': 'self_attn.k_norm',
	'attn_norm': 'input_layernorm',
	'ffn_gate': 'mlp.gate_proj',
	'ffn_up': 'mlp.up_proj',
	'ffn_down': 'mlp.down_proj',
	'ffn_norm': 'post_attention_layernorm',
}
QWEN_WHOLE = {'token_embd': 'model.embed_tokens', 'output_norm': 'model.norm', 'output': 'lm_head'}

# Architecture → how a name in a layer begins there and here, the parts of a layer, the names outside of layers.
LANGUAGE_MODELS: Mapping[str, tuple[str, str, Mapping[str, str], Mapping[str, str]]] = {
	**dict.fromkeys(('t5', 't5encoder'), (r'enc\.blk\.(\d+)\.', 'encoder.block.{}.', T5_PARTS, T5_WHOLE)),
	**dict.fromkeys(
		('qwen2', 'qwen2vl', 'qwen3', 'qwen3vl'), (r'blk\.(\d+)\.', 'model.layers.{}.', QWEN_PARTS, QWEN_WHOLE)
	),
}


@dataclass(frozen=True)
class GgufFile(TensorSource):
	"""A GGUF file's header.

	`entries` say where each tensor lies; `fields` are its metadata as they are, such as a tokenizer's pieces.
	"""

	entries: Mapping[str, Entry]
	fields: Mapping[str, Field]
	stamp: Stamp

	def open(self) -> AbstractContextManager[TensorReader]:
		return _opened(self)


class _Reader(TensorReader):
	def __init__(self, source: GgufFile, file: OpenFile) -> None:
		self._source = source
		self._file = file

	@property
	def source(self) -> TensorSource:
		return self._source

	def empty(self, name: str) -> Tensor:
		entry = self._entry(name)
		if entry.dtype in DTYPES:
			return torch.empty(entry.shape, dtype=DTYPES[entry.dtype], device='meta')
		values, size = BLOCKS[entry.dtype]
		row = entry.shape[-1] if entry.shape[-1] % values == 0 else math.prod(entry.shape)
		return torch.empty(math.prod(entry.shape) // row, row // values * size, dtype=int8, device='meta')

	def fill(self, name: str, target: Tensor, start: int = 0) -> None:
		self._file.fill(target, self._entry(name).start + start)

	def check(self) -> None:
		self._file.check()

	def coding(self, name: str) -> Coding | None:
		kind = self._entry(name).dtype
		return None if kind in DTYPES else Blocks(kind)

	def _entry(self, name: str) -> Entry:
		try:
			return self._source.entries[name]
		except KeyError:
			raise UnknownFormat(self._source.path, f'it holds no tensor {name!r}') from None


def open_gguf(path: Path) -> GgufFile:
	"""Read a file's header. Raises `UnknownFormat`, or `ModelNotFound` if it is not there."""
	known = stamp(path)
	header = read_gguf_header(path)
	architecture = str(header.fields.get('general.architecture', ''))
	entries = {transformers_name(architecture, name): entry for name, entry in header.entries.items()}
	return GgufFile(
		path,
		shapes={name: entry.shape for name, entry in entries.items()},
		dtypes={name: entry.dtype for name, entry in entries.items()},
		metadata={name: str(field) for name, field in header.fields.items() if not isinstance(field, list)},
		entries=entries,
		fields=header.fields,
		stamp=known,
	)


def transformers_name(architecture: str, name: str) -> str:
	"""A tensor's name as transformers spells it; unchanged if the architecture is no language model that we know."""
	if architecture not in LANGUAGE_MODELS:
		return name
	beginning, layer, parts, whole = LANGUAGE_MODELS[architecture]
	found = re.match(beginning, name)
	stem, _, kind = name[found.end() if found else 0 :].rpartition('.')
	known = parts.get(stem) if found else whole.get(stem)
	if known is None:
		return name
	return f'{layer.format(found[1]) if found else ""}{known}.{kind}'


@contextmanager
def _opened(source: GgufFile) -> Iterator[TensorReader]:
	with OpenFile.opened(source.path, source.stamp) as file:
		yield _Reader(source, file)
