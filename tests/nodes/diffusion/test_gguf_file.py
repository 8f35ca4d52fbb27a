"""GGUF files as sources of tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest
import torch
from gguf import GGMLQuantizationType
from safetensors.torch import save_file
from torch.nn import Conv2d, Flatten, LayerNorm, Linear, Module, Sequential
from torch.nn.functional import linear

from engine.errors import UnknownFormat
from engine.models import Load
from nodes.diffusion.building import built, filled, same_names
from nodes.diffusion.codings import Blocks
from nodes.diffusion.files import open_source
from nodes.diffusion.gguf_file import transformers_name
from nodes.diffusion.layout import Layout, Piece
from nodes.diffusion.quantised import CodedConv2d, CodedEmbedding, CodedLinear
from tests.nodes.diffusion.gguf_files import quantised, write_gguf
from tests.nodes.diffusion.test_building import t5

M = TypeVar('M', bound=Module)
NOWHERE = Path('nowhere')
Q8, Q4_0 = GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_0


def load(path: Path, module: M, layout: Layout | None = None, storage: torch.dtype | None = None) -> M:
	source = open_source(path)
	kept = same_names(module) if layout is None else layout
	asked = Load((path,), 'thing')
	return filled(module, source, kept, part='thing', load=asked, dtype=torch.float32, storage=storage)


class TestSource:
	def test_tells_names_shapes_types_and_fields(self, tmp_path: Path) -> None:
		"""Shapes as torch has them."""
		tensors = {'weight': torch.randn(4, 64), 'bias': torch.randn(4)}

		source = open_source(write_gguf(tmp_path / 'a.gguf', tensors, 'flux', {'weight': Q8}))

		assert source.shapes == {'weight': (4, 64), 'bias': (4,)}
		assert source.dtypes == {'weight': 'Q8_0', 'bias': 'F32'}
		assert source.metadata['general.architecture'] == 'flux'

	def test_reading_gives_numbers(self, tmp_path: Path) -> None:
		"""Quantised ones as near as they were kept."""
		tensors = {'weight': torch.randn(4, 64), 'bias': torch.randn(4)}
		path = write_gguf(tmp_path / 'a.gguf', tensors, 'flux', {'weight': Q8})

		with open_source(path).open() as reader:
			assert reader.coding('weight') == Blocks('Q8_0')
			assert torch.equal(reader.read('weight'), torch.from_numpy(quantised(tensors['weight'], Q8)))
			assert torch.equal(reader.read('bias'), tensors['bias'])

	def test_original_shapes_count(self, tmp_path: Path) -> None:
		"""A convolution whose rows do not divide into blocks is kept as a table."""
		kernel = torch.randn(8, 4, 3, 3)
		path = write_gguf(
			tmp_path / 'a.gguf', {'weight': kernel.reshape(9, 32)}, 'sdxl', {'weight': Q8}, {'weight': (8, 4, 3, 3)}
		)
		module = built(lambda: Conv2d(4, 8, 3, bias=False), NOWHERE, 'thing')

		weight = load(path, module).get_parameter('weight')

		assert open_source(path).shapes == {'weight': (8, 4, 3, 3)}
		assert weight.dtype == torch.float32
		assert torch.allclose(weight, kernel, atol=0.05)

	def test_files_cut_short_are_refused(self, tmp_path: Path) -> None:
		"""Before anything is read."""
		path = write_gguf(tmp_path / 'a.gguf', {'weight': torch.randn(4, 64)}, 'flux')
		path.write_bytes(path.read_bytes()[:-40])

		with pytest.raises(UnknownFormat, match="not complete: its tensor 'weight' ends at byte"):
			open_source(path)


class TestQuantisedLayers:
	def test_layers_stay_quantised_and_compute_with_numbers(self, tmp_path: Path) -> None:
		"""A linear layer of Q4_0 takes 4.5 bits a weight."""
		plain = Sequential(Linear(64, 8))
		weight = plain.get_parameter('0.weight')
		path = write_gguf(tmp_path / 'a.gguf', plain.state_dict(), 'flux', {'0.weight': Q4_0})
		layer = load(path, built(lambda: Sequential(Linear(64, 8)), NOWHERE, 'thing')).get_submodule('0')
		x = torch.randn(3, 64)

		assert isinstance(layer, CodedLinear)
		assert layer.weight.nbytes == 8 * 64 // 32 * 18
		assert torch.equal(
			layer(x), linear(x, torch.from_numpy(quantised(weight, Q4_0)), plain.get_parameter('0.bias'))
		)
		assert layer.bfloat16()(x.bfloat16()).dtype == torch.bfloat16

	def test_rows_are_taken_apart_as_they_are(self, tmp_path: Path) -> None:
		"""Query, key and value, in one quantised tensor of the file."""
		qkv = torch.randn(6, 64)
		path = write_gguf(tmp_path / 'a.gguf', {'qkv': qkv}, 'flux', {'qkv': Q8})
		layout = {'0.weight': (Piece('qkv', 4, 6),), '1.weight': (Piece('qkv', 2, 4), Piece('qkv', 0, 2))}

		module = load(
			path,
			built(lambda: Sequential(Linear(64, 2, bias=False), Linear(64, 4, bias=False)), NOWHERE, 'thing'),
			layout,
		)

		numbers = torch.from_numpy(quantised(qkv, Q8))
		first, second = module.children()
		assert isinstance(first, CodedLinear)
		assert isinstance(second, CodedLinear)
		assert torch.equal(first.decoded(torch.float32), numbers[4:])
		assert torch.equal(second.decoded(torch.float32), numbers[[2, 3, 0, 1]])

	def test_parts_of_two_types_become_numbers(self, tmp_path: Path) -> None:
		"""They fit into no one quantised tensor."""
		tensors = {'a': torch.randn(2, 64), 'b': torch.randn(2, 64)}
		path = write_gguf(tmp_path / 'a.gguf', tensors, 'flux', {'a': Q8, 'b': Q4_0})

		module = load(
			path,
			built(lambda: Sequential(Linear(64, 4, bias=False)), NOWHERE, 'thing'),
			{'0.weight': (Piece('a'), Piece('b'))},
		)

		expected = [quantised(tensors['a'], Q8), quantised(tensors['b'], Q4_0)]
		assert torch.equal(module.get_parameter('0.weight'), torch.cat([*map(torch.from_numpy, expected)]))

	def test_a_text_encoder_of_llama_cpp_fills_transformers(self, tmp_path: Path) -> None:
		"""T5 under llama.cpp's names; its table of pieces stays quantised, and shared."""
		torch.manual_seed(0)
		written = t5(width=32)
		Module.eval(written)
		names = {
			'shared': 'token_embd',
			'encoder.final_layer_norm': 'enc.output_norm',
			'.layer.0.SelfAttention.relative_attention_bias': '.attn_rel_b',
			'.layer.0.SelfAttention.': '.attn_',
			'.layer.0.layer_norm': '.attn_norm',
			'.layer.1.layer_norm': '.ffn_norm',
			'.layer.1.DenseReluDense.wi_0': '.ffn_gate',
			'.layer.1.DenseReluDense.wi_1': '.ffn_up',
			'.layer.1.DenseReluDense.wo': '.ffn_down',
			'encoder.block': 'enc.blk',
		}
		tensors = {}
		for name, tensor in written.state_dict().items():
			if name != 'encoder.embed_tokens.weight':
				for ours, theirs in names.items():
					name = name.replace(ours, theirs)
				tensors[name] = tensor
		kinds = {name: Q8 for name, tensor in tensors.items() if tensor.dim() == 2 and tensor.shape[1] % 32 == 0}
		numbers = torch.arange(7)[None]

		read = load(
			write_gguf(tmp_path / 't5.gguf', tensors, 't5encoder', kinds), built(lambda: t5(width=32), NOWHERE, 'thing')
		)

		table = read.get_submodule('shared')
		assert isinstance(table, CodedEmbedding)
		assert table.weight is read.get_parameter('encoder.embed_tokens.weight')
		with torch.inference_mode():
			expected, got = written(numbers).last_hidden_state, read(numbers).last_hidden_state
		assert torch.allclose(got, expected, atol=0.05)

	@pytest.mark.parametrize(
		('name', 'there'),
		[
			('token_embd.weight', 'model.embed_tokens.weight'),
			('blk.11.attn_q.bias', 'model.layers.11.self_attn.q_proj.bias'),
			('blk.0.attn_k_norm.weight', 'model.layers.0.self_attn.k_norm.weight'),
			('blk.0.ffn_down.weight', 'model.layers.0.mlp.down_proj.weight'),
			('output_norm.weight', 'model.norm.weight'),
			('strange.weight', 'strange.weight'),
		],
	)
	def test_names_of_language_models_are_told_as_transformers_has_them(self, name: str, there: str) -> None:
		"""For the architectures that serve as text encoders; others keep theirs."""
		assert transformers_name('qwen3', name) == there
		assert transformers_name('flux', name) == name


