"""JSON Schemas for people: the type of a value in a few words, a table of fields, an example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from server.markup import inline, tag, text
from server.schemas.openapi import Schema

DEEPEST = 6
BOUNDS = {
	'minimum': '≥ {}',
	'exclusiveMinimum': '> {}',
	'maximum': '≤ {}',
	'exclusiveMaximum': '< {}',
	'minLength': 'at least {} letters',
	'maxLength': 'at most {} letters',
	'minItems': 'at least {} items',
	'maxItems': 'at most {} items',
	'pattern': 'like {}',
}
EXAMPLES: Mapping[str, JsonValue] = {'string': 'text', 'integer': 1, 'number': 1.0, 'boolean': True, 'null': None}


def type_html(schema: JsonValue) -> str:
	"""What sort of value it is, with links to the schemas that have names."""
	if not isinstance(schema, dict) or not schema:
		return 'anything'
	match schema:
		case {'$ref': str(ref)}:
			name = name_of(ref)
			return tag('a', text(name), href=f'#schema-{name}')
		case {'const': value}:
			return tag('code', text(str(value)))
		case {'enum': list(values)}:
			return ' | '.join(tag('code', text(str(value))) for value in values)
		case {'anyOf': list(choices)} | {'oneOf': list(choices)}:
			return ' or '.join(type_html(choice) for choice in choices)
		case {'prefixItems': list(items)}:
			return f'[{", ".join(type_html(item) for item in items)}]'
		case {'type': 'array'}:
			return f'list of {type_html(schema.get("items"))}'
		case {'type': 'object', 'additionalProperties': dict(values)}:
			return f'name → {type_html(values)}'
		case {'type': 'null'}:
			return 'null'
		case {'type': str(kind), 'format': str(form)}:
			return f'{text(kind)} ({text(form)})'
		case {'type': str(kind)}:
			return text(kind)
	return 'anything'


def bounds_html(schema: JsonValue) -> str:
	"""What a value must keep to, and what stands for it if it is not given."""
	return ', '.join(_bounds(schema))


def _bounds(schema: JsonValue) -> Iterator[str]:
	if not isinstance(schema, dict):
		return
	for choice in _choices(schema):
		for name, words in BOUNDS.items():
			if name in choice:
				yield text(words.split('{}')[0]) + tag('code', text(str(choice[name]))) + text(words.split('{}')[1])
	default = schema.get('default')
	if default not in (None, '', [], {}) and 'const' not in schema:
		yield 'default ' + tag('code', text(json.dumps(default) if not isinstance(default, str) else default))


def _choices(schema: Schema) -> Iterator[Schema]:
	yield schema
	choices = schema.get('anyOf')
	for choice in choices if isinstance(choices, list) else ():
		if isinstance(choice, dict):
			yield choice


def fields_html(schema: Schema) -> str:
	"""A table of an object's fields; the type, where it has none."""
	fields, required = schema.get('properties'), schema.get('required')
	if not isinstance(fields, dict):
		return tag('p', type_html({key: value for key, value in schema.items() if key != 'title'}), class_='type')
	needed = required if isinstance(required, list) else []
	rows = [field_row(name, field, required=name in needed) for name, field in fields.items()]
	return tag('table', *rows, class_='fields')


def field_row(name: str, schema: JsonValue, *, required: bool, description: str = '') -> str:
	"""A row that tells of one value."""
	told = schema.get('description') if isinstance(schema, dict) else None
	words = description or (told if isinstance(told, str) else '')
	bounds = bounds_html(schema)
	return tag(
		'tr',
		tag('th', tag('code', text(name)), '' if required else tag('span', 'optional', class_='optional'), scope='row'),
		tag(
			'td',
			tag('span', type_html(schema), class_='type'),
			tag('span', bounds, class_='bounds') if bounds else '',
			tag('p', inline(words)) if words else '',
		),
	)


def example(schema: JsonValue, schemas: Mapping[str, Schema], depth: int = 0) -> JsonValue:
	"""A small value of this schema: required fields only, the first of several choices."""
	if not isinstance(schema, dict) or depth > DEEPEST:
		return {}
	match schema:
		case {'default': value} | {'const': value} | {'enum': [value, *_]}:
			return value
		case {'$ref': str(ref)}:
			return example(schemas.get(name_of(ref)), schemas, depth + 1)
		case {'anyOf': [choice, *_]} | {'oneOf': [choice, *_]}:
			return example(choice, schemas, depth + 1)
		case {'type': 'array'}:
			return []
		case {'properties': dict(fields)}:
			required = schema.get('required')
			names = [name for name in fields if isinstance(required, list) and name in required]
			return {name: example(fields[name], schemas, depth + 1) for name in names}
		case {'type': str(kind)}:
			return EXAMPLES.get(kind, {})
	return {}


def name_of(ref: str) -> str:
	"""`#/components/schemas/Page` → `Page`."""
	return ref.rpartition('/')[2]
