"""The two bases of all bodies."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
	"""A body that came in. Clients send fields that we do not know, and ids as numbers; both are let pass."""

	model_config = ConfigDict(extra='ignore', coerce_numbers_to_str=True)


class Reply(BaseModel):
	"""A body that goes out."""

	model_config = ConfigDict(extra='forbid')
