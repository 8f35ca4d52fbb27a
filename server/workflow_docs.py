"""Saved workflows in the OpenAPI document: each is an operation of its own, with the schema of its own inputs.

So a client that is made from the document has a typed function for each. They are added when somebody asks, since
workflows come and go; `POST /v1/workflows/{name}/jobs` serves them all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.interface import Interface, interface_of
from engine.formats.workflow import read_workflow
from engine.storage import Storage
from server.library import Entry
from server.schemas.openapi import OpenApiDocument, Schema

log = logging.getLogger(__name__)

PATH: Final = '/v1/workflows/{name}/jobs'
REQUEST: Final = 'WorkflowJobRequest'


def with_workflows(
	document: OpenApiDocument, entries: Iterable[Entry], nodes: Mapping[str, NodeInfo], storage: Storage
) -> OpenApiDocument:
	"""The document with an operation for every workflow that can be read here. Takes time: not for the event loop."""
	paths, schemas = _part(document.root, 'paths'), _part(_part(document.root, 'components'), 'schemas')
	general, request = _part(_part(paths, PATH), 'post'), _part(schemas, REQUEST)
	added: dict[str, JsonValue] = {}
	named: dict[str, JsonValue] = {}
	for entry in entries:
		try:
			interface = interface_of(read_workflow(entry.source, nodes), nodes)
		except BadDocument as error:
			log.warning('The workflow %r is left out of the OpenAPI document: %s', entry.name, error)
			continue
		operation = _unused(f'run_{re.sub(r"[^a-zA-Z0-9]+", "_", entry.name)}', added)
		schema = ''.join(word.capitalize() for word in operation.split('_')) + 'Request'
		added[operation] = {
			f'/v1/workflows/{quote(entry.name, safe="")}/jobs': {'post': _operation(general, entry, operation, schema)}
		}
		named[schema] = _request(request, interface, schema, storage)
	own_paths = {path: told for one in added.values() if isinstance(one, dict) for path, told in one.items()}
	components = {**_part(document.root, 'components'), 'schemas': {**schemas, **named}}
	return OpenApiDocument({**document.root, 'paths': {**paths, **own_paths}, 'components': components})


def _operation(general: Schema, entry: Entry, operation: str, schema: str) -> Schema:
	"""The general operation with the name and the body of this workflow."""
	told = entry.description
	return {
		**general,
		'operationId': operation,
		'summary': f'Run the workflow {entry.title or entry.name}.',
		**({'description': told} if told else {}),
		'parameters': [],
		'requestBody': {
			'required': True,
			'content': {'application/json': {'schema': {'$ref': f'#/components/schemas/{schema}'}}},
		},
	}


def _request(request: Schema, interface: Interface, title: str, storage: Storage) -> Schema:
	"""The general body with the inputs of this workflow."""
	inputs = {name: told for name, told in interface.json_schema(storage).items() if name != '$schema'}
	needs: dict[str, JsonValue] = {'required': ['inputs']} if 'required' in inputs else {}
	return {**request, **needs, 'title': title, 'properties': {**_part(request, 'properties'), 'inputs': inputs}}


def _part(document: Mapping[str, JsonValue], name: str) -> Schema:
	"""A part of the document that is an object."""
	part = document[name]
	if not isinstance(part, dict):
		raise TypeError(f'{name} is an object in every OpenAPI document.')
	return part


def _unused(name: str, taken: Mapping[str, JsonValue]) -> str:
	count = 1
	while (unused := name if count == 1 else f'{name}_{count}') in taken:
		count += 1
	return unused
