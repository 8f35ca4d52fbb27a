"""The OpenAPI 3.1 document of `/v1`, made from its operations and their pydantic models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.errors import code_of, status_of
from server.operation import Operation
from server.schemas.errors import ErrorBody
from server.schemas.openapi import (
	Body,
	Components,
	Document,
	Header,
	Info,
	Media,
	OperationPart,
	Parameter,
	Response,
	Schema,
	TagPart,
)

Mode = Literal['validation', 'serialization']
Use = tuple[type[BaseModel], Mode]
REF = '#/components/schemas/{model}'
JSON = 'application/json'
DESCRIPTION = """Everything that the program can do, for programs.

Bodies are JSON. A refusal has the status that says what sort it is, and an `ErrorBody`: a `code` for programs, a
`message` for people, and `details` where several things are wrong. Long lists come in pages: `next` of a page is the
`cursor` of the one that follows, and what comes or goes meanwhile shifts nothing. Answers with an `ETag` need not be
sent again (`If-None-Match`), and what is changed with `If-Match` is changed only if it is still what you saw."""
TAG_HEADER = Header(description='Names the content of the answer.', schema_={'type': 'string'})


def make_document(operations: Iterable[Operation], *, title: str, version: str) -> Document:
	"""The document of these operations, in their order."""
	return _Writer(tuple(operations)).document(title, version)


class _Writer:
	"""Knows the schema of every model that the operations use."""

	def __init__(self, operations: Sequence[Operation]) -> None:
		self._operations = operations
		uses: list[Use] = list(dict.fromkeys((*_uses(operations), (ErrorBody, 'serialization'))))
		self._refs, schemas = models_json_schema(uses, ref_template=REF)
		self._schemas: dict[str, Schema] = schemas['$defs']

	def document(self, title: str, version: str) -> Document:
		"""All of it."""
		paths: dict[str, dict[str, OperationPart]] = {}
		for operation in self._operations:
			paths.setdefault(plain_path(operation.path), {})[operation.method.lower()] = self._operation(operation)
		tags = dict.fromkeys(operation.tag for operation in self._operations)
		spread = {self._name(model) for model in _spread_models(self._operations)}
		return Document(
			info=Info(title=title, version=version, description=DESCRIPTION),
			tags=[TagPart(name=tag.name, description=tag.description) for tag in tags],
			paths=paths,
			components=Components(
				schemas={name: schema for name, schema in self._schemas.items() if name not in spread}
			),
		)

	def _operation(self, operation: Operation) -> OperationPart:
		takes = operation.signature.takes
		parameters = [
			parameter
			for place in ('path', 'query')
			if place in takes
			for parameter in self._parameters(place, takes[place])
		]
		parameters += [_condition(name) for name in _conditions(operation)]
		body = takes.get('body')
		return OperationPart(
			name=operation.name,
			summary=operation.summary,
			description=operation.description or None,
			tags=[operation.tag.name],
			parameters=parameters or None,
			body=None if body is None else Body(content={JSON: Media(schema_=self._ref(body, 'validation'))}),
			responses=self._responses(operation),
			destructive=operation.destructive or None,
		)

	def _parameters(self, place: str, model: type[BaseModel]) -> Iterator[Parameter]:
		"""A model's fields as parameters one by one."""
		schema = self._schemas[self._name(model)]
		fields, required = schema.get('properties'), schema.get('required')
		for name, field in fields.items() if isinstance(fields, dict) else ():
			if isinstance(field, dict):
				description = field.get('description')
				yield Parameter(
					name=name,
					place=place,
					description=description if isinstance(description, str) else None,
					required=place == 'path' or (isinstance(required, list) and name in required),
					schema_=_without_null(field),
				)

	def _responses(self, operation: Operation) -> dict[str, Response]:
		responses = {str(status): self._answer(operation, status) for status in operation.good_statuses}
		if operation.etag:
			responses['304'] = Response(description='You have it already.', headers={'ETag': TAG_HEADER})
		codes: dict[int, list[str]] = {}
		for refusal in operation.refusals:
			codes.setdefault(status_of(refusal), []).append(f'`{code_of(refusal)}`')
		refusal_body = {JSON: Media(schema_=self._ref(ErrorBody, 'serialization'))}
		for status, names in sorted(codes.items()):
			text = f'{HTTPStatus(status).phrase}: {", ".join(names)}.'
			responses[str(status)] = Response(description=text, content=refusal_body)
		responses['default'] = Response(description='Any other refusal.', content=refusal_body)
		return responses

	def _answer(self, operation: Operation, status: int) -> Response:
		model = operation.signature.gives
		schema = None if model is None else self._ref(model, _mode(operation))
		has_body = model is not None or (operation.signature.is_own and status >= 200)
		return Response(
			description=f'{HTTPStatus(status).phrase}.',
			headers={'ETag': TAG_HEADER} if operation.etag else None,
			content={media: Media(schema_=schema) for media in operation.media} if has_body else None,
		)

	def _ref(self, model: type[BaseModel], mode: Mode) -> Schema:
		return {**self._refs[model, mode]}

	def _name(self, model: type[BaseModel]) -> str:
		return str(self._refs[model, 'validation']['$ref']).rpartition('/')[2]


def _without_null(field: Schema) -> Schema:
	"""The schema of a parameter: null is what it is when it is not sent, and what no address can say."""
	choices = field.get('anyOf')
	if not isinstance(choices, list):
		return {key: value for key, value in field.items() if key not in ('title', 'description')}
	schema = {key: field[key] for key in ('default',) if field.get(key) is not None}
	match [choice for choice in choices if choice != {'type': 'null'}]:
		case [dict(only)]:
			return {**schema, **only}
		case left:
			return {**schema, 'anyOf': left}


def plain_path(path: str) -> str:
	"""aiohttp's `{path:.+}` → `{path}`."""
	return re.sub(r'\{(\w+):[^{}]*\}', r'{\1}', path)


def _uses(operations: Sequence[Operation]) -> Iterator[Use]:
	"""Every model, and whether it is read or written."""
	for operation in operations:
		for model in operation.signature.takes.values():
			yield model, 'validation'
		if operation.signature.gives is not None:
			yield operation.signature.gives, _mode(operation)


def _spread_models(operations: Sequence[Operation]) -> Iterator[type[BaseModel]]:
	"""The models whose fields are parameters, one by one."""
	for operation in operations:
		yield from (model for place, model in operation.signature.takes.items() if place != 'body')


def _mode(operation: Operation) -> Mode:
	"""What is written as it was read, with gaps, has the schema of what is read."""
	return 'validation' if operation.partial else 'serialization'


def _conditions(operation: Operation) -> Iterator[str]:
	if operation.guarded:
		yield 'If-Match'
	if operation.etag or operation.guarded:
		yield 'If-None-Match'


def _condition(name: str) -> Parameter:
	return Parameter(
		name=name, place='header', description='ETags, or `*`.', required=False, schema_={'type': 'string'}
	)
