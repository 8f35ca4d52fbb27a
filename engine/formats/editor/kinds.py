"""Node types that only the canvas knows, and how it compares the types of sockets."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

MUTED, BYPASSED = 2, 4
PRIMITIVE = 'PrimitiveNode'
REROUTES = frozenset({'Reroute', 'Reroute (rgthree)'})
SETTERS = frozenset({'SetNode', 'easy setNode'})
GETTERS = frozenset({'GetNode', 'easy getNode'})
SILENT = frozenset(
	{
		'Note',
		'MarkdownNote',
		'Label (rgthree)',
		'Bookmark (rgthree)',
		'Fast Muter (rgthree)',
		'Fast Bypasser (rgthree)',
		'Fast Groups Muter (rgthree)',
		'Fast Groups Bypasser (rgthree)',
		'Fast Actions Button (rgthree)',
		'Mute / Bypass Relay (rgthree)',
		'Mute / Bypass Repeater (rgthree)',
		'Random Unmuter (rgthree)',
		'Node Collector (rgthree)',
	}
)
"""Types that hold or switch something on the canvas and give nothing to a graph."""
NOTES = frozenset({'Note', 'MarkdownNote'})
BROADCASTERS = frozenset({'Anything Everywhere', 'Anything Everywhere?', 'Anything Everywhere3', 'Prompts Everywhere'})
"""Types that send what is linked to them to all inputs that suit it, without links."""
SEED_BROADCASTER = 'Seed Everywhere'
"""A node that the server knows, whose own output is sent so."""
VIRTUAL = REROUTES | SETTERS | GETTERS | SILENT | BROADCASTERS | {PRIMITIVE}
CORE = 'comfy-core'
"""The name under which files have the pack of what comes with ComfyUI."""
GROUP_PREFIXES = ('workflow>', 'workflow/')


def type_name(value: JsonValue) -> str:
	"""A socket's type as text: a list of choices is a COMBO, what says nothing is empty."""
	if isinstance(value, list):
		return 'COMBO'
	return value if isinstance(value, str) else ''


def is_open(type: str) -> bool:
	"""Whether a type takes anything."""
	return type in ('', '*', '0')


def fits(one: str, other: str) -> bool:
	"""Whether two types may be joined: either takes anything, or they share a member, in whatever case."""
	if is_open(one) or is_open(other) or one == other:
		return True
	return not {part.strip().lower() for part in one.split(',')}.isdisjoint(
		part.strip().lower() for part in other.split(',')
	)


def passed_through(inputs: Sequence[str], given: str, output: int, wanted: str) -> int | None:
	"""Which input a bypassed node hands on, by types: those of its inputs, that of the output, and what is wanted there."""
	if is_open(wanted):
		return output if output < len(inputs) else 0 if inputs else None

	def both(type: str) -> bool:
		return fits(type, given) and fits(type, wanted)

	if 0 <= output < len(inputs) and both(inputs[output]):
		return output
	exact = (index for index, type in enumerate(inputs) if type == wanted)
	near = (index for index, type in enumerate(inputs) if both(type))
	return next(exact, next(near, None))
