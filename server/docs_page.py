"""An OpenAPI document as a page: what there is on the left, what each operation takes and gives on the right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from server.docs_schema import example, field_row, fields_html, type_html
from server.markup import inline, prose, tag, text
from server.schemas.openapi import Document, Media, OperationPart, Parameter, Response, Schema

MARK = (
	'<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true"><rect width="32" height="32" rx="8" '
	'fill="#1a1d24"/><path d="M8 22 16 10l8 12" fill="none" stroke="#8a93a6" stroke-width="2"/><circle cx="8" cy="22" '
	'r="3.5" fill="#5b8cff"/><circle cx="24" cy="22" r="3.5" fill="#4cc38a"/><circle cx="16" cy="10" r="4.5" '
	'fill="#f6c453"/></svg>'
)
PLACES = {'path': 'Path', 'query': 'Query', 'header': 'Headers'}
Placed = tuple[str, str, OperationPart]
"""A method in capitals, its path, the operation."""


def page_html(document: Document, *, folder: str) -> str:
	"""The whole page. Its style sheet and its script lie in `folder`, seen from the page."""
	title = f'{document.info.title} API'
	head = tag(
		'head',
		tag('meta', charset='utf-8'),
		tag('meta', name='viewport', content='width=device-width, initial-scale=1'),
		tag('title', text(title)),
		tag('link', rel='icon', href='data:,'),
		tag('link', rel='stylesheet', href=f'{folder}/docs.css'),
		tag('script', src=f'{folder}/docs.js', defer=True),
	)
	body = tag('body', _navigation(document, title), tag('main', *_content(document, title)))
	return f'<!doctype html>\n{tag("html", head, body, lang="en")}\n'


def _operations(document: Document, group: str) -> Iterator[Placed]:
	for path, methods in document.paths.items():
		for method, operation in methods.items():
			if group in operation.tags:
				yield method.upper(), path, operation


def _navigation(document: Document, title: str) -> str:
	groups = [
		tag(
			'section',
			tag('h2', tag('a', text(group.name), href=f'#{group.name}')),
			tag('ul', *(_entry(*placed) for placed in _operations(document, group.name))),
		)
		for group in document.tags
	]
	schemas = [
		tag('li', tag('a', text(name), href=f'#schema-{name}'), data_find=name.lower())
		for name in sorted(document.components.schemas)
	]
	return tag(
		'nav',
		tag(
			'a', MARK, tag('strong', text(title)), tag('span', text(document.info.version)), href='#top', class_='mark'
		),
		tag('input', type='search', id='search', placeholder='Find …  /', aria_label='Find', autocomplete='off'),
		tag('div', *groups, tag('section', tag('h2', 'schemas'), tag('ul', *schemas)), class_='groups'),
	)


def _entry(method: str, path: str, operation: OperationPart) -> str:
	words = f'{method} {path} {operation.summary} {operation.name}'.lower()
	return tag(
		'li',
		tag('a', _badge(method), tag('span', text(path.removeprefix('/v1')), class_='path'), href=f'#{operation.name}'),
		data_find=words,
	)


def _badge(method: str) -> str:
	return tag('span', text(method), class_=f'method {method.lower()}')


def _content(document: Document, title: str) -> Iterator[str]:
	yield tag(
		'header',
		tag('h1', text(title), id='top'),
		prose(document.info.description),
		tag(
			'p', tag('a', 'openapi.json', href='openapi.json'), ' — the same for programs, OpenAPI 3.1.', class_='more'
		),
	)
	schemas = document.components.schemas
	for group in document.tags:
		yield tag(
			'section',
			tag('h2', text(group.name), id=group.name),
			tag('p', inline(group.description), class_='lead'),
			*(_operation(*placed, schemas) for placed in _operations(document, group.name)),
		)
	cards = (_schema(name, schema) for name, schema in sorted(schemas.items()))
	yield tag('section', tag('h2', 'schemas', id='schemas'), *cards)


def _schema(name: str, schema: Schema) -> str:
	description = schema.get('description')
	told = prose(description) if isinstance(description, str) else ''
	return tag('article', tag('h3', text(name)), told, fields_html(schema), id=f'schema-{name}', class_='schema')


def _operation(method: str, path: str, operation: OperationPart, schemas: Mapping[str, Schema]) -> str:
	return tag(
		'article',
		tag(
			'h3',
			_badge(method),
			tag('code', text(path)),
			tag('span', 'stops or deletes', class_='destructive') if operation.destructive else '',
			tag('a', '#', href=f'#{operation.name}', class_='anchor', aria_label='Link to this operation'),
		),
		tag('p', inline(operation.summary), class_='summary'),
		prose(operation.description or ''),
		*_parameters(operation.parameters or []),
		_body(operation),
		tag('h4', 'Answers'),
		tag('table', *(_response(status, answer) for status, answer in operation.responses.items()), class_='answers'),
		_trial(method, path, operation, schemas),
		id=operation.name,
		class_='operation',
	)


def _parameters(parameters: list[Parameter]) -> Iterator[str]:
	for place, title in PLACES.items():
		rows = [
			field_row(item.name, item.schema_, required=item.required, description=item.description or '')
			for item in parameters
			if item.place == place
		]
		if rows:
			yield tag('h4', title) + tag('table', *rows, class_='fields')


def _body(operation: OperationPart) -> str:
	if operation.body is None:
		return ''
	return tag('h4', 'Body') + tag('p', _content_type(operation.body.content), class_='type')


def _content_type(content: Mapping[str, Media]) -> str:
	"""What comes: the model of JSON, the media types of anything else."""
	schemas = {type_html(media.schema_) for media in content.values() if media.schema_ is not None}
	return ' or '.join(sorted(schemas)) if schemas else ', '.join(tag('code', text(media)) for media in content)


def _response(status: str, response: Response) -> str:
	shown = 'other' if status == 'default' else status
	return tag(
		'tr',
		tag('th', tag('span', shown, class_=f'status s{status[0]}'), scope='row'),
		tag(
			'td',
			inline(response.description),
			tag('span', _content_type(response.content), class_='type') if response.content else '',
		),
	)


def _trial(method: str, path: str, operation: OperationPart, schemas: Mapping[str, Schema]) -> str:
	"""A form to try the operation with. The script shows it, since without it nothing would happen."""
	fields = [
		tag(
			'label',
			tag('span', text(item.name)),
			tag('input', name=item.name, data_place=item.place, required=item.required, autocomplete='off'),
		)
		for item in operation.parameters or []
	]
	if operation.body is not None:
		(media,) = operation.body.content.values()
		sample = json.dumps(example(media.schema_, schemas), indent=2)
		fields.append(tag('label', tag('span', 'body'), tag('textarea', text(sample), name='body', rows='6')))
	form = tag(
		'form',
		*fields,
		tag('div', tag('button', 'Send', type='submit'), tag('code', class_='curl'), class_='send'),
		tag('div', class_='outcome', aria_live='polite'),
		data_method=method,
		data_path=path,
		data_destructive=operation.destructive is True,
	)
	return tag('details', tag('summary', 'Try it'), form, class_='trial', hidden=True)
