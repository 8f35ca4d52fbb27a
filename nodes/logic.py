"""Nodes that decide, choose, calculate and pass on."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeVar

from engine.declaration import Text
from engine.dynamic import Grow
from engine.flow import Lazy
from engine.spec import node
from nodes.arithmetic import evaluate
from nodes.values import Images, Latent, Mask

T = TypeVar('T')
SOME = Grow(prefix='value', min=1, max=10)


class Result(NamedTuple):
	"""A number in each of its forms."""

	FLOAT: float
	INT: int
	BOOL: bool


@node(
	kind='ComfySwitchNode',
	experimental=True,
	title='If/Else Switch',
	category='utilities/logic',
	lane='cpu',
	outputs=('output',),
)
def switch(
	switch: Annotated[bool, 'Which of the two goes on.'],
	on_false: Annotated[Lazy[T], 'Goes on if the switch is off.'],
	on_true: Annotated[Lazy[T], 'Goes on if the switch is on.'],
) -> T:
	"""Choose one of two inputs. Only the chosen one is computed."""
	return on_true.get() if switch else on_false.get()


@node(kind='Reroute', title='Reroute', category='utilities', lane='cpu', outputs=('value',))
def reroute(value: Annotated[T, 'What to pass on.']) -> T:
	"""Pass a value on as it is, to lead a link around something."""
	return value


@node(kind='ComfyNotNode', title='Not', category='utilities/logic', lane='cpu')
def negate(value: Annotated[Any, 'Zero, nothing and empty text count as no.']) -> bool:
	"""Whether a value counts as no."""
	return not is_true(value)


@node(kind='ComfyAndNode', title='And', category='utilities/logic', lane='cpu')
def all_true(values: Annotated[Mapping[str, Any], SOME, 'Zero, nothing and empty text count as no.']) -> bool:
	"""Whether all values count as yes."""
	return all(map(is_true, values.values()))


@node(kind='ComfyOrNode', title='Or', category='utilities/logic', lane='cpu')
def any_true(values: Annotated[Mapping[str, Any], SOME, 'Zero, nothing and empty text count as no.']) -> bool:
	"""Whether some value counts as yes."""
	return any(map(is_true, values.values()))


@node(kind='ComfyMathExpression', title='Math Expression', category='utilities', lane='cpu')
def calculate(
	expression: Annotated[
		str, Text(default='a + b', multiline=True), 'Arithmetic over a, b, c …; `values` is the list of all.'
	],
	values: Annotated[
		Mapping[str, float | int | bool],
		Grow(names=tuple(string.ascii_lowercase), min=1, item='value'),
		'Numbers to calculate with, by their names.',
	],
) -> Result:
	"""Work out a formula, such as `min(a, b) * 2 if a > 8 else round(sqrt(b))`."""
	value = evaluate(expression, {**values, 'values': list(values.values())})
	return Result(float(value), int(value), bool(value))


def is_true(value: object) -> bool:
	"""Whether a value counts as yes. Pictures, masks and latents do where they are not all zero."""
	match value:
		case Images():
			return bool(value.pixels.any())
		case Mask():
			return bool(value.values.any())
		case Latent():
			return bool(value.samples.any())
	return bool(value)
