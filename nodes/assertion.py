"""Nodes that make a workflow fail unless something holds: for workflows that test themselves, or others."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from engine.declaration import Number, Text
from engine.errors import EngineError
from engine.spec import Context, node
from nodes.values import Images

CATEGORY = 'utils/assertion'


class AssertionUnmet(EngineError):
	"""What an assertion node was to make sure of does not hold."""

	def __init__(self, expected: str, received: str, note: str = '') -> None:
		super().__init__(f'{f"{note}: " if note else ""}expected {expected}, got {received}.')
		self.expected = expected
		self.received = received


Note = Annotated[str, 'Told before the reason, if it does not hold.']


@node(kind='AssertEqual', title='Assert Equal', category=CATEGORY, sink=True, lane='cpu', outputs=('value',))
def assert_equal(
	context: Context,
	value: Annotated[Any, 'What is looked at.'],
	expected: Annotated[str, Text(multiline=True), 'As JSON; what is none is taken for text.'],
	tolerance: Annotated[float, Number(default=0.0, min=0.0), 'Numbers may differ by so much.'] = 0.0,
	note: Note = '',
) -> Any:
	"""Fail unless a value is the expected one."""
	try:
		wanted = json.loads(expected)
	except ValueError:
		wanted = expected
	if not (_equal(value, wanted, tolerance) or value == expected):
		within = f' (± {tolerance:g})' if tolerance else ''
		raise AssertionUnmet(f'{wanted!r}{within}', repr(value), note)
	context.show(text=[f'as expected: {value!r}'])
	return value


@node(kind='AssertImage', title='Assert Image', category=CATEGORY, sink=True, lane='cpu', outputs=('images',))
def assert_image(
	context: Context,
	images: Annotated[Images, 'The pictures.'],
	width: Annotated[int, Number(default=0, min=0), 'In pixels; 0 is any.'] = 0,
	height: Annotated[int, Number(default=0, min=0), 'In pixels; 0 is any.'] = 0,
	count: Annotated[int, Number(default=0, min=0), 'How many pictures; 0 is any number.'] = 0,
	note: Note = '',
) -> Images:
	"""Fail unless pictures have this size and number, and hold more than one colour."""
	there, high, wide = images.pixels.shape[:3]
	for name, wanted, got in (
		('pictures', count, there),
		('pixels in width', width, wide),
		('in height', height, high),
	):
		if wanted and wanted != got:
			raise AssertionUnmet(f'{wanted} {name}', str(got), note)
	flat = [index for index, one in enumerate(images.pixels) if bool((one == one[0, 0]).all())]
	if flat:
		raise AssertionUnmet('more than one colour', f'a flat picture (number {flat[0] + 1})', note)
	context.show(text=[f'{there} × {wide} × {high} pixels, as expected'])
	return images


@node(
	kind='AssertImageLike', title='Assert Image Likeness', category=CATEGORY, sink=True, lane='cpu', outputs=('images',)
)
def assert_like(
	context: Context,
	images: Annotated[Images, 'The pictures.'],
	reference: Annotated[Images, 'What they should look like; a single one stands for all.'],
	likeness: Annotated[
		float, Number(default=0.9, min=0.0, max=1.0, step=0.01), 'The least structural similarity (SSIM); 1 is equal.'
	] = 0.9,
	note: Note = '',
) -> Images:
	"""Fail unless pictures look like others. A failure shows both, and what differs."""
	from engine.resemblance import difference, resemblance
	from nodes.save import as_picture

	got, wanted = images.pixels, reference.pixels
	if len(wanted) not in (1, len(got)):
		raise AssertionUnmet(f'{len(wanted)} pictures', str(len(got)), note)
	if got.shape[1:3] != wanted.shape[1:3]:
		sizes = [f'{pixels.shape[2]} × {pixels.shape[1]} pixels' for pixels in (wanted, got)]
		raise AssertionUnmet(sizes[0], sizes[1], note)
	found: list[float] = []
	for index, pixels in enumerate(got):
		one, other = as_picture(wanted[min(index, len(wanted) - 1)]), as_picture(pixels)
		found.append(resemblance(one, other))
		if not found[-1] >= likeness or math.isnan(found[-1]):
			context.send_image(difference(one, other))
			raise AssertionUnmet(f'a likeness of {likeness:g} or more', f'{found[-1]:.4f} (picture {index + 1})', note)
	context.show(text=[f'likeness {min(found):.4f}'])
	return images


def _equal(value: object, wanted: object, tolerance: float) -> bool:
	match value, wanted:
		case (bool(), _) | (_, bool()):
			return value is wanted
		case int() | float() as one, int() | float() as other:
			return one == other or abs(one - other) <= tolerance
		case (list() | tuple()) as many, list() as others:
			return len(many) == len(others) and all(
				_equal(one, other, tolerance) for one, other in zip(many, others, strict=True)
			)
		case dict() as one, dict() as other:
			return one.keys() == other.keys() and all(_equal(one[key], other[key], tolerance) for key in one)
		case _:
			return value == wanted
