"""Arithmetic that people type."""

from __future__ import annotations

import math

import pytest

from engine.errors import BadInput
from nodes.arithmetic import FUNCTIONS, evaluate

NAMES = {'a': 3, 'b': 2.5, 'c': True, 'values': [3, 2.5, True]}
FUNCTION_CALLS = {
	'sum(values)': 6.5,
	'min(a, b)': 2.5,
	'max(values)': 3,
	'abs(-a)': 3,
	'round(b)': 2,
	'pow(a, 2)': 9,
	'sqrt(9)': 3.0,
	'ceil(b)': 3,
	'floor(b)': 2,
	'log(1)': 0.0,
	'log2(8)': 3.0,
	'log10(100)': 2.0,
	'sin(0)': 0.0,
	'cos(0)': 1.0,
	'tan(0)': 0.0,
	'int(b)': 2,
	'float(a)': 3.0,
}


class TestValues:
	"""Python's rules."""

	@pytest.mark.parametrize(
		('expression', 'expected'),
		[
			('a + b * 2', 8.0),
			('(a + b) * 2', 11.0),
			('-a ** 2', -9),
			('7 // 2 + 7 % 2', 4),
			('a / 2', 1.5),
			('6 & 3 | 8 ^ 1', 11),
			('~a', -4),
			('a > b and not c', False),
			('0 or a', 3),
			('1 < a <= 3', True),
			('1 < a > 5', False),
			('a if c else b', 3),
			('a == 3 != b', True),
			('values[1]', 2.5),
			('values[-1]', True),
			('sum(a, b, c)', 6.5),
			('min([4, a])', 3),
			(' a\n', 3),
			('1e3', 1000.0),
			('a / 0 if a < 0 else a', 3),
			('c or a / 0', True),
		],
	)
	def test_operators(self, expression: str, expected: float) -> None:
		"""Precedence, chains, and nothing worked out that is not needed."""
		value = evaluate(expression, NAMES)

		assert value == expected
		assert type(value) is type(expected)

	@pytest.mark.parametrize(('expression', 'expected'), FUNCTION_CALLS.items())
	def test_functions(self, expression: str, expected: float) -> None:
		"""One call of each."""
		assert evaluate(expression, NAMES) == pytest.approx(expected)

	def test_each_function_is_tested(self) -> None:
		"""No function goes without a call."""
		assert {call.partition('(')[0] for call in FUNCTION_CALLS} == set(FUNCTIONS)


class TestRefusals:
	"""What is no arithmetic is refused, with the reason; nothing else is ever done."""

	@pytest.mark.parametrize(
		'expression',
		[
			'',
			'a +',
			'd',
			'a.real',
			'__import__("os")',
			'(lambda: 1)()',
			'[x for x in values]',
			'"text"',
			'a; b',
			'a := 2',
			'min(values, key=abs)',
			'values',
			'values * 3',
			'values[9]',
			'1 / 0',
			'sqrt(-1)',
			'(-8) ** 0.5',
			'1j',
			'f"{a}"',
			'min()',
			'("x" * 3)',
			'None',
		],
	)
	def test_no_arithmetic(self, expression: str) -> None:
		"""Names, attributes, texts, lists as results, faults of arithmetic."""
		with pytest.raises(BadInput, match='expression'):
			evaluate(expression, NAMES)

	@pytest.mark.parametrize(
		'expression',
		[
			'9**9**9',
			'2**99999',
			'1e308 * 10',
			'pow(10, 10**9)',
			'10**400 + 0.5',
			'(' * 500 + '1' + ')' * 500,
			'1+' * 9000 + '1',
		],
	)
	def test_too_much(self, expression: str) -> None:
		"""Numbers without bounds, or expressions, end at once."""
		with pytest.raises(BadInput):
			evaluate(expression, NAMES)

	def test_squaring_again_and_again(self) -> None:
		"""Products of products are bounded too."""
		with pytest.raises(BadInput, match='too large'):
			evaluate('*'.join(['2**19999'] * 3), {})

	def test_infinity_by_name(self) -> None:
		"""A value that is no finite number may be used, but not come out."""
		assert evaluate('min(a, 1)', {'a': math.inf}) == 1
		with pytest.raises(BadInput, match='finite'):
			evaluate('a', {'a': math.nan})
