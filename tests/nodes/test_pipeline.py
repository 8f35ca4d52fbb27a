"""The main job, from checkpoint to picture, on a tiny real model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.events import AnyEvent, NodePreview, NodeProgress
from engine.graph import Call, Constant, Graph, Link, NodeId
from nodes.diffusion.names import SAMPLERS, SCHEDULES
from tests.nodes.conftest import Bench, link, make_graph, text_to_image


class TestTextToImage:
	"""load → encode → sample → decode → save."""

	def test_makes_a_picture_of_the_asked_size(self, bench: Bench) -> None:
		"""Width, height and batch size of the empty latent are those of the saved pictures."""
		outcome = bench.run(text_to_image(side=64, batch=2))
		sizes = [open_picture(path).size for path in bench.pictures()]

		assert outcome.failure is None
		assert sizes == [(64, 64), (64, 64)]

	def test_equal_seed_gives_the_equal_picture(self, bench: Bench) -> None:
		"""After everything is forgotten, the same graph makes the same pixels again."""
		bench.run(text_to_image())
		first = open_picture(bench.pictures()[0]).tobytes()
		bench.runner.cache.clear()
		bench.runner.models.unload()
		bench.run(text_to_image())
		second = open_picture(bench.pictures()[0]).tobytes()

		assert first == second

	def test_progress_counts_every_step(self, bench: Bench) -> None:
		"""The sampler tells each of its steps, up to the last."""
		bench.run(text_to_image(steps=3))
		ticks = [(event.done, event.total) for event in bench.events if isinstance(event, NodeProgress)]

		assert ticks == [(1, 3), (2, 3), (3, 3)]

	def test_equal_prompts_are_encoded_once(self, bench: Bench) -> None:
		"""Two nodes of one text and one encoder are one call; another text is one more."""
		bench.run(text_to_image(seed=1, text=''))
		same = [node for node in bench.called if node in ('positive', 'negative')]
		bench.run(text_to_image(seed=1, text='a red circle'))
		other = [node for node in bench.called if node in ('positive', 'negative')]

		assert len(same) == 1
		assert other == ['positive']

	def test_previews_are_made_only_when_asked_for(self, bench: Bench) -> None:
		"""A job that wants previews gets JPEGs, though not of steps that follow at once; another gets none."""
		bench.run(text_to_image(seed=1, steps=2), previews='auto')
		asked = [event for event in bench.events if isinstance(event, NodePreview)]
		bench.run(text_to_image(seed=2, steps=2))
		unasked = [event for event in bench.events if isinstance(event, NodePreview)]

		assert len(asked) in (1, 2)
		assert asked[0].image.startswith(b'\xff\xd8')
		assert unasked == []

	@pytest.mark.parametrize('sampler', SAMPLERS)
	def test_every_sampler_on_offer_runs(self, bench: Bench, sampler: str) -> None:
		"""Whatever the editor offers as a sampler makes a picture."""
		outcome = bench.run(text_to_image(sampler=sampler, steps=3, side=32))

		assert outcome.failure is None

	@pytest.mark.parametrize('scheduler', SCHEDULES)
	def test_every_scheduler_on_offer_runs(self, bench: Bench, scheduler: str) -> None:
		"""Whatever the editor offers as a scheduler makes a picture."""
		outcome = bench.run(text_to_image(scheduler=scheduler, steps=3, side=32))

		assert outcome.failure is None

	def test_cancel_between_steps(self, bench: Bench) -> None:
		"""A job cancelled at the sampler's first step makes no picture, and the next one runs."""
		cancel = CancelToken()
		graph = text_to_image(steps=50)
		checked = bench.runner.check(graph)

		def stop_at_first_step(event: AnyEvent) -> None:
			if isinstance(event, NodeProgress):
				cancel.cancel()

		bench.when = stop_at_first_step
		outcome = bench.runner.run(checked.graph, checked.sinks, JobInfo('job'), cancel)
		steps = [event for event in bench.events if isinstance(event, NodeProgress)]
		again = bench.run(text_to_image(steps=1))

		assert outcome.state == 'cancelled'
		assert outcome.node == 'sample'
		assert len(steps) == 1
		assert again.state == 'succeeded'


