"""Nodes that choose and pass on: they take values of any type."""

from __future__ import annotations

from typing import Annotated, TypeVar

from engine.flow import Lazy
from engine.spec import node

T = TypeVar('T')


@node(
	kind='ComfySwitchNode',
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
