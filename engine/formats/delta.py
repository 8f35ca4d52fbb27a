"""What one JSON document says beyond another that is nearly the same: small, and put back without loss.

	apply(made, difference(made, wanted)) == wanted

The delta also applies to a document that has changed since: what is not where it was is passed over. A delta is one of

| delta | means |
|---|---|
| `null` | no difference |
| `{"set": value}` | this value |
| `{"in": {key: delta}, "without": [keys]}` | an object with other members |
| `{"items": {name: delta}, "without": [names], "order": [names]}` | a list of things that have an id or a name each |
| `{"as": "object", …}` | a list as an object whose keys are the places, as old files have sizes, and then as above |
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

IDENTITIES = ('id', 'name')
Delta = dict[str, JsonValue] | None


def difference(made: JsonValue, wanted: JsonValue) -> Delta:
	"""The delta that makes `wanted` of `made`."""
	if isinstance(made, dict) and isinstance(wanted, dict):
		return _of_members(made, wanted) or None
	if isinstance(made, list) and isinstance(wanted, dict) and made and wanted.keys() >= _by_place(made).keys():
		return {'as': 'object', **_of_members(_by_place(made), wanted)}
	if isinstance(made, list) and isinstance(wanted, list):
		if same(made, wanted):
			return None
		before, after = _named(made), _named(wanted)
		if before is not None and after is not None and before.keys() & after.keys():
			delta = _of_members(before, after, 'items')
			kept = [name for name in before if name in after]
			if [*kept, *(name for name in after if name not in before)] != list(after):
				delta['order'] = list(after)
			return delta
		return {'set': wanted}
	return None if same(made, wanted) else {'set': wanted}


def _of_members(
	made: Mapping[str, JsonValue], wanted: Mapping[str, JsonValue], key: str = 'in'
) -> dict[str, JsonValue]:
	members: dict[str, JsonValue] = {}
	for name, value in wanted.items():
		delta = difference(made[name], value) if name in made else {'set': value}
		if delta is not None:
			members[name] = delta
	gone: list[JsonValue] = [name for name in made if name not in wanted]
	return {**({key: members} if members else {}), **({'without': gone} if gone else {})}


def apply(made: JsonValue, delta: JsonValue) -> JsonValue:
	"""A document with what a delta says."""
	if not isinstance(delta, dict):
		return made
	if 'set' in delta:
		return delta['set']
	if delta.get('as') == 'object' and isinstance(made, list):
		made = {**_by_place(made)}
	gone = delta.get('without')
	without = set(map(str, gone)) if isinstance(gone, list) else set()
	if isinstance(made, dict):
		return _with_members(made, delta.get('in'), without)
	named = _named(made) if isinstance(made, list) else None
	if named is None:
		return made
	members = _with_members(named, delta.get('items'), without)
	order = delta.get('order')
	if isinstance(order, list):
		listed = [str(name) for name in order if str(name) in members]
		return [members[name] for name in dict.fromkeys([*listed, *members])]
	return list(members.values())


def _with_members(made: Mapping[str, JsonValue], deltas: JsonValue, without: set[str]) -> dict[str, JsonValue]:
	members = {name: value for name, value in made.items() if name not in without}
	for name, delta in deltas.items() if isinstance(deltas, dict) else ():
		if name in members:
			members[name] = apply(members[name], delta)
		elif isinstance(delta, dict) and 'set' in delta:
			members[name] = delta['set']
	return members


def _by_place(listed: list[JsonValue]) -> dict[str, JsonValue]:
	return {str(place): value for place, value in enumerate(listed)}


def same(one: JsonValue, other: JsonValue) -> bool:
	"""Whether two values are the same as JSON: 1 is not true, and 1 is not 1.0; not-a-number is itself."""
	if isinstance(one, dict) and isinstance(other, dict):
		return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
	if isinstance(one, list) and isinstance(other, list):
		return len(one) == len(other) and all(map(same, one, other))
	return type(one) is type(other) and (one == other or repr(one) == repr(other) == 'nan')


def _named(listed: list[JsonValue]) -> dict[str, JsonValue] | None:
	"""The things of a list by what tells them apart: an id, a name, or the first of each list; None if nothing does."""
	if listed and not isinstance(listed[0], dict | list):
		return None
	for key in (*IDENTITIES, 0):
		names = [_name(item, key) for item in listed]
		if all(name is not None for name in names) and len(set(names)) == len(names):
			return {str(name): item for name, item in zip(names, listed, strict=True)}
	return None


def _name(item: JsonValue, key: str | int) -> str | None:
	found: JsonValue = None
	if isinstance(item, dict) and isinstance(key, str):
		found = item.get(key)
	elif isinstance(item, list) and key == 0:
		found = item[0] if item else None
	return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


WIRED = frozenset({'inputs', 'outputs', 'links', 'linkIds', 'widgets_values', 'widgets_values_named', 'mode', 'type'})
"""Members that say what a graph does, not how it looks."""


def loosened(delta: JsonValue) -> JsonValue:
	"""A delta of an editor's document without what says more than how things look, for one that does something else."""
	if not isinstance(delta, dict):
		return delta
	if 'set' in delta:
		return {'set': _unlinked(delta['set'])}
	found: dict[str, JsonValue] = {}
	for key, value in delta.items():
		if key in ('in', 'items') and isinstance(value, dict):
			found[key] = {name: loosened(inner) for name, inner in value.items() if key == 'items' or name not in WIRED}
		elif key == 'without' and isinstance(value, list):
			found[key] = [name for name in value if str(name) not in WIRED]
		else:
			found[key] = value
	return found


def _unlinked(value: JsonValue) -> JsonValue:
	"""A node as it is, but for its wires."""
	if not isinstance(value, dict):
		return value
	kept = dict(value)
	for side, link in (('inputs', 'link'), ('outputs', 'links')):
		slots = kept.get(side)
		if isinstance(slots, list):
			kept[side] = [{**slot, link: None} if isinstance(slot, dict) else slot for slot in slots]
	return kept
