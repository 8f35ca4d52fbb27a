"""A node as code: a typed function, with its declaration read from its signature.

	@node(kind='VAEDecode', category='latent')
	def vae_decode(context: Context, samples: Latent, vae: ModelRef[AutoEncoder]) -> Images:
		'''Turn a latent picture into pixels.'''

A parameter annotated `Context` gets the context. Any other parameter is an input, required unless it has a default;
`Annotated[int, Number(min=1, default=20), 'What it is for']` gives it a widget and a tooltip. `list[T]` takes all items
of a list at once, `Lazy[T]` is computed when asked for, a type variable takes any type and hands it on. The result is one
value, or a NamedTuple whose fields are the outputs; `list[T]` gives a list of items; `| Skip` and `| Expand` say that it
may do so (`engine.flow`). A parameter may stand for several inputs (`engine.dynamic`). A mapping among the annotations
is what clients are told of a widget that only they know, which may give any JSON. The function may be a coroutine
function. The docstring is what the editor shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import JsonValue

from engine.context import Context
from engine.declaration import (
	Agreement,
	Caching,
	Hidden,
	Lane,
	NodeInfo,
	Source,
	Validator,
)
from engine.dynamic import gathering
from engine.errors import NodeUsage
from engine.graph import NodeId
from engine.signature import read_inputs, read_outputs, read_variants
from engine.storage import Storage

F = TypeVar('F', bound=Callable[..., object])
Fingerprint = Callable[[Storage, Mapping[str, JsonValue]], str | None]
"""(storage, constants by input name) → the state of the outside world that the node depends on, as text.

None says that it is never the same: the node runs each time.
"""

__all__ = ['Context', 'Fingerprint', 'NodeSpec', 'Probe', 'ValidationRequest', 'node', 'spec_of']
ATTRIBUTE = '__node__'


@dataclass(frozen=True, slots=True)
class Probe:
	"""What a node may look at to tell its fingerprint, before anything runs: constants, and which inputs are linked."""

	storage: Storage
	node: NodeId
	constants: Mapping[str, JsonValue]
	links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValidationRequest:
	"""One node whose constants it shall judge itself; `links` maps linked inputs to the types that they bring."""

	node: NodeId
	kind: str
	constants: Mapping[str, JsonValue]
	links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeSpec:
	"""A declaration with the function that does it.

	`context` is the name of the parameter that gets the context. `fingerprint` tells the outside state, such as a
	file's digest, that belongs in the cache key; None stands for "never the same". `validate` judges constants and gives
	a sentence if it refuses them. `wants` names the inputs that a call, given what is there (None for what is not),
	still needs; it is asked again until it names nothing new. `is_async` says that `call` gives an awaitable.
	"""

	info: NodeInfo
	call: Callable[..., object]
	context: str | None = None
	fingerprint: Callable[[Probe], str | None] | None = None
	validate: Callable[[ValidationRequest], str | None] | None = None
	wants: Callable[[Context, Mapping[str, object]], tuple[str, ...]] | None = None
	is_async: bool = False


def node(
	*,
	category: str,
	kind: str = '',
	title: str = '',
	version: str = '1',
	sink: bool = False,
	lane: Lane = 'device',
	caching: Caching = 'value',
	hidden: tuple[Hidden, ...] = (),
	outputs: tuple[str, ...] = (),
	facts: Mapping[str, Mapping[str, Source]] | None = None,
	agreements: tuple[Agreement, ...] = (),
	fingerprint: Fingerprint | None = None,
	validate: Callable[[ValidationRequest], str | None] | None = None,
	time_limit: float | None = None,
	deprecated: bool = False,
	experimental: bool = False,
) -> Callable[[F], F]:
	"""Read a spec off a function's signature and attach it. Registers nothing.

	`outputs` names the outputs where the result's type does not. `facts` maps an output's name to what is known of it
	before running. `validate` sees all constants that are good by their widgets. A call that takes more than `time_limit`
	seconds is taken for hung. A `deprecated` kind is there for old workflows, an `experimental` one may change: editors show
	it. Raises `NodeUsage` for what cannot be a node.
	"""

	def attach(function: F) -> F:
		name = kind or ''.join(part.capitalize() for part in function.__name__.split('_'))
		context, inputs = read_inputs(name, function)
		classes = read_variants(function) if any(item.dynamic is not None for item in inputs) else None
		read = read_outputs(name, function, outputs)
		unknown = set(facts or {}) - {output.name for output in read}
		if unknown:
			raise NodeUsage(f'{name}: facts are given of {sorted(unknown)}, which are not among its outputs.')
		info = NodeInfo(
			kind=name,
			title=title or name,
			category=category,
			description=inspect.cleandoc(function.__doc__ or ''),
			version=version,
			inputs=inputs,
			outputs=tuple(
				output.model_copy(update={'facts': dict((facts or {}).get(output.name, {}))}) for output in read
			),
			lane=lane,
			sink=sink,
			caching=caching,
			hidden={item: item for item in hidden},
			agreements=agreements,
			validator=None if validate is None else Validator(),
			time_limit=time_limit,
			deprecated=deprecated,
			experimental=experimental,
		)
		setattr(
			function,
			ATTRIBUTE,
			NodeSpec(
				info,
				function if classes is None else gathering(function, inputs, classes),
				context,
				None if fingerprint is None else _probing(fingerprint),
				validate,
				is_async=inspect.iscoroutinefunction(function),
			),
		)
		return function

	return attach


def spec_of(function: object) -> NodeSpec | None:
	"""The spec that `@node` attached, if it did."""
	found = getattr(function, ATTRIBUTE, None)
	return found if isinstance(found, NodeSpec) else None


def _probing(fingerprint: Fingerprint) -> Callable[[Probe], str | None]:
	def probe(asked: Probe) -> str | None:
		return fingerprint(asked.storage, asked.constants)

	return probe
