"""Tiny VAEs: chosen like others, and drawing previews."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from engine.declaration import Choice
from engine.events import NodePreview
from engine.graph import NodeId
from engine.previews import PreviewMethod
from engine.settings import Settings
from tests import tiny_vaes
from tests.nodes.conftest import Bench, link, make_graph, text_to_image

SIDE = 64


@pytest.fixture
def tiny(tmp_path: Path, tiny_models: Path) -> Bench:
	"""A runner with the tiny model and a tiny VAE for it."""
	models = tmp_path / 'models'
	shutil.copytree(tiny_models, models)
	tiny_vaes.save(models / 'vae_approx', 'taesd', *tiny_vaes.halves(4))
	return Bench(Settings(base=tmp_path))


def sides(bench: Bench) -> list[int]:
	"""How wide the previews of the last run were."""
	shown = [event.image for event in bench.events if isinstance(event, NodePreview)]
	return [Image.open(io.BytesIO(image)).width for image in shown]


class TestLoader:
	"""`VAELoader`."""

	def test_offers_those_that_are_whole(self, tiny: Bench) -> None:
		"""By their names; the others are no options. Pixels as latents need no file."""
		nodes = tiny.runner.storage.described([tiny.runner.kit.nodes['VAELoader'].info])
		widget = nodes[0].inputs[0].widget

		assert isinstance(widget, Choice)
		assert widget.options == ('taesd', 'pixel_space')

	def test_decodes_in_place_of_the_model_s_own(self, tiny: Bench) -> None:
		"""Another picture of the same latent, as large."""
		graph = text_to_image(side=SIDE)
		assert tiny.run(graph).failure is None
		own = tiny.pictures()[0].read_bytes()
		loader = make_graph(vae=('VAELoader', {'vae_name': 'taesd'}))
		graph = type(graph)({**graph.calls, **loader.calls}).with_inputs({NodeId('decode'): {'vae': link('vae')}})

		assert tiny.run(graph).failure is None
		assert tiny.called == ['vae', 'decode', 'save']
		with Image.open(tiny.pictures()[0]) as made:
			assert made.size == (SIDE, SIDE)
		assert tiny.pictures()[0].read_bytes() != own


class TestPreviews:
	"""What is shown of a latent while it is made."""

	def test_tiny_vae_draws_them(self, tiny: Bench) -> None:
		"""At the picture's own size, where colours alone are blown up from a point per latent."""
		tiny.run(text_to_image(side=SIDE), previews='auto')

		assert set(sides(tiny)) == {SIDE}

	def test_large_pictures_are_drawn_small(self, tiny: Bench) -> None:
		"""512 pixels of the longer side, however large the picture: what is shown is no larger."""
		tiny.run(text_to_image(side=640), previews='taesd')

		assert set(sides(tiny)) == {512}

	def test_methods_do_what_they_say(self, tiny: Bench) -> None:
		"""Colours are taken where they are asked for, though there is a tiny VAE."""
		found: dict[str, set[int]] = {}
		methods: tuple[PreviewMethod, ...] = ('none', 'latent2rgb', 'taesd', 'auto')
		for seed, method in enumerate(methods):
			tiny.run(text_to_image(side=SIDE, seed=seed), previews=method)
			found[method] = set(sides(tiny))

		assert found == {'none': set(), 'latent2rgb': {256}, 'taesd': {SIDE}, 'auto': {SIDE}}

	def test_a_missing_one_is_told_if_it_was_asked_for(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
		"""Colours stand in, and the log says what file is missing; where anything will do, nothing is said."""
		bench.run(text_to_image(seed=1), previews='auto')
		assert caplog.text == ''
		bench.run(text_to_image(seed=2), previews='taesd')

		assert set(sides(bench)) == {256}
		assert 'there is no tiny VAE, taesd_decoder, in models/vae_approx' in caplog.text

	def test_decoder_is_enough(self, tiny: Bench) -> None:
		"""As people put just that one there."""
		(tiny.settings.models_folder / 'vae_approx' / 'taesd_encoder.safetensors').unlink()
		tiny.run(text_to_image(side=SIDE), previews='auto')

		assert set(sides(tiny)) == {SIDE}

	def test_a_broken_one_is_done_without(self, tiny: Bench, caplog: pytest.LogCaptureFixture) -> None:
		"""The job goes on, with previews from colours; the log tells why."""
		(tiny.settings.models_folder / 'vae_approx' / 'taesd_decoder.safetensors').write_bytes(b'nothing')

		assert tiny.run(text_to_image(side=SIDE), previews='auto').failure is None
		assert set(sides(tiny)) == {256}
		assert 'without the tiny VAE' in caplog.text

	def test_not_loaded_where_nobody_looks(self, tiny: Bench) -> None:
		"""It takes no room in a job without previews."""
		tiny.run(text_to_image(side=SIDE))

		assert all(one.ref.part != 'tiny_vae' for one in tiny.runner.models.residents())
