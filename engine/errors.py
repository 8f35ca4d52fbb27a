"""Every exception that Lumengraph raises on purpose.

EngineError
├── GraphError            the graph or its document is wrong; nothing has run
│   ├── BadDocument       the file or body is not a workflow
│   ├── InvalidGraph      the checker found problems; carries all of them
│   └── WrongInputs       values given to a workflow's inputs are none that these take; carries all of them
├── NotFound
│   ├── FileMissing
│   └── ModelNotFound
├── BadName               a file name that leaves its folder
├── Cancelled             a state, not a failure
│   ├── JobCancelled
│   └── ModelLoadCancelled
├── NodeFailed            a node raised; carries job, node, kind, cause
├── BadInput              a value that came in by a link is none that the node can work with
├── NodeUsage             a node was declared or called wrongly by its author
├── ModelError
│   ├── UnknownFormat     the file is no model file, or a damaged one
│   ├── UnknownFamily     a model file of a family that is not known
│   ├── PatchMismatch     a patch was made for another model
│   └── OutOfDeviceMemory
├── NotInstalled          a library or a program is missing, which only some features need
├── PluginError           a pack could not be loaded
└── WorkerLost            the worker process died or fell silent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from engine.check import Problem


class EngineError(Exception):
	"""The root: catch it to catch all that is ours."""


class GraphError(EngineError):
	"""The graph or its document is wrong; nothing has run."""


class BadDocument(GraphError):
	"""The file or request body is not a workflow that can be read."""

	def __init__(self, message: str, *, where: str = '') -> None:
		super().__init__(f'{where}: {message}' if where else message)
		self.where = where


class InvalidGraph(GraphError):
	"""The checker found problems; `problems` holds every one."""

	def __init__(self, problems: Sequence[Problem]) -> None:
		super().__init__('\n'.join(problem.sentence for problem in problems))
		self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class InputMisfit:
	"""A value that one of a workflow's inputs does not take."""

	input: str
	expected: str
	received: str

	@property
	def sentence(self) -> str:
		"""For people: which input, what was expected, what came."""
		return f'input {self.input!r}: expected {self.expected}, got {self.received}'


class WrongInputs(GraphError):
	"""Values given to a workflow's inputs are none that these take; `misfits` holds every one."""

	def __init__(self, misfits: Sequence[InputMisfit]) -> None:
		super().__init__('; '.join(misfit.sentence for misfit in misfits))
		self.misfits = tuple(misfits)


class NotFound(EngineError):
	"""Something that was asked for by name does not exist."""


class FileMissing(NotFound):
	"""A file in the input, output or temp folder does not exist."""

	def __init__(self, name: str, folder: str) -> None:
		super().__init__(f'There is no file {name!r} in the {folder} folder.')
		self.name = name
		self.folder = folder


class ModelNotFound(NotFound):
	"""No model file of that name (or digest) lies in the model folders."""

	def __init__(self, name: str, folder: str, *, looked_in: Sequence[str] = ()) -> None:
		places = f' Looked in: {", ".join(looked_in)}.' if looked_in else ''
		super().__init__(f'There is no model {name!r} under {folder}.{places}')
		self.name = name
		self.folder = folder


class BadName(EngineError):
	"""A file name that would leave its folder, or cannot be a name there for another reason."""

	def __init__(self, name: str, folder: str, *, reason: str = 'it leaves the folder') -> None:
		super().__init__(f'The name {name!r} cannot be used in the {folder} folder: {reason}.')
		self.name = name
		self.folder = folder


class Cancelled(EngineError):
	"""Somebody asked for a stop: a state, not a failure."""


class JobCancelled(Cancelled):
	"""The running job was interrupted."""


class ModelLoadCancelled(Cancelled):
	"""A model was being loaded, and nobody wants it any more. `id` is that of the load."""

	def __init__(self, id: str, reason: str) -> None:
		super().__init__(f'The loading of the model was cancelled: {reason}.')
		self.id = id
		self.reason = reason


class NodeFailed(EngineError):
	"""A node's function raised. `cause` is what it raised."""

	def __init__(self, node: str, kind: str, cause: BaseException) -> None:
		super().__init__(f'Node {node!r} ({kind}) failed: {cause}')
		self.node = node
		self.kind = kind
		self.cause = cause


class BadInput(EngineError):
	"""A value is of the right type, and yet none that the node can work with: a wrong size, a missing channel."""

	def __init__(self, name: str, expected: str, received: str) -> None:
		super().__init__(f'Input {name!r}: expected {expected}, got {received}.')
		self.name = name
		self.expected = expected
		self.received = received


class NodeUsage(EngineError):
	"""A node was declared, or behaved, against the rules of the node API."""


class DependencyCycle(EngineError):
	"""Nodes wait for each other in a circle, which an expansion has closed while the job ran."""

	def __init__(self, node: str, kind: str, circle: Sequence[str] = ()) -> None:
		told = f': {" -> ".join(circle)}' if circle else ''
		super().__init__(f'The links lead in a circle through node {node!r} ({kind}){told}.')
		self.node = node
		self.kind = kind
		self.circle = tuple(circle)


class ModelError(EngineError):
	"""A model file cannot be used."""


class UnknownFormat(ModelError):
	"""The file is not what it was taken for, mostly a model file, or it is damaged."""

	def __init__(self, path: object, reason: str, *, taken_for: str = 'a model file') -> None:
		super().__init__(f'{path} cannot be read as {taken_for}: {reason}')
		self.path = path
		self.reason = reason


class ModelFileChanged(ModelError):
	"""A model file was written to, replaced or cut short while the model was in use."""

	def __init__(self, path: object, reason: str) -> None:
		super().__init__(f'{path} has changed while its model was in use: {reason}. Run again to use it as it is now.')
		self.path = path
		self.reason = reason


class UnknownFamily(ModelError):
	"""A readable model file whose tensors match no known family."""


class PatchMismatch(ModelError):
	"""A patch was made for another model: its tensors fit none of this one's."""


class OutOfDeviceMemory(ModelError):
	"""The device has no room, even after everything unused has left."""

	def __init__(self, needed: int, free: int, holders: Sequence[str] = ()) -> None:
		held = f' In use: {", ".join(holders)}.' if holders else ''
		super().__init__(f'{needed / 2**20:.0f} MiB are needed, {free / 2**20:.0f} MiB are free.{held}')
		self.needed = needed
		self.free = free
		self.holders = tuple(holders)


class NotInstalled(EngineError):
	"""A library or a program is missing that only some features need; `advice` says what to do."""

	def __init__(self, name: str, purpose: str, advice: str) -> None:
		super().__init__(f'{purpose} needs {name}, which is not installed: {advice}.')
		self.name = name
		self.advice = advice


class PluginError(EngineError):
	"""A pack of nodes could not be loaded; the rest of the program goes on."""

	def __init__(self, pack: str, reason: str) -> None:
		super().__init__(f'Pack {pack!r}: {reason}')
		self.pack = pack
		self.reason = reason


class WorkerLost(EngineError):
	"""The worker process died or fell silent."""

	def __init__(self, reason: str) -> None:
		super().__init__(reason)
		self.reason = reason
