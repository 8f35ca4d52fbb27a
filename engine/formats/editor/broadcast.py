"""Nodes that feed inputs without wires: "Anything Everywhere" and its like, of the pack cg-use-everywhere.

What is linked to such a node goes to every open input of its type. The browser makes these links only when it queues, so
they are made here as a file is read: as the file lists them (`extra.ue_links`, what the extension saw last), or else by
its rules. Each is told in a warning, as is what the rules do not settle.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from engine.formats.editor.kinds import BROADCASTERS, MUTED, REROUTES, SEED_BROADCASTER, VIRTUAL, is_open
from engine.formats.editor.sheet import EditorNode, Sheet, Slot, Wire, identity, mapping, objects, position, text

PROMPTS = 'Prompts Everywhere'
PROMPT_NAMES = (re.compile('^prompt|^positive'), re.compile('neg'))
"""The inputs that get the first prompt, and those that get the second."""
SEED_NAMES = re.compile('seed')
NOT_SIMPLE = re.compile(r'\(\?|\)[*+?{]|\\[0-9]')
"""What patterns may not have, so that they are matched in little time: repeated groups, looking ahead, references back."""
MOST_REPEATS, LONGEST_PATTERN, LONGEST_LABEL = 2, 200, 80
FIRST_WITH_WIDGET_SLOTS = (1, 16)
"""The version of ComfyUI's editor that saves a slot for every widget; before, only converted ones had slots."""

_Pattern = tuple[re.Pattern[str], bool]
"""What a label must match, or must not (True)."""


@dataclass(frozen=True, slots=True)
class _Broadcast:
	"""One output that is sent to all inputs that it suits; of several, the one of the highest `priority` is taken."""

	sender: EditorNode
	origin: str
	slot: int
	type: str
	priority: float
	title: _Pattern | None = None
	name: _Pattern | None = None
	exact: str | None = None

	def suits(self, node: EditorNode, slot: Slot) -> bool:
		"""Whether it goes to an input."""
		return (
			slot.type == self.type
			and node.id != self.origin
			and _matches(self.title, node.title or text(node.properties.get('Node name for S&R')) or node.type)
			and _matches(self.name, _label(node, slot))
			and self.exact in (None, _label(node, slot))
		)


def connect_broadcasts(sheet: Sheet, extra: Mapping[str, JsonValue], warnings: list[str], where: str = '') -> Sheet:
	"""The canvas with a wire to every input that is fed by a broadcasting node.

	`extra` is what the file has beside the nodes. Each input that is fed is told in `warnings`, and so is each sender that
	is limited to a group or colour of nodes or by a pattern that is not understood here: it sends nothing.
	"""
	senders = [
		node for node in sheet.nodes.values() if node.type in BROADCASTERS | {SEED_BROADCASTER} and node.mode == 0
	]
	if not senders:
		return sheet
	found = list(_listed(sheet, extra)) or list(_matched(sheet, senders, extra, warnings, where))
	nodes, wires = dict(sheet.nodes), dict(sheet.wires)
	told: dict[str, list[str]] = {}
	number = 1 + max((int(id) for id in wires if id.isascii() and id.isdecimal() and len(id) < 16), default=0)
	for sender, origin, origin_slot, target, index in found:
		slots = list(nodes[target].inputs)
		id, number = str(number), number + 1
		wires[id] = Wire(origin, origin_slot, target, index, slots[index].type)
		slots[index] = replace(slots[index], link=id)
		nodes[target] = replace(nodes[target], inputs=tuple(slots))
		told.setdefault(sender, []).append(f'{target}.{slots[index].name}')
	warnings += [
		f'{where}node {id!r} ({nodes[id].type if id in nodes else "a node that is not there"}) sends without links, '
		f'which are made here: to {", ".join(targets)}.'
		for id, targets in told.items()
	]
	return Sheet(nodes, wires)


_Found = tuple[str, str, int, str, int]
"""Sender, origin and its slot, target and its slot."""


def _listed(sheet: Sheet, extra: Mapping[str, JsonValue]) -> Iterator[_Found]:
	"""The links that the extension listed when the file was saved, as far as they still fit."""
	taken: set[tuple[str, int]] = set()
	for entry in objects(extra.get('ue_links')):
		sender, origin, target = (identity(entry.get(key)) for key in ('controller', 'upstream', 'downstream'))
		slot, index = position(entry.get('upstream_slot')), position(entry.get('downstream_slot'))
		node = sheet.nodes.get(target or '')
		if sender is None or origin is None or target is None or node is None or slot is None or index is None:
			continue
		known = origin in sheet.nodes or origin.startswith('-')
		is_free = (
			index < len(node.inputs) and node.inputs[index].link not in sheet.wires and (target, index) not in taken
		)
		if known and is_free:
			taken.add((target, index))
			yield sender, origin, slot, target, index


def _matched(
	sheet: Sheet, senders: Sequence[EditorNode], extra: Mapping[str, JsonValue], warnings: list[str], where: str
) -> Iterator[_Found]:
	"""The links that follow from types and patterns."""
	sent = [item for sender in senders for item in _sent(sheet, sender, warnings, where)]
	widgets_listed = _version(extra) >= FIRST_WITH_WIDGET_SLOTS
	by_type: dict[str, list[_Broadcast]] = {}
	for item in sent:
		by_type.setdefault(item.type, []).append(item)
	for node in sheet.nodes.values():
		if node.type in VIRTUAL or node.mode == MUTED or node.properties.get('rejects_ue_links') is True:
			continue
		for index, slot in enumerate(node.inputs):
			if slot.link in sheet.wires or slot.type not in by_type or not _is_open(node, slot, widgets_listed):
				continue
			suited = [item for item in by_type[slot.type] if item.suits(node, slot)]
			highest = max((item.priority for item in suited), default=0)
			best = [item for item in suited if item.priority == highest]
			if len({(item.origin, item.slot) for item in best}) > 1:
				names = ', '.join(dict.fromkeys(item.sender.id for item in best))
				warnings.append(
					f'{where}{node.id}.{slot.name} may be fed by each of several nodes that send without links '
					f'({names}); it is left open.'
				)
			elif best:
				yield best[0].sender.id, best[0].origin, best[0].slot, node.id, index


