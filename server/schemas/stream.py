"""`/v1/events`: what happens, as it happens."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from engine.events import AnyEvent, JobDropped, JobQueued, ModelDownload, ModelsChanged, QueueChanged
from server.schemas.base import Parameters, Reply

AFTER = 'the `number` of the last event that the client has; what came since is told first'


class EventMessage(Reply):
	"""One event. Numbers go up over all jobs and restarts; ticks, previews and queue changes have that of the last event
	before them, and are not told again."""

	model_config = ConfigDict(extra='forbid', ser_json_bytes='base64', val_json_bytes='base64')

	number: int
	event: Annotated[
		AnyEvent | JobQueued | JobDropped | QueueChanged | ModelsChanged | ModelDownload, Field(discriminator='type')
	]


class EventsQuery(Parameters):
	"""Which events, and from where on. Without `after` the stream begins with what comes next."""

	after: Annotated[int | None, Field(ge=0, lt=2**63, description=AFTER)] = None
	job: Annotated[str | None, Field(max_length=500, description='only those of this job')] = None
	previews: bool = False
	token: Annotated[str | None, Field(description='a token, for WebSockets of browsers')] = None


class JobEventsQuery(Parameters):
	"""From where on. Without `after`, from the job's beginning."""

	after: Annotated[int, Field(ge=0, lt=2**63, description=AFTER)] = 0
	previews: bool = False
