"""The messages between the server process and a worker process. Data only, JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter

from engine.declaration import Model, NodeInfo
from engine.events import AnyEvent


class Message(Model):
	"""Base of the messages; bytes travel as base64."""

	model_config = ConfigDict(frozen=True, extra='forbid', ser_json_bytes='base64', val_json_bytes='base64')


class RunJob(Message):
	"""To the worker: run this job. `prompt` is the checked graph in API form; only `targets` and what they need run.

	`original` is the graph as it was submitted: it is written into saved pictures.
	"""

	type: Literal['run_job'] = 'run_job'
	job: str
	prompt: dict[str, JsonValue]
	targets: tuple[str, ...]
	original: dict[str, JsonValue] = Field(default_factory=dict)
	extra_pnginfo: dict[str, JsonValue] = Field(default_factory=dict)
	previews: bool = False


class Interrupt(Message):
	"""To the worker: stop this job if it is the one that is running."""

	type: Literal['interrupt'] = 'interrupt'
	job: str


class Free(Message):
	"""To the worker: let go of models, or of cached results, before the next job."""

	type: Literal['free'] = 'free'
	models: bool = False
	cache: bool = False


class Stop(Message):
	"""To the worker: end."""

	type: Literal['stop'] = 'stop'


class Device(Message):
	"""A device as the worker found it. Bytes."""

	name: str
	type: str
	index: int | None = None
	total: int
	free: int


class Described(Message):
	"""From the worker, once at its start: the nodes it can run and the model folders its packs added."""

	type: Literal['described'] = 'described'
	nodes: tuple[NodeInfo, ...]
	model_folders: dict[str, tuple[Path, ...]] = Field(default_factory=dict)


class Ready(Message):
	"""From the worker, once: the heavy libraries are imported; the devices are these."""

	type: Literal['ready'] = 'ready'
	devices: tuple[Device, ...]
	versions: dict[str, str] = Field(default_factory=dict)


class Happened(Message):
	"""From the worker: an event of the running job."""

	type: Literal['happened'] = 'happened'
	event: AnyEvent


ToWorker = Annotated[RunJob | Interrupt | Free | Stop, Field(discriminator='type')]
FromWorker = Annotated[Described | Ready | Happened, Field(discriminator='type')]

to_worker: TypeAdapter[RunJob | Interrupt | Free | Stop] = TypeAdapter(ToWorker)
from_worker: TypeAdapter[Described | Ready | Happened] = TypeAdapter(FromWorker)
