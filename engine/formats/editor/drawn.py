"""How the editor's document is drawn ↔ the layout of a native one: places, colours, groups, notes, reroutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.document import GroupPlace, Layout, LinkEnd, NodePlace, NotePlace, ReroutePlace
from engine.formats.editor.controls import policies
from engine.formats.editor.kinds import NOTES, REROUTES, VIRTUAL
from engine.formats.editor.sheet import Sheet, identity, mapping, objects, text

NOTE, MARKDOWN = 'Note', 'MarkdownNote'
NOTE_WIDTH, NOTE_HEIGHT = 300, 120


def read_layout(body: Mapping[str, JsonValue], sheet: Sheet, infos: Mapping[str, NodeInfo]) -> Layout:
	"""The layout of a canvas: of the document itself, or of a subgraph in it. `infos` are the kinds that are known."""
	nodes: dict[str, NodePlace] = {}
	notes: dict[str, NotePlace] = {}
	for node in sheet.nodes.values():
		place = _place(node.raw)
		if place is None:
			continue
		if node.type in NOTES:
			written = node.first_value if isinstance(node.first_value, str) else ''
			said = {'text': written, 'title': node.title, 'plain': node.type == NOTE}
			notes[node.id] = NotePlace.model_validate(
				{**place, **{name: value for name, value in said.items() if value}}
			)
		elif node.type not in VIRTUAL:
			seeds = policies(node, infos.get(node.type))
			nodes[node.id] = NodePlace.model_validate({**place, **({'seeds': seeds} if seeds else {})})
	groups = dict(_groups(body))
	reroutes = {**dict(_reroutes(body, sheet)), **dict(_reroute_nodes(sheet))}
	blocks = {'nodes': nodes, 'groups': groups, 'notes': notes, 'reroutes': reroutes}
	return Layout.model_validate({name: block for name, block in blocks.items() if block})


def _place(raw: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
	x, y = _pair(raw.get('pos'))
	if x is None or y is None:
		return None
	width, height = _pair(raw.get('size'))
	said: dict[str, JsonValue] = {
		'width': width,
		'height': height,
		'color': text(raw.get('color')),
		'background': text(raw.get('bgcolor')),
		'collapsed': mapping(raw.get('flags')).get('collapsed') is True,
	}
	return {'x': x, 'y': y, **{name: value for name, value in said.items() if value not in (None, '', False)}}


def _groups(body: Mapping[str, JsonValue]) -> Iterator[tuple[str, GroupPlace]]:
	for index, group in enumerate(objects(body.get('groups'))):
		bounding = group.get('bounding')
		sides = [_number(side) for side in bounding] if isinstance(bounding, list) else []
		if len(sides) < 4 or None in sides[:4]:
			continue
		x, y, width, height = sides[:4]
		said = {'title': text(group.get('title')), 'color': text(group.get('color'))}
		yield (
			identity(group.get('id')) or f'group {index}',
			GroupPlace.model_validate(
				{
					'x': x,
					'y': y,
					'width': width,
					'height': height,
					**{key: value for key, value in said.items() if value},
				}
			),
		)


def _reroutes(body: Mapping[str, JsonValue], sheet: Sheet) -> Iterator[tuple[str, ReroutePlace]]:
	"""Points on links, which are no nodes."""
	for reroute in objects(body.get('reroutes') or mapping(body.get('extra')).get('reroutes')):
		(x, y), id = _pair(reroute.get('pos')), identity(reroute.get('id'))
		if x is None or y is None or id is None:
			continue
		listed = reroute.get('linkIds')
		ends = [_end(sheet, identity(link)) for link in listed] if isinstance(listed, list) else []
		links = [end for end in ends if end is not None]
		after = identity(reroute.get('parentId'))
		said = {'after': after, 'links': links}
		yield id, ReroutePlace.model_validate({'x': x, 'y': y, **{key: value for key, value in said.items() if value}})


def _reroute_nodes(sheet: Sheet) -> Iterator[tuple[str, ReroutePlace]]:
	found = {node.id for node in sheet.nodes.values() if node.type in REROUTES}
	if not found:
		return
	ends: dict[str, list[LinkEnd]] = {}
	for link, wire in sheet.wires.items():
		if wire.origin in found and wire.target not in found and (end := _end(sheet, link)) is not None:
			ends.setdefault(wire.origin, []).append(end)
	for id in found:
		node = sheet.nodes[id]
		(x, y) = _pair(node.raw.get('pos'))
		wire_in = sheet.wires.get(node.inputs[0].link or '') if node.inputs else None
		if x is None or y is None:
			continue
		after = f'node {wire_in.origin}' if wire_in is not None and wire_in.origin in found else None
		said = {'after': after, 'links': ends.get(id)}
		yield (
			f'node {id}',
			ReroutePlace.model_validate({'x': x, 'y': y, **{key: value for key, value in said.items() if value}}),
		)


def _end(sheet: Sheet, link: str | None) -> LinkEnd | None:
	wire = sheet.wires.get(link) if link is not None else None
	node = sheet.nodes.get(wire.target) if wire is not None else None
	if node is None:
		return None
	return next((LinkEnd(node=node.id, input=slot.name) for slot in node.inputs if slot.link == link), None)


def _pair(value: JsonValue) -> tuple[int | float | None, int | float | None]:
	"""Two numbers, as a list or as an object with the keys 0 and 1."""
	if isinstance(value, list):
		parts = [*value, None, None]
		return _number(parts[0]), _number(parts[1])
	return _number(mapping(value).get('0')), _number(mapping(value).get('1'))


def _number(value: JsonValue) -> int | float | None:
	return value if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) else None


def write_groups(layout: Layout) -> list[JsonValue]:
	"""The groups of a layout as the editor's document has them."""
	found: list[JsonValue] = []
	for index, (id, group) in enumerate(layout.groups.items()):
		found.append(
			{
				'id': int(id) if id.isascii() and id.isdecimal() else index + 1,
				'title': group.title,
				'bounding': [group.x, group.y, group.width, group.height],
				**({'color': group.color} if group.color else {}),
				'font_size': 24,
				'flags': {},
			}
		)
	return found


