"""The messages between the server process and a worker process. Data only, JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter

from engine.declaration import Model, NodeInfo
from engine.events import AnyEvent
from engine.facts import FileMark
from engine.forecast import Forecast
from engine.modelreport import ModelReport
from engine.outlook import Outlook
from engine.plugins import PackReport
from engine.previews import PreviewMethod


class Message(Model):
	"""Base of the messages; bytes travel as base64. What does not fit is not quoted: it may be a secret."""

	model_config = ConfigDict(
		frozen=True, extra='forbid', ser_json_bytes='base64', val_json_bytes='base64', hide_input_in_errors=True
	)


class RunJob(Message):
	"""To the worker: run this job. `prompt` is the checked graph in API form; only `targets` and what they need run.

	It and `extra_pnginfo` are JSON objects as text: whoever hands them on need not look into them. `secrets` are for the
	nodes that ask for them.
	"""

	type: Literal['run_job'] = 'run_job'
	job: str
	prompt: str
	targets: tuple[str, ...]
	extra_pnginfo: str = '{}'
	previews: PreviewMethod = 'none'
	secrets: dict[str, str] = Field(default_factory=dict, repr=False)


class Interrupt(Message):
	"""To the worker: stop this job if it is the one that is running."""

	type: Literal['interrupt'] = 'interrupt'
	job: str


class Free(Message):
	"""To the worker: let go of models, or of cached results, before the next job."""

	type: Literal['free'] = 'free'
	models: bool = False
	cache: bool = False


class Question(Message):
	"""One node whose constants it shall judge itself; see `engine.spec.ValidationRequest`."""

	node: str
	kind: str
	constants: dict[str, JsonValue] = Field(default_factory=dict)
	links: dict[str, str] = Field(default_factory=dict)


class Validate(Message):
	"""To the worker: let these nodes judge their constants; answered at once, whatever runs."""

	type: Literal['validate'] = 'validate'
	id: int
	questions: tuple[Question, ...]


class Describe(Message):
	"""To the worker: tell the nodes anew, since what they list may have changed; answered at once, whatever runs."""

	type: Literal['describe'] = 'describe'


class AskModels(Message):
	"""To the worker: tell the models that it holds; answered at once, whatever runs."""

	type: Literal['ask_models'] = 'ask_models'
	id: int


class AskForecast(Message):
	"""To the worker: tell what a checked graph in API form, a JSON object as text, will need and do for these sinks."""

	type: Literal['ask_forecast'] = 'ask_forecast'
	id: int
	prompt: str
	sinks: tuple[str, ...]


class CancelLoad(Message):
	"""To the worker: end a load of a model, which those who wait for it are told with the reason."""

	type: Literal['cancel_load'] = 'cancel_load'
	id: int
	load: str
	reason: str


class Unload(Message):
	"""To the worker: drop a model that nobody uses (all of them, if `resident` is empty); at once, whatever runs."""

	type: Literal['unload'] = 'unload'
	id: int
	resident: str = ''


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
	"""From the worker, at its start and when asked: the nodes it can run, how its packs loaded, the model folders they
	added, and how model files are told apart."""

	type: Literal['described'] = 'described'
	nodes: tuple[NodeInfo, ...]
	packs: tuple[PackReport, ...] = ()
	marks: tuple[FileMark, ...] = ()
	model_folders: dict[str, tuple[Path, ...]] = Field(default_factory=dict)


class Ready(Message):
	"""From the worker, once: the heavy libraries are imported, and it computes on `device`.

	A worker that was not told its device has looked for all there are (`devices`); `used` are those that nodes can
	compute on, its own first.
	"""

	type: Literal['ready'] = 'ready'
	device: str
	devices: tuple[Device, ...] = ()
	used: tuple[str, ...] = ()
	versions: dict[str, str] = Field(default_factory=dict)


class Beat(Message):
	"""From the worker, when it has told nothing for a second: it lives."""

	type: Literal['beat'] = 'beat'


class Validated(Message):
	"""From the worker: node id → why it refuses its constants. Nodes that accept theirs are left out."""

	type: Literal['validated'] = 'validated'
	id: int
	refusals: dict[str, str]


class ModelsTold(Message):
	"""From the worker: its models; whether the load that was to be cancelled was found; how many bytes were dropped."""

	type: Literal['models_told'] = 'models_told'
	id: int
	models: ModelReport
	found: bool = False
	freed: int = 0


class Forecasted(Message):
	"""From the worker: what a graph will need, and what a run of it would do; None if that cannot be told."""

	type: Literal['forecasted'] = 'forecasted'
	id: int
	forecast: Forecast | None
	outlook: Outlook | None = None


class Happened(Message):
	"""From the worker: events of the running job, in order."""

	type: Literal['happened'] = 'happened'
	events: tuple[AnyEvent, ...]


Said = RunJob | Interrupt | Free | Validate | Describe | AskModels | AskForecast | CancelLoad | Unload | Stop
Heard = Described | Ready | Beat | Validated | ModelsTold | Forecasted | Happened
ToWorker = Annotated[Said, Field(discriminator='type')]
FromWorker = Annotated[Heard, Field(discriminator='type')]

to_worker: TypeAdapter[Said] = TypeAdapter(ToWorker, config=ConfigDict(hide_input_in_errors=True))
from_worker: TypeAdapter[Heard] = TypeAdapter(FromWorker)
