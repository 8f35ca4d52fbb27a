"""What `NODE.INPUT` stands for. Ids of nodes may have dots, and so may names of inputs: `3.size.width`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from engine.declaration import NodeInfo
from engine.dynamic import input_called, live_inputs
from engine.errors import InputMisfit
from engine.graph import Call


def cuts(name: str) -> Iterator[tuple[str, str]]:
	"""The node and the input that a name may mean, the longest id first."""
	at = name.rfind('.')
	while at > 0:
		yield name[:at], name[at + 1 :]
		at = name.rfind('.', 0, at)


def takes(info: NodeInfo | None, call: Call, name: str) -> bool:
	"""Whether a value for an input reaches a call, or it has one already. Of kinds that are not known nobody can say."""
	return (
		info is None
		or info.open_inputs == 'all'
		or name in call.inputs
		or name in info.unlisted
		or input_called(info, call.inputs, name) is not None
	)


def inputs_of(info: NodeInfo, call: Call) -> tuple[str, ...]:
	"""The names of the inputs that a call takes."""
	return tuple(dict.fromkeys((*(item.name for item in live_inputs(info, call.inputs)), *call.inputs)))


def no_input(node: str, kind: str, name: str, known: Iterable[str]) -> InputMisfit:
	"""What is wrong with `NODE.INPUT` where the node has no such input, with the one that was meant."""
	names = list(known)
	near = difflib.get_close_matches(name, names, n=1)
	guess = f' (did you mean {f"{node}.{near[0]}"!r}?)' if near else ''
	whose = f'{node!r} ({kind})' if kind else repr(node)
	return InputMisfit(
		f'{node}.{name}', f'an input of node {whose}: {", ".join(names) or "it has none"}', f'{name!r}{guess}'
	)
