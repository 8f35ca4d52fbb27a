"""Plain values: typed in, chosen, converted, shown."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, NamedTuple

from engine.declaration import Choice, Number, Text
from engine.errors import BadInput
from engine.spec import Context, node
from nodes.values import Images, Latent, Mask

LARGEST = 2**63 - 1
RATIOS = {
	'1:1 (Square)': (1, 1),
	'2:3 (Portrait Photo)': (2, 3),
	'3:2 (Photo)': (3, 2),
	'3:4 (Portrait Standard)': (3, 4),
	'4:3 (Standard)': (4, 3),
	'9:16 (Portrait Widescreen)': (9, 16),
	'16:9 (Widescreen)': (16, 9),
	'21:9 (Ultrawide)': (21, 9),
}


class Numbers(NamedTuple):
	"""One number, in both forms."""

	FLOAT: float
	INT: int


class Chosen(NamedTuple):
	"""A text, and its place in the list."""

	STRING: str
	INDEX: int


class Resolution(NamedTuple):
	"""A size in pixels."""

	width: int
	height: int


@node(kind='PrimitiveInt', title='Int', category='utils/primitive', lane='cpu')
def integer(value: Annotated[int, Number(min=-LARGEST, max=LARGEST, seed=True), 'The value.']) -> int:
	"""A whole number."""
	return value


@node(kind='PrimitiveFloat', title='Float', category='utils/primitive', lane='cpu')
def decimal(value: Annotated[float, Number(min=-LARGEST, max=LARGEST), 'The value.']) -> float:
	"""A number."""
	return value


@node(kind='PrimitiveBoolean', title='Boolean', category='utils/primitive', lane='cpu')
def boolean(value: Annotated[bool, 'The value.']) -> bool:
	"""On or off."""
	return value


@node(kind='PrimitiveString', title='String', category='utils/primitive', lane='cpu')
def line(value: Annotated[str, 'The value.']) -> str:
	"""A line of text."""
	return value


@node(kind='PrimitiveStringMultiline', title='String (Multiline)', category='utils/primitive', lane='cpu')
def text(value: Annotated[str, Text(multiline=True), 'The value.']) -> str:
	"""A text of several lines."""
	return value


@node(kind='SeedNode', title='Seed', category='utilities', lane='cpu', outputs=('seed',))
def seed(seed: Annotated[int, Number(min=0, max=LARGEST, seed=True), 'Noise follows from it.']) -> int:
	"""One seed for several nodes."""
	return seed


@node(kind='CustomCombo', experimental=True, title='Custom Combo', category='utilities', lane='cpu')
def custom_choice(
	choice: Annotated[str, Choice(open=True), 'One of the texts that were written into the node.'],
	index: Annotated[int, Number(min=0), 'Its place among them; clients fill it in.'] = 0,
) -> Chosen:
	"""A choice among texts of your own."""
	return Chosen(choice, index)


@node(kind='ComfyNumberConvert', title='Convert Number', category='utilities', lane='cpu')
def convert(value: Annotated[int | float | str | bool, 'A number, a text of one, or on and off.']) -> Numbers:
	"""A number in both forms. The whole one has no fraction: it is cut off, not rounded."""
	if isinstance(value, str):
		try:
			number: int | float = int(value.strip())
		except ValueError:
			number = _read_float(value)
	else:
		number = value
	if not math.isfinite(number):
		raise BadInput('value', 'a finite number', str(value))
	return Numbers(float(number), int(number))


def _read_float(value: str) -> float:
	try:
		return float(value.strip())
	except ValueError:
		raise BadInput('value', 'a number, written in digits', repr(value)) from None


@node(kind='ResolutionSelector', title='Resolution Selector', category='utilities', lane='cpu')
def resolution(
	aspect_ratio: Annotated[str, Choice(options=tuple(RATIOS), default='1:1 (Square)'), 'Width to height.'],
	megapixels: Annotated[float, Number(default=1.0, min=0.1, max=16.0, step=0.1), 'Of 1024 × 1024 pixels each.'],
	multiple: Annotated[int, Number(default=8, min=8, max=128, step=4), 'Sides become multiples of this.'],
) -> Resolution:
	"""A size of an aspect, with about so many pixels in all."""
	wide, high = RATIOS[aspect_ratio]
	factor = math.sqrt(megapixels * 1024 * 1024 / (wide * high))
	return Resolution(round(wide * factor / multiple) * multiple, round(high * factor / multiple) * multiple)


@node(kind='PreviewAny', title='Preview Any', category='utils', sink=True, lane='cpu', outputs=('STRING',))
def preview(context: Context, source: Annotated[Any, 'What to show.']) -> str:
	"""Show any value as text."""
	shown = as_text(source)
	context.show(text=[shown])
	return shown


def as_text(value: object) -> str:
	"""A value for people: texts as they are, JSON where it can be JSON, tensors by their shape."""
	match value:
		case str():
			return value
		case None | bool() | int() | float():
			return str(value)
		case Images():
			return f'Images {list(value.pixels.shape)}'
		case Mask():
			return f'Mask {list(value.values.shape)}'
		case Latent():
			return f'Latent {list(value.samples.shape)}'
	try:
		return json.dumps(value, ensure_ascii=False)
	except (TypeError, ValueError):
		return str(value)
