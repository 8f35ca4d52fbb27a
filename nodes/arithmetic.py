"""Evaluates arithmetic that people type: Python's operators, a few functions, nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.errors import BadInput

MOST_DIGITS = 20_000
"""Binary digits of a whole number: beyond that, time and memory run away."""
LONGEST = 10_000
BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
	ast.Add: operator.add,
	ast.Sub: operator.sub,
	ast.Mult: operator.mul,
	ast.Div: operator.truediv,
	ast.FloorDiv: operator.floordiv,
	ast.Mod: operator.mod,
	ast.BitAnd: operator.and_,
	ast.BitOr: operator.or_,
	ast.BitXor: operator.xor,
}
UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
	ast.UAdd: operator.pos,
	ast.USub: operator.neg,
	ast.Not: operator.not_,
	ast.Invert: operator.invert,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
	ast.Eq: operator.eq,
	ast.NotEq: operator.ne,
	ast.Lt: operator.lt,
	ast.LtE: operator.le,
	ast.Gt: operator.gt,
	ast.GtE: operator.ge,
}


def _power(base: Any, exponent: Any) -> Any:
	whole = isinstance(base, int) and isinstance(exponent, int)
	if whole and abs(base) > 1 and exponent * abs(base).bit_length() > MOST_DIGITS:
		raise OverflowError('the power is too large')
	made = base**exponent
	if isinstance(made, complex):
		raise ArithmeticError('a root of a negative number is no number here')
	return made


def _sum(*numbers: Any) -> Any:
	only = numbers[0] if len(numbers) == 1 else numbers
	return sum(only) if isinstance(only, Iterable) else only


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
	'sum': _sum,
	'min': min,
	'max': max,
	'abs': abs,
	'round': round,
	'pow': _power,
	'sqrt': math.sqrt,
	'ceil': math.ceil,
	'floor': math.floor,
	'log': math.log,
	'log2': math.log2,
	'log10': math.log10,
	'sin': math.sin,
	'cos': math.cos,
	'tan': math.tan,
	'int': int,
	'float': float,
}


def evaluate(expression: str, names: Mapping[str, object]) -> int | float | bool:
	"""The value of an expression over numbers by name. Raises `BadInput` for what is none, or gives no finite number.

	There are + - * / // % ** & | ^ ~, comparisons, `and`, `or`, `not`, `x if y else z`, indices, and `FUNCTIONS`.
	"""
	if len(expression) > LONGEST:
		raise BadInput('expression', f'at most {LONGEST} letters', f'{len(expression)}')
	try:
		value = _value(ast.parse(expression.strip(), mode='eval').body, names)
		if isinstance(value, int | float) and math.isfinite(value):
			return value
	except (ArithmeticError, IndexError, RecursionError, SyntaxError, TypeError, ValueError) as error:
		raise BadInput('expression', 'arithmetic', f'{expression!r} ({error})') from error
	raise BadInput('expression', 'arithmetic that gives a finite number', f'{expression!r}, which gives {value!r}')


def _value(part: ast.expr, names: Mapping[str, object]) -> Any:
	match part:
		case ast.Constant(value=int() | float() as value):
			return value
		case ast.Name(id=name):
			if name not in names:
				raise ValueError(f'nothing is called {name!r}; there are {", ".join(names) or "no values"}')
			return names[name]
		case ast.BinOp(left=left, op=ast.Pow(), right=right):
			return _power(_value(left, names), _value(right, names))
		case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
			return _bounded(BINARY[type(op)](_number(left, names), _number(right, names)))
		case ast.UnaryOp(op=sign, operand=operand):
			return UNARY[type(sign)](_value(operand, names))
		case ast.BoolOp(op=op, values=values):
			stops = isinstance(op, ast.Or)
			last: Any = None
			for one in values:
				last = _value(one, names)
				if bool(last) is stops:
					break
			return last
		case ast.Compare(left=first, ops=ops, comparators=others) if all(type(one) in COMPARISONS for one in ops):
			sides = [_value(one, names) for one in (first, *others)]
			return all(COMPARISONS[type(one)](sides[at], sides[at + 1]) for at, one in enumerate(ops))
		case ast.IfExp(test=test, body=body, orelse=other):
			return _value(body if _value(test, names) else other, names)
		case ast.Subscript(value=of, slice=index):
			return _value(of, names)[_value(index, names)]
		case ast.Tuple(elts=parts) | ast.List(elts=parts):
			return [_value(one, names) for one in parts]
		case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
			return _bounded(FUNCTIONS[name](*(_value(one, names) for one in arguments)))
	raise ValueError(f'{ast.unparse(part)!r} is not among what can be worked out')


def _number(part: ast.expr, names: Mapping[str, object]) -> int | float:
	"""An operand. Lists are for functions only: times a number they would grow beyond bounds."""
	value = _value(part, names)
	if not isinstance(value, int | float):
		raise TypeError(f'{ast.unparse(part)!r} is no number')
	return value


def _bounded(value: Any) -> Any:
	if isinstance(value, int) and value.bit_length() > MOST_DIGITS:
		raise OverflowError('the number is too large')
	return value
