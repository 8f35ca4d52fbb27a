"""GLIGEN: phrases that are to be seen in rectangles of the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from engine.declaration import Agreement, Choice, FromFile, Number, Text
from engine.models import Load, Loaders, ModelRef, Weights
from engine.spec import Context, node
from nodes.computing import measure_whole
from nodes.conditioning import FACTOR, Steer, same_family
from nodes.embeddings import embeddings_digest, with_embeddings
from nodes.grounding_values import Grounder, Grounding, Phrase
from nodes.known import MAX_RESOLUTION
from nodes.load import digest_of
from nodes.values import Area, Conditioning, Prompt, TextEncoder

GLIGEN = 'gligen'
SIDE = Number(default=64, min=8, max=MAX_RESOLUTION, step=8)
OFFSET = Number(default=0, min=0, max=MAX_RESOLUTION, step=8)


@node(
	kind='GLIGENLoader',
	category='loaders',
	lane='disk',
	facts={'GLIGEN': {'family': FromFile(input='gligen_name')}},
	fingerprint=digest_of(GLIGEN, 'gligen_name'),
)
def load_grounder(
	context: Context,
	gligen_name: Annotated[str, Choice(files_from='models:gligen'), 'The GLIGEN file, of text in boxes.'],
) -> ModelRef[Grounder]:
	"""Choose a network that lets Stable Diffusion 1 put what phrases say into places."""
	return ModelRef(context.catalogue.digest(context.catalogue.path(GLIGEN, gligen_name)), GLIGEN)


@node(
	kind='GLIGENTextBoxApply',
	category='conditioning/gligen',
	facts=same_family('conditioning_to'),
	agreements=(Agreement(fact='family', inputs=('conditioning_to', 'clip', 'gligen_textbox_model')),),
	fingerprint=embeddings_digest,
)
def ground(
	context: Context,
	conditioning_to: Steer,
	clip: Annotated[ModelRef[TextEncoder], 'The text encoder of the model, which hears the phrase.'],
	gligen_textbox_model: Annotated[ModelRef[Grounder], 'The GLIGEN network.'],
	text: Annotated[
		str, Text(multiline=True, dynamic_prompts=True), 'What is to be seen there; the prompt says it too.'
	],
	width: Annotated[int, SIDE, 'Of the rectangle, in pixels.'],
	height: Annotated[int, SIDE, 'Of the rectangle, in pixels.'],
	x: Annotated[int, OFFSET, 'Of its left side, in pixels from the left.'],
	y: Annotated[int, OFFSET, 'Of its upper side, in pixels from the top.'],
) -> Conditioning:
	"""Have a phrase seen in a rectangle of the picture. Several can be set, one after the other, up to 30."""
	with context.models.use(clip) as encoder:
		vector = with_embeddings(context, encoder).phrase(text)
	phrase = Phrase(vector, Area(height // FACTOR, width // FACTOR, y // FACTOR, x // FACTOR))

	def told(prompt: Prompt) -> Prompt:
		before = () if prompt.grounding is None else prompt.grounding.phrases
		return replace(prompt, grounding=Grounding(gligen_textbox_model, (*before, phrase)))

	return conditioning_to.each(told)


def add_loaders(loaders: Loaders) -> None:
	"""Register the reader of GLIGEN networks."""
	loaders.add(GLIGEN, _load, measure_whole)


def _load(load: Load) -> Weights:
	from nodes.diffusion.gligen import load_gligen

	return load_gligen(load)
