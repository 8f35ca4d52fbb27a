"""A runner with the built-in nodes and one tiny checkpoint, `tiny.safetensors`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.events import AnyEvent, JobFinished, NodeFinished, NodeStarted
from engine.graph import Call, Constant, Graph, Link, NodeId
from engine.models import Loaders
from engine.modelstore import ModelStore
from engine.previews import PreviewMethod
from engine.runner import Runner
from engine.settings import Settings
from engine.storage import Storage
from tests import tiny


class Bench:
	"""A runner whose events are kept; `when` is called with each as it happens."""

	def __init__(self, settings: Settings) -> None:
		self.settings = settings
		self.events: list[AnyEvent] = []
		self.when: Callable[[AnyEvent], None] = lambda event: None
		self.runner = Runner(settings, self._hear)

	def _hear(self, event: AnyEvent) -> None:
		self.events.append(event)
		self.when(event)

	def run(self, graph: Graph, *, previews: PreviewMethod = 'none') -> JobFinished:
		"""Run all sinks of a graph that must be good."""
		self.events.clear()
		return self.runner.run_all(graph, JobInfo('job', previews=previews))

	@property
	def called(self) -> list[str]:
		"""The nodes whose functions were called in the last run."""
		return [event.node for event in self.events if isinstance(event, NodeStarted)]

	def pictures(self, node: str = 'save') -> list[Path]:
		"""The files that a sink showed in the last run."""
		return [
			self.runner.storage.files.saved(image)
			for event in self.events
			if isinstance(event, NodeFinished) and event.node == node and event.ui is not None
			for image in event.ui.images
		]


@pytest.fixture(scope='session')
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""A models folder with `checkpoints/tiny.safetensors`, written once."""
	folder = tmp_path_factory.mktemp('models')
	(folder / 'checkpoints').mkdir()
	tiny.save_checkpoint(folder / 'checkpoints' / 'tiny.safetensors')
	return folder


@pytest.fixture
def bench(tmp_path: Path, tiny_models: Path) -> Bench:
	"""A runner of its own for the test, sharing the tiny model."""
	return Bench(Settings(base=tmp_path, models=tiny_models))


@pytest.fixture
def context(settings: Settings) -> Context:
	"""A context over empty folders, with an input folder to put pictures in, of a job with a workflow."""
	settings.input_folder.mkdir()
	storage = Storage.of(settings)
	store = ModelStore(Loaders(), storage.catalogue.find, budget=0)
	job = JobInfo('job', '{"1": {"class_type": "Ä"}}', {'workflow': {'nodes': []}})
	return Context(job, 'node', models=store, storage=storage, cancel=CancelToken(), publish=lambda event: None)


def text_to_image(
	*,
	seed: int = 1,
	steps: int = 2,
	text: str = 'a red circle',
	sampler: str = 'euler',
	scheduler: str = 'normal',
	side: int = 64,
	batch: int = 1,
	checkpoint: str = 'tiny.safetensors',
	sink: str = 'SaveImage',
) -> Graph:
	"""The main job as a graph: load, encode twice, sample, decode, save."""
	return make_graph(
		model=('CheckpointLoaderSimple', {'ckpt_name': checkpoint}),
		positive=('CLIPTextEncode', {'text': text, 'clip': link('model', 1)}),
		negative=('CLIPTextEncode', {'text': '', 'clip': link('model', 1)}),
		latent=('EmptyLatentImage', {'width': side, 'height': side, 'batch_size': batch}),
		sample=(
			'KSampler',
			{
				'model': link('model', 0),
				'seed': seed,
				'steps': steps,
				'cfg': 2.0,
				'sampler_name': sampler,
				'scheduler': scheduler,
				'positive': link('positive'),
				'negative': link('negative'),
				'latent_image': link('latent'),
				'denoise': 1.0,
			},
		),
		decode=('VAEDecode', {'samples': link('sample'), 'vae': link('model', 2)}),
		save=(
			sink,
			{'images': link('decode'), **({'filename_prefix': 'tiny'} if sink == 'SaveImage' else {})},
		),
	)


def link(node: str, output: int = 0) -> Link:
	"""A link to a node's output."""
	return Link(NodeId(node), output)


def make_graph(**calls: tuple[str, dict[str, Link | str | int | float]]) -> Graph:
	"""A graph from node id = (kind, inputs)."""
	return Graph(
		{
			NodeId(node): Call(
				kind, {name: value if isinstance(value, Link) else Constant(value) for name, value in inputs.items()}
			)
			for node, (kind, inputs) in calls.items()
		}
	)