class TestEightBits:
	def test_convolutions_and_linear_layers_may_be_kept_in_eight_bits(self, tmp_path: Path) -> None:
		"""A byte for each weight; norms and biases as they are."""
		plain = Sequential(Conv2d(4, 8, 3), Flatten(), Linear(8, 2), LayerNorm(2))
		path = tmp_path / 'a.safetensors'
		save_file(plain.state_dict(), path)

		read = load(
			path,
			built(lambda: Sequential(Conv2d(4, 8, 3), Flatten(), Linear(8, 2), LayerNorm(2)), NOWHERE, 'thing'),
			storage=torch.float8_e4m3fn,
		)

		x = torch.randn(1, 4, 3, 3)
		assert [type(layer) for layer in read.children()] == [CodedConv2d, Flatten, CodedLinear, LayerNorm]
		assert sum(weight.nbytes for weight in read.parameters()) == 8 * 36 + 8 * 4 + 16 + 2 * 4 + 4 * 4
		assert torch.allclose(read[:3](x), plain[:3](x), atol=0.1)

	def test_scaled_weights_are_numbers_times_their_scale(self, tmp_path: Path) -> None:
		"""In both spellings, whether they become numbers or stay."""
		values = torch.randn(4, 8)
		for scale in ('scale_weight', 'weight_scale'):
			path = tmp_path / f'{scale}.safetensors'
			scaled = (values / 0.25).to(torch.float8_e4m3fn)
			save_file(
				{
					'0.weight': scaled,
					f'0.{scale}': torch.tensor(0.25),
					'0.scale_input': torch.tensor(1.0),
					'scaled_fp8': torch.zeros(2).to(torch.float8_e4m3fn),
				},
				path,
			)
			expected = scaled.float() * 0.25

			numbers = load(path, built(lambda: Sequential(Linear(8, 4, bias=False)), NOWHERE, 'thing'))
			kept = load(
				path,
				built(lambda: Sequential(Linear(8, 4, bias=False)), NOWHERE, 'thing'),
				storage=torch.float8_e4m3fn,
			).get_submodule('0')

			assert torch.equal(numbers.get_parameter('0.weight'), expected)
			assert isinstance(kept, CodedLinear)
			assert torch.equal(kept.weight, scaled.view(torch.int8))
			assert torch.equal(kept.decoded(torch.float32), expected)

	def test_weights_with_a_scale_of_another_type_are_refused(self, tmp_path: Path) -> None:
		"""Rather than read as what they are not."""
		path = tmp_path / 'a.safetensors'
		save_file({'0.weight': torch.zeros(4, 8, dtype=torch.int8), '0.weight_scale': torch.ones(())}, path)

		with pytest.raises(UnknownFormat, match=r"'0\.weight' is quantised as I8 with a scale, which cannot be read"):
			open_source(path)
