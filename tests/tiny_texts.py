"""Tiny text encoders of real make: T5, Qwen 2 and 3, Llama, CLIP-L and bigG with projections; and their vocabularies.

Language models can have their mouths.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import torch
from torch import Tensor

from nodes.diffusion.layouts import text as layouts
from nodes.diffusion.text.clip import ClipModel
from nodes.diffusion.text.eyes import QwenEyes
from nodes.diffusion.text.qwen import QwenModel
from nodes.diffusion.text.qwen_tokenizer import byte_pairs
from nodes.diffusion.text.speaking import SpeakingModel
from nodes.diffusion.text.t5 import T5Model
from tests import tiny

WIDTH = tiny.WIDTH
LAYERS = 4

PIECES = ('▁a', '▁red', '▁cat', 'c', 'a', 't', 'r', 'e', 'd', '▁', '(', ')', ':', '1', '.', '5')

T5: dict[str, Any] = {
	'vocab_size': 32,
	'd_model': 2 * WIDTH,
	'd_kv': 8,
	'd_ff': 4 * WIDTH,
	'num_layers': 2,
	'num_heads': 2,
	'feed_forward_proj': 'gated-gelu',
}
QWEN: dict[str, Any] = {
	'hidden_size': WIDTH,
	'intermediate_size': 2 * WIDTH,
	'num_hidden_layers': LAYERS,
	'num_attention_heads': 2,
	'num_key_value_heads': 1,
	'rope_theta': 1_000_000.0,
	'rms_norm_eps': 1e-6,
}

LLAMA_SHAPES = {
	'model.embed_tokens.weight': (layouts.LLAMA_SIZE, WIDTH),
	'model.layers.0.mlp.gate_proj.weight': (2 * WIDTH, WIDTH),
	'model.layers.0.self_attn.q_proj.weight': (2 * WIDTH, WIDTH),
	'model.layers.0.self_attn.k_proj.weight': (2 * WIDTH, WIDTH),
}

QWEN_EYES: dict[str, Any] = {
	'depth': 8,
	'hidden_size': WIDTH,
	'intermediate_size': 2 * WIDTH,
	'num_heads': 1,
	'in_channels': 3,
	'patch_size': 14,
	'temporal_patch_size': 2,
	'window_size': 8 * 14,
	'out_hidden_size': WIDTH,
	'fullatt_block_indexes': (7,),
}


def spiece_model() -> bytes:
	"""A SentencePiece model with T5's marks and a few pieces, as a protocol buffer."""
	pieces = [('<pad>', 0.0, 3), ('</s>', 0.0, 3), ('<unk>', 0.0, 2)]
	pieces += [(piece, -float(place), 1) for place, piece in enumerate(PIECES, start=1)]
	return b''.join(_field(1, _piece(*piece)) for piece in pieces)


def qwen_tokenizer() -> str:
	"""Single bytes, a few merged ones, and Qwen's marks, as the text of a `tokenizer.json`."""
	pieces = [bytes([byte]) for byte in range(256)] + [
		b're',
		b'red',
		b'ca',
		b'cat',
		b'us',
		b'er',
		b'user',
		b' c',
		b'at',
	]
	text: str = byte_pairs({piece: number for number, piece in enumerate(pieces)}).to_str()
	return text


def qwen_size() -> int:
	"""How many pieces and marks the tiny Qwen knows."""
	tokenizer = json.loads(qwen_tokenizer())
	return len(tokenizer['model']['vocab']) + len(tokenizer['added_tokens'])


def t5(seed: int = 0) -> T5Model:
	"""T5 with random weights."""
	module: T5Model = _made(lambda: T5Model(T5), seed)
	return module


def qwen_eyes(seed: int = 0) -> QwenEyes:
	"""The eyes of Qwen 2.5-VL with random weights."""
	module: QwenEyes = _made(lambda: QwenEyes(QWEN_EYES), seed)
	return module


def qwen(generation: int, seed: int = 0) -> QwenModel:
	"""A Qwen with random weights, all of its layers and the final norm."""
	config = {**QWEN, 'vocab_size': qwen_size(), 'model_type': f'qwen{generation}', 'layers': None}
	if generation == 3:
		config['head_dim'] = 8
	else:
		config['num_attention_heads'] = 1  # nothing in a Qwen 2 tells how wide its heads are
		config['num_key_value_heads'] = 1
	module: QwenModel = _made(lambda: QwenModel(config), seed)
	return module


def llama(seed: int = 0) -> QwenModel:
	"""A Llama with random weights; it is known by how many tokens there are, so its table is large for its width."""
	config = {**layouts.llama(LLAMA_SHAPES), 'num_hidden_layers': LAYERS}
	module: QwenModel = _made(lambda: QwenModel(config), seed)
	return module


def llama_tokenizer() -> str:
	"""Single bytes and Llama's marks."""
	marks = [f'<|{mark}|>' for mark in ('begin_of_text', 'end_of_text', 'eot_id', 'start_header_id', 'end_header_id')]
	text: str = byte_pairs({bytes([byte]): byte for byte in range(256)}, marks).to_str()
	return text


def speaking(kind: str, *, mouth: bool = True, seed: int = 0) -> SpeakingModel:
	"""A language model with random weights: `qwen2`, `qwen3` or `llama`; without a mouth its table of tokens serves."""
	listening = llama() if kind == 'llama' else qwen(int(kind[-1]))
	shapes = {name: tuple(tensor.shape) for name, tensor in listening.state_dict().items()}
	config = layouts.llama(shapes) if kind == 'llama' else layouts.qwen(shapes, generation=int(kind[-1]))
	module: SpeakingModel = _made(lambda: SpeakingModel({**config, 'layers': None, 'speaks': mouth}), seed)
	return module


def clip_config(layers: int, *, projected: bool) -> dict[str, Any]:
	"""A tiny CLIP; bigG is known by having 32 layers."""
	return {**tiny.text_config(), 'num_hidden_layers': layers, 'with_projection': projected}


def clip(layers: int, *, projected: bool, seed: int = 0) -> ClipModel:
	"""A CLIP with random weights."""
	module: ClipModel = _made(lambda: ClipModel(clip_config(layers, projected=projected)), seed)
	return module


def tensors(module: torch.nn.Module, prefix: str = '') -> dict[str, Tensor]:
	"""A module's tensors under its own names, after a prefix."""
	return {prefix + name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _made(build: Any, seed: int) -> Any:
	with torch.random.fork_rng(devices=[]):
		torch.manual_seed(seed)
		return build().eval().requires_grad_(False)


def _piece(text: str, score: float, kind: int) -> bytes:
	return _field(1, text.encode()) + b'\x15' + struct.pack('<f', score) + bytes([0x18, kind])


def _field(number: int, message: bytes) -> bytes:
	return bytes([number << 3 | 2, len(message)]) + message
