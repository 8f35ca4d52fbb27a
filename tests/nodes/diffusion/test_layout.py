"""Recipes between a module's tensors and a file's."""

from __future__ import annotations

import torch

from nodes.diffusion.layout import Piece, plain, prefixed, stored

QKV = {'to_q': (Piece('qkv', 0, 2),), 'to_k': (Piece('qkv', 2, 4),), 'to_v': (Piece('qkv', 4, 6),)}


class TestStored:
	def test_parts_are_put_together_in_the_file(self) -> None:
		"""Query, key and value as one tensor; reading gives each back."""
		tensors = {name: torch.randn(2, 3) for name in QKV}

		file = stored(QKV, tensors)

		assert list(file) == ['qkv']
		for name, (piece,) in QKV.items():
			assert torch.equal(piece.of(file['qkv']), tensors[name])

	def test_halves_may_stand_the_other_way_round(self) -> None:
		"""Scale before shift in one, shift before scale in the other."""
		layout = {'norm': (Piece('mod', 2, 4), Piece('mod', 0, 2))}
		tensor = torch.arange(4.0)

		file = stored(layout, {'norm': tensor})

		assert file['mod'].tolist() == [2.0, 3.0, 0.0, 1.0]
		assert torch.equal(torch.cat([piece.of(file['mod']) for piece in layout['norm']]), tensor)

	def test_matrices_may_be_transposed(self) -> None:
		"""As OpenCLIP keeps its projection."""
		layout = {'projection': (Piece('text_projection', transposed=True),)}
		tensor = torch.randn(2, 3)

		file = stored(layout, {'projection': tensor})

		assert torch.equal(file['text_projection'], tensor.t())
		assert torch.equal(layout['projection'][0].of(file['text_projection']), tensor)

	def test_names_alone_may_differ(self) -> None:
		"""With something put before each."""
		layout = prefixed(plain({'conv_in.weight': 'input_blocks.0.0.weight'}), 'model.')

		assert list(stored(layout, {'conv_in.weight': torch.ones(1)})) == ['model.input_blocks.0.0.weight']
