from itertools import chain

import numpy as np
import pytest

from nodes.demo.captions import ASPECT_WORDS, NOTHING, OTHER, PHRASES, RELATIONS, SYNONYMS, caption, prompt, vocabulary
from nodes.demo.dataset import training_scene
from nodes.demo.pictures import Scene, Thing, place_thing


def ways_to_say(aspect: str, word: str) -> tuple[str, ...]:
	relations = [words for places, words in RELATIONS.items() if word in places]
	said = (*PHRASES[word], *chain(*relations)) if aspect == 'place' else SYNONYMS.get(word, (word,))
	return tuple(said)


def drawn_aspects(thing: Thing) -> dict[str, str]:
	return {'color': thing.color, 'shape': thing.shape, 'size': thing.size, 'place': thing.place}


class TestPrompt:
	@pytest.mark.parametrize(
		('scene', 'words'),
		[
			(Scene('white', place_thing('circle', 'green')), 'a green circle on a white background'),
			(Scene('orange', place_thing('star', 'orange', 'large')), 'a large orange star on an orange background'),
			(
				Scene('gray', place_thing('cross', 'red', 'small', 'top left')),
				'a small red cross in the top left corner on a gray background',
			),
			(Scene('blue'), 'a blue background'),
			(
				Scene(
					'white', place_thing('star', 'red', place='left'), place_thing('heart', 'blue', 'small', 'right')
				),
				'a red star on the left and a small blue heart on the right on a white background',
			),
		],
	)
	def test_says_everything_once(self, scene: Scene, words: str) -> None:
		assert prompt(scene) == words


class TestCaption:
	def test_what_is_told_is_drawn_and_stands_in_the_text(self) -> None:
		random = np.random.default_rng(0)
		for _ in range(500):
			scene = training_scene(random)
			found = caption(scene, random)
			drawn = {'back': scene.back, 'shape': NOTHING, 'other shape': NOTHING}
			if scene.thing is not None:
				drawn |= drawn_aspects(scene.thing)
			if scene.other is not None:
				drawn |= {OTHER + aspect: word for aspect, word in drawn_aspects(scene.other).items()}

			assert found.told.items() <= drawn.items()
			for aspect, word in found.told.items():
				assert word in ASPECT_WORDS[aspect]
				ways = ways_to_say(aspect.removeprefix(OTHER), word)
				assert word == NOTHING or any(way in found.text for way in ways), found.text

	def test_colours_that_are_not_told_are_not_in_the_text(self) -> None:
		random = np.random.default_rng(1)
		scene = Scene('pink', place_thing('square', 'brown'))
		silent = [found for found in (caption(scene, random) for _ in range(600)) if 'color' not in found.told]

		assert silent
		assert not any('brown' in found.text for found in silent)

	def test_order_and_wording_vary(self) -> None:
		random = np.random.default_rng(2)
		scene = Scene('gray', place_thing('circle', 'red', 'small', 'left'))
		texts = {caption(scene, random).text for _ in range(300)}

		assert len(texts) > 150
		assert any(text.startswith('grey background,') for text in texts)
		assert 'a small red circle on the left on a gray background' in texts

	def test_every_word_is_in_the_vocabulary(self) -> None:
		random = np.random.default_rng(3)
		known = set(vocabulary())
		said = {word for _ in range(2000) for word in caption(training_scene(random), random).text.split()}

		assert {word.strip(',') for word in said} <= known
