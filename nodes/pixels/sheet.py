"""Draws pictures as a table: labels above the columns, beside the rows and above single cells."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

PAPER, INK, EMPTY = (255, 255, 255), (20, 20, 20), (228, 228, 228)
GAP = 4
LEAST_FONT, FONT_PART = 12, 16
LINE = 1.3
"""Lines lie so many font sizes apart."""
MOST_LINES = 4
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Sheet:
	"""How a table is laid out. `cell_side` and `font_size` are pixels; a `font_size` of 0 fits the words to the cells."""

	columns: int
	column_labels: Sequence[str] = ()
	row_labels: Sequence[str] = ()
	labels: Sequence[str] = ()
	cell_side: int = 512
	font_size: int = 0


def drawn(cells: Sequence[Tensor | str], sheet: Sheet) -> Tensor:
	"""The table as pixels [1, height, width, 3], 0 to 1.

	A cell is pictures [batch, height, width, channels], or words where there is none. All cells are as large as the
	largest; a picture stands in the middle of its cell.
	"""
	pictures = [
		cell if isinstance(cell, str) else _beside([_shrunk(one, sheet.cell_side) for one in cell]) for cell in cells
	]
	sizes = [picture.size for picture in pictures if isinstance(picture, Image.Image)]
	wide, high = (max(sides) for sides in zip(*sizes, strict=True)) if sizes else (sheet.cell_side, sheet.cell_side)
	size = sheet.font_size or max(LEAST_FONT, min(wide, high) // FONT_PART)
	table = _Table(replace(sheet, font_size=size), pictures, wide, high)
	levels = numpy.asarray(table.draw(), dtype=numpy.float32) / 255
	return torch.from_numpy(levels).unsqueeze(0)


class _Table:
	def __init__(self, sheet: Sheet, cells: Sequence[Image.Image | str], wide: int, high: int) -> None:
		self._sheet, self._cells, self._wide, self._high = sheet, cells, wide, high
		self._font = ImageFont.load_default(sheet.font_size)
		self._line = round(sheet.font_size * LINE)
		self._heads = [self._wrapped(label, wide) for label in sheet.column_labels]
		self._tags = [self._wrapped(label, wide) for label in sheet.labels]
		self._sides = [self._wrapped(label, max(wide, 8 * sheet.font_size)) for label in sheet.row_labels]

	def draw(self) -> Image.Image:
		"""The whole table."""
		columns = self._sheet.columns
		rows = -(-len(self._cells) // columns)
		left = max((self._width(lines) + 2 * GAP for lines in self._sides), default=0)
		top, tag = self._block(self._heads), self._block(self._tags)
		step_x, step_y = self._wide + GAP, self._high + tag + GAP
		picture = Image.new('RGB', (left + columns * step_x + GAP, top + rows * step_y + GAP), PAPER)
		pen = ImageDraw.Draw(picture)
		for column, lines in enumerate(self._heads):
			self._write(pen, lines, left + GAP + column * step_x, 0, self._wide, top)
		for row, lines in enumerate(self._sides):
			self._write(pen, lines, 0, top + GAP + row * step_y + tag, left, self._high)
		for index, cell in enumerate(self._cells):
			x, y = left + GAP + index % columns * step_x, top + GAP + index // columns * step_y
			if index < len(self._tags):
				self._write(pen, self._tags[index], x, y, self._wide, tag)
			self._put(picture, pen, cell, x, y + tag)
		return picture

	def _put(self, picture: Image.Image, pen: ImageDraw.ImageDraw, cell: Image.Image | str, x: int, y: int) -> None:
		if isinstance(cell, str):
			pen.rectangle((x, y, x + self._wide - 1, y + self._high - 1), fill=EMPTY)
			self._write(pen, self._wrapped(cell, self._wide), x, y, self._wide, self._high)
			return
		picture.paste(cell, (x + (self._wide - cell.width) // 2, y + (self._high - cell.height) // 2))

	def _wrapped(self, text: str, width: int) -> list[str]:
		"""The text in lines that fit, at most four; what is left out is shown as …."""
		letters = max(4, int(width / max(1.0, self._font.getlength('abcdefghij') / 10)))
		return textwrap.wrap(text, letters, max_lines=MOST_LINES, placeholder=' …') or ['']

	def _width(self, lines: Sequence[str]) -> int:
		return max(int(self._font.getlength(line)) + 1 for line in lines)

	def _block(self, labels: Sequence[Sequence[str]]) -> int:
		"""The height of a strip that holds the longest of some labels."""
		return max((len(lines) * self._line + GAP for lines in labels), default=0)

	def _write(self, pen: ImageDraw.ImageDraw, lines: Sequence[str], x: int, y: int, width: int, height: int) -> None:
		"""Write lines into the middle of a box."""
		begin = y + (height - len(lines) * self._line) / 2
		for index, line in enumerate(lines):
			middle = (x + width / 2, begin + (index + 0.5) * self._line)
			pen.text(middle, line, fill=INK, font=self._font, anchor='mm')


def _shrunk(pixels: Tensor, side: int) -> Image.Image:
	"""A picture [height, width, channels] whose longer side has at most so many pixels; transparency lies on white."""
	levels = (pixels.clamp(0, 1) * 255).round().byte().cpu().numpy()
	picture = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
	if picture.mode == 'RGBA':
		paper = Image.new('RGBA', picture.size, (*PAPER, 255))
		picture = Image.alpha_composite(paper, picture)
	picture = picture.convert('RGB')
	picture.thumbnail((side, side), Image.Resampling.LANCZOS)
	return picture


def _beside(pictures: Sequence[Image.Image]) -> Image.Image:
	"""Pictures of one batch in a row."""
	if len(pictures) == 1:
		return pictures[0]
	joined = Image.new('RGB', (sum(one.width for one in pictures), max(one.height for one in pictures)), PAPER)
	left = 0
	for one in pictures:
		joined.paste(one, (left, 0))
		left += one.width
	return joined
