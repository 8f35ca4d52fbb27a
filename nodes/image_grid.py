"""Several pictures side by side on one sheet, with words at its sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from engine.declaration import Number, Text
from engine.dynamic import Grow
from engine.errors import BadInput
from engine.flow import Skip
from engine.spec import node
from nodes.values import Images

MOST_CELLS = 100
LABELS = Text(multiline=True)


@node(kind='LabelledImageGrid', title='Image Grid with Labels', category='image/batch', lane='cpu')
def labelled_grid(
	images: Annotated[
		Mapping[str, Images | Skip],
		Grow(prefix='image', min=1, max=MOST_CELLS),
		'One cell each, row by row; the pictures of a batch share a cell.',
	],
	columns: Annotated[int, Number(default=2, min=1, max=MOST_CELLS), 'Cells in a row.'],
	column_labels: Annotated[str, LABELS, 'Words above the columns, a line for each.'] = '',
	row_labels: Annotated[str, LABELS, 'Words beside the rows, a line for each.'] = '',
	labels: Annotated[str, LABELS, 'Words above the single cells, a line for each.'] = '',
	cell_side: Annotated[
		int, Number(default=512, min=32, max=2048), 'Pictures whose longer side has more pixels are shrunk to so many.'
	] = 512,
	font_size: Annotated[
		int, Number(default=0, min=0, max=200), 'Of the words, in pixels; 0 fits it to the cells.'
	] = 0,
) -> Images:
	"""Lay pictures out as a table with labels. A cell whose picture is missing says why."""
	from nodes.pixels.sheet import Sheet, drawn

	given = len(images)
	for name, text, most in (
		('column_labels', column_labels, columns),
		('row_labels', row_labels, -(-given // columns)),
		('labels', labels, given),
	):
		if len(text.splitlines()) > most:
			raise BadInput(name, f'at most {most} lines', str(len(text.splitlines())))
	cells = [(image.message or 'missing') if isinstance(image, Skip) else image.pixels for image in images.values()]
	sheet = Sheet(
		columns, column_labels.splitlines(), row_labels.splitlines(), labels.splitlines(), cell_side, font_size
	)
	return Images(drawn(cells, sheet))
