"""The bases of all bodies and queries."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
	"""A body that came in. Clients send fields that we do not know, and ids as numbers; both are let pass."""

	model_config = ConfigDict(extra='ignore', coerce_numbers_to_str=True)


class Reply(BaseModel):
	"""A body that goes out."""

	model_config = ConfigDict(extra='forbid', json_schema_serialization_defaults_required=True)


class Parameters(BaseModel):
	"""Values in the path or the query of an address. A name that is not known is refused: it may be a slip of the pen."""

	model_config = ConfigDict(extra='forbid', frozen=True)
