"""The parts of an OpenAPI 3.1 document that we use (spec.openapis.org/oas/v3.1.1)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel

Schema = dict[str, JsonValue]


class Part(BaseModel):
	"""A part of the document. What is None is left out when it is written."""

	model_config = ConfigDict(extra='forbid', validate_by_name=True, serialize_by_alias=True)


class Info(Part):
	"""What the API is called."""

	title: str
	version: str
	description: str


class TagPart(Part):
	"""A group of operations."""

	name: str
	description: str


class Parameter(Part):
	"""A value in the path, the query or a header."""

	name: str
	place: str = Field(alias='in')
	description: str | None = None
	required: bool
	schema_: Schema = Field(alias='schema')


class Media(Part):
	"""A body of one media type."""

	schema_: Schema | None = Field(None, alias='schema')


class Body(Part):
	"""What is sent with a request."""

	required: bool = True
	content: dict[str, Media]


class Header(Part):
	"""A header of an answer."""

	description: str
	schema_: Schema = Field(alias='schema')


class Response(Part):
	"""An answer of one status."""

	description: str
	headers: dict[str, Header] | None = None
	content: dict[str, Media] | None = None


class OperationPart(Part):
	"""One method of one path. `x-destructive`: it stops or deletes something."""

	name: str = Field(alias='operationId')
	summary: str
	description: str | None = None
	tags: list[str]
	parameters: list[Parameter] | None = None
	body: Body | None = Field(None, alias='requestBody')
	responses: dict[str, Response]
	destructive: bool | None = Field(None, alias='x-destructive')


class Components(Part):
	"""The schemas that are referred to by name."""

	schemas: dict[str, Schema]


class Document(Part):
	"""All of it. `paths` maps a path to its operations by method."""

	openapi: str = '3.1.0'
	info: Info
	tags: list[TagPart]
	paths: dict[str, dict[str, OperationPart]]
	components: Components


class OpenApiDocument(RootModel[Schema]):
	"""An OpenAPI 3.1 document, as a body."""


class JsonSchema(RootModel[Schema]):
	"""A JSON Schema (draft 2020-12), as a body."""
