"""The values of one axis of a sweep, as they are given: a list, or evenly spaced numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Annotated, TypeGuard

from pydantic import (
	ConfigDict,
	Field,
	JsonValue,
	TypeAdapter,
	ValidationError,
	ValidatorFunctionWrapHandler,
	WrapValidator,
)
from pydantic_core import PydanticCustomError

from engine.declaration import Model
from engine.errors import InputMisfit, WrongInputs

SHOWN = 80
MOST_CELLS = 100
"""More combinations are refused: a grid of them is what one job may make."""
RANGE = 'a range such as {"from": 1, "to": 8, "steps": 8}'
VALUES = f'a list of values, or {RANGE}'
End = Annotated[int, Field(ge=-(2**63), lt=2**64)] | Annotated[float, Field(allow_inf_nan=False)]
"""An end of a range. A whole number, such as a large seed, stays what it is: floats have no room for all of its digits."""


class Range(Model):
	"""Evenly spaced numbers, both ends included; whole ones for an input that takes whole numbers."""

	model_config = ConfigDict(frozen=True, extra='forbid', populate_by_name=True)

	start: End = Field(alias='from')
	to: End
	steps: int = Field(ge=1, le=MOST_CELLS)

	def values(self, *, whole: bool) -> list[JsonValue]:
		"""The numbers, each once."""
		start, span = Fraction(self.start), Fraction(self.to) - Fraction(self.start)
		exact = (start + span * index / max(self.steps - 1, 1) for index in range(self.steps))
		if whole:
			return [*dict.fromkeys(map(round, exact))]
		of_whole = isinstance(self.start, int) and isinstance(self.to, int)
		# As people write them: 0.30000000000000004 is 0.3.
		return [
			*dict.fromkeys(
				int(number) if of_whole and number.denominator == 1 else float(f'{float(number):.12g}')
				for number in exact
			)
		]


def _in_words(given: object, handler: ValidatorFunctionWrapHandler) -> object:
	"""One sentence on what was expected, in the place of what each form has to say against it."""
	try:
		return handler(given)
	except ValidationError:
		expected, received = _misfit(given)
	# The words come as values: they may have braces.
	words = {'expected': expected, 'received': received}
	raise PydanticCustomError('sweep_values', 'Expected {expected}, got {received}', words)


Values = Annotated[Range | list[JsonValue], WrapValidator(_in_words)]
"""A list of values, or a `Range`. What is neither is refused in one sentence."""
AXES: TypeAdapter[dict[str, Values]] = TypeAdapter(dict[str, Values])


def axes_from(given: Mapping[str, object]) -> dict[str, Values]:
	"""Axes as Python code gives them: also tuples, ranges and the like. Raises `WrongInputs`."""
	lists = {name: list(values) if _is_listed(values) else values for name, values in given.items()}
	try:
		return AXES.validate_python(lists)
	except ValidationError as error:
		wrong = dict.fromkeys(str(found['loc'][0]) for found in error.errors())
		raise WrongInputs([InputMisfit(name, *_misfit(lists[name])) for name in wrong]) from error


def _is_listed(values: object) -> TypeGuard[Iterable[object]]:
	"""Whether it is a list of values by another name. A `Range` is iterable as all models are: over its fields."""
	return isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping | Range)


def misfits_of_range(error: ValidationError) -> str:
	"""What is wrong with the numbers of a range, in words."""
	told = (_of_number(str(found['loc'][0]), found['type'], found['input']) for found in error.errors())
	# A number that is neither whole nor any other is reported once for each.
	return '; '.join(dict.fromkeys(told))


def _misfit(given: object) -> tuple[str, str]:
	"""What was expected of an axis, and what came."""
	if isinstance(given, Mapping):
		try:
			Range.model_validate(given)
		except ValidationError as error:
			return RANGE, f'{_quoted(given)}: {misfits_of_range(error)}'
	return VALUES, _quoted(given)


def _of_number(name: str, kind: str, given: object) -> str:
	if kind == 'missing':
		return f'"{name}" is missing'
	if kind == 'extra_forbidden':
		return f'"{name}" is not known'
	wanted = f'a whole number from 1 to {MOST_CELLS}' if name == 'steps' else 'a number'
	return f'"{name}" must be {wanted}, not {_quoted(given)}'


def _quoted(given: object) -> str:
	text = repr(given)
	return text if len(text) <= SHOWN else f'{text[: SHOWN - 1]}…'
