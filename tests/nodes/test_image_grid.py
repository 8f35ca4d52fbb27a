"""Pictures as a table with labels."""

from __future__ import annotations

import pytest
import torch

from engine.errors import BadInput
from engine.flow import Skip
from nodes.image_grid import labelled_grid
from nodes.values import Images


def flat(*colour: float, width: int = 64, height: int = 48, batch: int = 1) -> Images:
	"""Pictures of one colour."""
	return Images(torch.tensor(colour).expand(batch, height, width, len(colour)).clone())


RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def is_filled(pixels: torch.Tensor, colour: tuple[float, float, float]) -> bool:
	"""Whether all pixels [height, width, 3] have a colour."""
	return torch.allclose(pixels, torch.tensor(colour).expand_as(pixels))


class TestGrid:
	def test_without_labels(self) -> None:
		"""Cells stand row by row with a gap between them; a last row may be short."""
		made = labelled_grid({'image0': flat(*RED), 'image1': flat(*BLUE), 'image2': flat(*BLUE)}, 2).pixels

		assert made.shape == (1, 4 + 2 * (48 + 4), 4 + 2 * (64 + 4), 3)
		assert is_filled(made[0, 4:52, 4:68], RED)
		assert is_filled(made[0, 4:52, 72:136], BLUE)
		assert is_filled(made[0, 56:104, 4:68], BLUE)
		assert is_filled(made[0, 56:104, 72:136], (1.0, 1.0, 1.0))

	def test_labels_are_dark_on_white(self) -> None:
		"""Words stand above the columns and beside the rows, and cover no picture."""
		images = {f'image{index}': flat(*RED) for index in range(4)}
		made = labelled_grid(images, 2, column_labels='cfg: 1\ncfg: 2', row_labels='seed: 1\nseed: 2').pixels[0]
		left, top = made.shape[1] - (4 + 2 * 68), made.shape[0] - (4 + 2 * 52)

		assert left > 40
		assert top > 10
		assert made[:top, left:].min() < 0.3
		assert made[top:, :left].min() < 0.3
		assert is_filled(made[top + 4 : top + 52, left + 4 : left + 68], RED)

	def test_large_pictures_are_shrunk(self) -> None:
		"""The longer side has at most `cell_side` pixels; smaller pictures stand in the middle of their cells."""
		made = labelled_grid(
			{'image0': flat(*RED, width=400, height=200), 'image1': flat(*BLUE, width=20, height=20)}, 2, cell_side=100
		)

		assert made.pixels.shape == (1, 58, 212, 3)
		assert is_filled(made.pixels[0, 4 + 15 : 4 + 35, 108 + 40 : 108 + 60], BLUE)

	def test_batch_shares_a_cell(self) -> None:
		"""The pictures of a batch stand side by side."""
		made = labelled_grid({'image0': flat(*RED, batch=3)}, 1).pixels

		assert made.shape == (1, 56, 4 + 3 * 64 + 4, 3)

	def test_missing_cell_says_why(self) -> None:
		"""A grey cell with the reason stands in for a picture that is not there."""
		made = labelled_grid({'image0': flat(*RED, width=128), 'image1': Skip('out of memory')}, 2).pixels[0]
		cell = made[4:52, 136:264]

		assert cell[0, 0].tolist() == pytest.approx([228 / 255] * 3)
		assert cell.min() < 0.3

	def test_nothing_but_gaps(self) -> None:
		"""A grid can be drawn even if every cell is missing."""
		assert labelled_grid({'image0': Skip()}, 1, cell_side=64).pixels.shape == (1, 72, 72, 3)

	def test_too_many_labels(self) -> None:
		"""Labels for columns that are not there are refused."""
		with pytest.raises(BadInput, match="'column_labels': expected at most 1 lines, got 2"):
			labelled_grid({'image0': flat(*RED)}, 1, column_labels='a\nb')