class TestWhatRecomputes:
	"""Only what changed runs again."""

	def test_nothing_runs_the_second_time(self, bench: Bench) -> None:
		"""The same graph again calls no node, and tells the same picture."""
		bench.run(text_to_image())
		first = bench.pictures()
		bench.run(text_to_image())

		assert bench.called == []
		assert bench.pictures() == first

	def test_new_seed_runs_sampler_decode_save(self, bench: Bench) -> None:
		"""Loader and encoders come from the cache when only the seed is another."""
		bench.run(text_to_image(seed=1))
		bench.run(text_to_image(seed=2))

		assert bench.called == ['sample', 'decode', 'save']

	def test_new_prompt_leaves_the_other_encoder_alone(self, bench: Bench) -> None:
		"""Another positive prompt is encoded; the negative one is not again."""
		bench.run(text_to_image(text='a red circle'))
		bench.run(text_to_image(text='a blue circle'))

		assert bench.called == ['positive', 'sample', 'decode', 'save']

	def test_cached_picture_loads_no_model(self, bench: Bench) -> None:
		"""Weights that were unloaded stay so when the picture is in the cache."""
		bench.run(text_to_image())
		bench.runner.models.unload()
		bench.run(text_to_image())

		assert bench.runner.models.residents() == ()

	def test_renumbered_graph_is_the_same(self, bench: Bench) -> None:
		"""Node ids do not enter the keys."""
		bench.run(text_to_image())
		renamed = text_to_image()
		bench.run(rename(renamed))

		assert bench.called == []

	def test_deleted_picture_is_saved_again(self, bench: Bench) -> None:
		"""A saved picture whose file is gone is no hit; the pixels still are."""
		bench.run(text_to_image())
		bench.pictures()[0].unlink()
		bench.run(text_to_image())

		assert bench.called == ['save']
		assert bench.pictures()[0].is_file()


class TestImageToImage:
	"""A picture from the input folder goes through encode, sample, decode."""

	def test_low_denoise_stays_near_the_picture(self, bench: Bench) -> None:
		"""With denoise 0 the sampler gives back what it got: the result is the VAE's own copy of the picture."""
		folder = bench.settings.input_folder
		folder.mkdir()
		Image.new('RGB', (64, 64), (200, 30, 30)).save(folder / 'red.png')
		graph = image_to_image(denoise=0.0)
		bench.run(graph)
		untouched = open_picture(bench.pictures()[0]).tobytes()
		bench.run(image_to_image(denoise=0.0, direct=True))
		copied = open_picture(bench.pictures()[0]).tobytes()

		assert untouched == copied


class TestMetadata:
	"""Saved pictures carry the workflow that made them."""

	def test_prompt_is_in_the_png(self, bench: Bench) -> None:
		"""The prompt chunk is the submitted graph, the others come from extra_pnginfo."""
		graph = text_to_image()
		checked = bench.runner.check(graph)
		job = JobInfo('job', prompt_json='{"a": {"class_type": "X"}}', extra_pnginfo={'workflow': {'nodes': []}})
		bench.runner.run(checked.graph, checked.sinks, job, CancelToken())
		with Image.open(bench.pictures()[0]) as picture:
			chunks = dict(picture.info)

		assert json.loads(chunks['prompt']) == {'a': {'class_type': 'X'}}
		assert json.loads(chunks['workflow']) == {'nodes': []}

	def test_previews_go_to_the_temp_folder(self, bench: Bench) -> None:
		"""PreviewImage leaves nothing in the output folder."""
		bench.run(text_to_image(sink='PreviewImage'))
		path = bench.pictures()[0]

		assert path.parent == bench.settings.temp_folder.resolve()
		assert not bench.settings.output_folder.exists()


def open_picture(path: Path) -> Image.Image:
	"""A picture in memory, its file closed."""
	with Image.open(path) as opened:
		opened.load()
		return opened.copy()


def rename(graph: Graph) -> Graph:
	"""The same graph under other ids, the other way round."""
	new = {node: NodeId(f'n{index}') for index, node in enumerate(graph.calls)}
	calls: dict[NodeId, Call] = {}
	for node in reversed(list(graph.calls)):
		call = graph.calls[node]
		calls[new[node]] = Call(
			call.kind,
			{
				name: Link(new[value.node], value.output) if isinstance(value, Link) else value
				for name, value in call.inputs.items()
			},
		)
	return Graph(calls)


def image_to_image(*, denoise: float, direct: bool = False) -> Graph:
	"""red.png → encode → sample → decode → save; `direct` leaves the sampler out."""
	base = text_to_image()
	parts = make_graph(
		load=('LoadImage', {'image': 'red.png'}),
		encode=('VAEEncode', {'pixels': link('load'), 'vae': link('model', 2)}),
		decode=('VAEDecode', {'samples': link('encode' if direct else 'sample'), 'vae': link('model', 2)}),
	)
	changed = Graph({**base.calls, **parts.calls})
	return changed.with_inputs(
		{NodeId('sample'): {'latent_image': link('encode'), 'denoise': Constant(denoise)}},
	)
