"""The values of one axis of a sweep, as they are given: a list, or evenly spaced numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from engine.declaration import Model
from engine.problems import shown

MOST_CELLS = 100
"""More combinations are refused: a grid of them is what one job may make."""
SPACED = 'evenly spaced numbers such as {"from": 1, "to": 8, "steps": 8}'


class Range(Model):
	"""Evenly spaced numbers, both ends included; whole ones for an input that takes whole numbers."""

	model_config = ConfigDict(frozen=True, extra='forbid', populate_by_name=True)

	start: float = Field(alias='from', allow_inf_nan=False)
	to: float = Field(allow_inf_nan=False)
	steps: int = Field(ge=1, le=MOST_CELLS)

	def values(self, *, whole: bool) -> list[JsonValue]:
		"""The numbers, each once."""
		span = self.to - self.start
		places = (index / (self.steps - 1) if self.steps > 1 else 0.0 for index in range(self.steps))
		# As people write them: 0.30000000000000004 is 0.3.
		numbers = [float(f'{self.start + span * place:.12g}') for place in places]
		return [*dict.fromkeys(round(number) if whole else number for number in numbers)]


def _in_words(given: object, handler: ValidatorFunctionWrapHandler) -> object:
	"""One sentence on what was expected, in the place of what each form has to say against it."""
	try:
		return handler(given)
	except ValidationError:
		pass
	# The words come as a value: they may have braces.
	raise PydanticCustomError('sweep_values', '{words}', {'words': _complaint(given)})


def _complaint(given: object) -> str:
	if not isinstance(given, dict):
		return f'Expected a list of values such as [1, 2, 3], or {SPACED}, got {_quoted(given)}'
	try:
		Range.model_validate(given)
	except ValidationError as error:
		return f'Expected {SPACED}: {misfits_of_range(error)}'
	return f'Expected values that can be written as JSON, got {_quoted(given)}'


def misfits_of_range(error: ValidationError) -> str:
	"""What is wrong with the numbers of a range, in words."""
	return '; '.join(_of_number(str(found['loc'][0]), found['type'], found['input']) for found in error.errors())


def _of_number(name: str, kind: str, given: object) -> str:
	if kind == 'missing':
		return f'"{name}" is missing'
	if kind == 'extra_forbidden':
		return f'"{name}" is not known'
	wanted = f'a whole number from 1 to {MOST_CELLS}' if name == 'steps' else 'a number'
	return f'"{name}" must be {wanted}, not {_quoted(given)}'


def _quoted(given: object) -> str:
	return shown(given) if given is None or isinstance(given, str | int | float | bool | list | dict) else repr(given)


Values = Annotated[Range | list[JsonValue], WrapValidator(_in_words)]
"""A list of values, or a `Range`. What is neither is refused in one sentence."""