def write_notes(layout: Layout, ids: Mapping[str, int | str], order: int) -> list[JsonValue]:
	"""The notes of a layout as nodes of the editor's document; the first has the place `order` among all nodes."""
	found: list[JsonValue] = []
	for index, (id, note) in enumerate(layout.notes.items()):
		looks = {'color': note.color, 'bgcolor': note.background, 'title': note.title}
		found.append(
			{
				'id': ids[id],
				'type': NOTE if note.plain else MARKDOWN,
				'pos': [note.x, note.y],
				'size': [note.width or NOTE_WIDTH, note.height or NOTE_HEIGHT],
				'flags': {'collapsed': True} if note.collapsed else {},
				'order': order + index,
				'mode': 0,
				'inputs': [],
				'outputs': [],
				'properties': {},
				'widgets_values': [note.text],
				**{name: value for name, value in looks.items() if value},
			}
		)
	return found


def write_reroutes(layout: Layout, ends: Mapping[tuple[str, str], int]) -> tuple[list[JsonValue], list[JsonValue]]:
	"""The points on links, and for each link the last of its points. `ends`: (node, input) → number of the link there."""
	points = {id: point for id, point in layout.reroutes.items() if id.isascii() and id.isdecimal()}
	followed = {
		(point.after, end.node, end.input)
		for point in points.values()
		for end in point.links
		if point.after is not None
	}
	reroutes: list[JsonValue] = []
	extensions: list[JsonValue] = []
	for id, point in points.items():
		links = [(end, ends[end.node, end.input]) for end in point.links if (end.node, end.input) in ends]
		after = {'parentId': int(point.after)} if point.after is not None and point.after in points else {}
		reroutes.append({'id': int(id), **after, 'pos': [point.x, point.y], 'linkIds': [number for _, number in links]})
		extensions += (
			{'id': number, 'parentId': int(id)} for end, number in links if (id, end.node, end.input) not in followed
		)
	return reroutes, extensions