def _sent(sheet: Sheet, sender: EditorNode, warnings: list[str], where: str) -> list[_Broadcast]:
	"""What a node sends; nothing, with a warning, if it is limited in a way that is not followed here."""
	said = mapping(sender.properties.get('ue_properties')) or sender.properties
	patterns: dict[str, str] = {key: text(said.get(f'{key}_regex')) for key in ('title', 'input', 'group')}
	if sender.type == 'Anything Everywhere?' and isinstance(sender.values, list) and not any(patterns.values()):
		patterns |= {key: text(value) for key, value in zip(patterns, sender.values, strict=False)}
	patterns = {key: pattern for key, pattern in patterns.items() if pattern not in ('', '.*')}
	read = {key: _pattern(pattern) for key, pattern in patterns.items()}
	limits = [key for key in ('group', 'color') if said.get(f'{key}_restricted')]
	limits += ['group'] if 'group' in patterns else []
	limits += [f'{key} {patterns[key]!r}' for key in ('title', 'input') if key in patterns and read[key] is None]
	if limits:
		warnings.append(
			f'{where}node {sender.id!r} ({sender.type}) sends without links, limited by {", ".join(limits)}, which is '
			'not followed here: link what it feeds, or save the file again with its extension, which then lists the '
			'links.'
		)
		return []
	inverted = {key: said.get(f'{key}_regex_invert') is True for key in patterns}
	title, name = ((found, inverted[key]) if (found := read.get(key)) else None for key in ('title', 'input'))
	priority = 20.0 if sender.type in (PROMPTS, SEED_BROADCASTER) else 0.0 if sender.type.endswith('3') else 10.0
	priority += 20 if title or name else 0
	own = said.get('priority')
	if isinstance(own, int | float) and own:
		priority = float(own)
	if sender.type == SEED_BROADCASTER:
		return [_Broadcast(sender, sender.id, 0, 'INT', priority, title, name or (SEED_NAMES, False))]
	fed = [
		(index, slot, wire)
		for index, slot in enumerate(sender.inputs)
		if (wire := sheet.wires.get(slot.link or '')) is not None
	]
	types = {index: _type(sheet, wire) for index, _, wire in fed}
	often = Counter(types.values())
	return [
		_Broadcast(
			sender,
			wire.origin,
			wire.origin_slot,
			types[index],
			priority,
			title,
			(PROMPT_NAMES[index], False) if sender.type == PROMPTS and index < len(PROMPT_NAMES) else name,
			# What sends several of one type parts them by the names of inputs.
			exact=_label(sender, slot) if often[types[index]] > 1 and sender.type != PROMPTS else None,
		)
		for index, slot, wire in fed
		if not is_open(types[index]) and _gives(sheet, wire)
	]


def _gives(sheet: Sheet, wire: Wire) -> bool:
	origin = sheet.nodes.get(wire.origin)
	return wire.origin.startswith('-') or (origin is not None and origin.mode != MUTED)


def _type(sheet: Sheet, wire: Wire) -> str:
	"""The type of what comes along a wire, told by the output at its beginning; reroutes may not tell it."""
	seen: set[str] = set()
	while True:
		origin = sheet.nodes.get(wire.origin)
		if origin is None:
			return wire.type
		type = origin.outputs[wire.origin_slot].type if wire.origin_slot < len(origin.outputs) else ''
		before = sheet.wires.get(origin.inputs[0].link or '') if origin.inputs else None
		if not is_open(type) or origin.type not in REROUTES or before is None or origin.id in seen:
			return wire.type if is_open(type) else type
		seen.add(origin.id)
		wire = before


def _is_open(node: EditorNode, slot: Slot, widgets_listed: bool) -> bool:
	"""Whether an input without a link takes what is sent. Widgets do where the file says so, or converted them."""
	said = mapping(node.properties.get('ue_properties'))
	if mapping(said.get('input_ue_unconnectable')).get(slot.name):
		return False
	if slot.widget is None:
		return bool(slot.name)
	allowed = said.get('widget_ue_connectable', node.properties.get('widget_ue_connectable'))
	return bool(mapping(allowed).get(slot.name)) or (not widgets_listed and not isinstance(allowed, dict))


def _version(extra: Mapping[str, JsonValue]) -> tuple[int, ...]:
	parts = text(extra.get('frontendVersion')).split('.')[:2]
	return tuple(found for part in parts if (found := position(part)) is not None)


def _label(node: EditorNode, slot: Slot) -> str:
	"""The name of an input as its node shows it."""
	raw = next((entry for entry in objects(node.raw.get('inputs')) if entry.get('name') == slot.name), {})
	return text(raw.get('label')) or slot.name


def _pattern(pattern: str) -> re.Pattern[str] | None:
	"""A pattern of the file, if it can be matched in little time whatever it is matched with."""
	repeats = sum(pattern.count(sign) for sign in '*+?{')
	if len(pattern) > LONGEST_PATTERN or repeats > MOST_REPEATS or NOT_SIMPLE.search(pattern):
		return None
	try:
		return re.compile(pattern)
	except (re.error, OverflowError):
		return None


def _matches(pattern: _Pattern | None, label: str) -> bool:
	if pattern is None:
		return True
	found, inverted = pattern
	return (found.search(label[:LONGEST_LABEL]) is not None) != inverted
