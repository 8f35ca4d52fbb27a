"""Scenes in words. Captions vary in order, wording and what they leave out, so that full and short prompts are both obeyed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nodes.demo.pictures import PALETTE, PLACES, SHAPES, SIZES, Scene, Thing

NOTHING = 'nothing'
"""What a caption says of the shape where there is no thing, or no other one."""

SYNONYMS: Mapping[str, tuple[str, ...]] = {
	'gray': ('gray', 'grey'),
	'cyan': ('cyan', 'turquoise'),
	'purple': ('purple', 'violet'),
	'small': ('small', 'tiny', 'little'),
	'large': ('large', 'big', 'huge'),
	'cross': ('cross', 'plus'),
	'square': ('square', 'box'),
	'circle': ('circle', 'disc', 'dot'),
}
PHRASES: Mapping[str, tuple[str, ...]] = {
	'center': ('in the center', 'in the middle'),
	'left': ('on the left', 'at the left', 'on the left side'),
	'right': ('on the right', 'at the right', 'on the right side'),
	'top': ('at the top', 'on top'),
	'bottom': ('at the bottom', 'on the bottom'),
	'top left': ('in the top left corner', 'at the top left', 'in the upper left corner'),
	'top right': ('in the top right corner', 'at the top right', 'in the upper right corner'),
	'bottom left': ('in the bottom left corner', 'at the bottom left', 'in the lower left corner'),
	'bottom right': ('in the bottom right corner', 'at the bottom right', 'in the lower right corner'),
}
RELATIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
	('top', 'bottom'): ('above', 'over'),
	('bottom', 'top'): ('below', 'under'),
	('left', 'right'): ('left of', 'to the left of'),
	('right', 'left'): ('right of', 'to the right of'),
}
"""What can be said in place of the two places of a pair."""

_OPENINGS = ('a picture of', 'a drawing of', 'an image of', 'a photo of', 'an illustration of', 'a painting of')
_CLOSINGS = ('high quality', 'best quality', 'simple', 'detailed', 'flat', 'masterpiece', 'clean', 'sharp')
_OTHER_WORDS = (
	'abstract and art artwork bad beautiful behind below above beside between blurry bright cartoon clear color colorful dark '
	'deformed design digital distorted draft flat four geometric good graphic icon inside into is it jpeg light low lowres '
	'logo minimal near noise noisy object of one only over pale pattern photograph plain poster quality render scene shade '
	'shiny shot sketch solid style symbol text texture that the three to two ugly under vector very vivid watermark without '
	'worst wide tall by for from its in on no not with a an at'
)


_RELATION_SHARE = 0.3


@dataclass(frozen=True)
class Caption:
	"""A caption and what it tells: those aspects of `ASPECT_WORDS` that are said, in palette words."""

	text: str
	told: Mapping[str, str]


THING_WORDS: Mapping[str, tuple[str, ...]] = {
	'color': tuple(PALETTE),
	'shape': (*SHAPES, NOTHING),
	'size': tuple(SIZES),
	'place': tuple(PLACES),
}
"""Everything that can be told of a thing."""

OTHER = 'other '
ASPECT_WORDS: Mapping[str, tuple[str, ...]] = {
	'back': tuple(PALETTE),
	**THING_WORDS,
	**{OTHER + aspect: words for aspect, words in THING_WORDS.items()},
}
"""Everything that can be told of each aspect of a scene; the other thing's are called 'other color' and so on."""


def with_article(words: str) -> str:
	"""
	>>> with_article('orange star')
	'an orange star'
	"""
	return f'an {words}' if words[0] in 'aeiou' else f'a {words}'


def prompt(scene: Scene) -> str:
	"""The plain full prompt for a scene, the one the evaluation uses.

	>>> from nodes.demo.pictures import place_thing
	>>> prompt(Scene('white', place_thing('star', 'orange', 'small', 'left')))
	'a small orange star on the left on a white background'
	"""
	back = f'{with_article(scene.back)} background'
	things = ' and '.join(_plainly(thing) for thing in scene.things)
	return f'{things} on {back}' if things else back


def caption(scene: Scene, random: np.random.Generator, drop: float = 0.08) -> Caption:
	"""Words for a scene, different each time; colours and place are left out with a chance of about `drop` each."""
	if scene.thing is None:
		told = {'back': scene.back, 'shape': NOTHING, f'{OTHER}shape': NOTHING}
		return Caption(_dressed(_backdrop_alone(scene.back, random), random), told)
	first = _told(scene.thing, random, drop)
	if scene.other is None:
		told = {**first, f'{OTHER}shape': NOTHING}
		body = _noun_with_place(first, random)
	else:
		second = _told(scene.other, random, drop)
		relations = RELATIONS.get((scene.thing.place, scene.other.place), ())
		if relations and random.random() < _RELATION_SHARE:
			first['place'], second['place'] = scene.thing.place, scene.other.place
			body = f'{_noun(first, random)} {_pick(relations, random)} {_noun(second, random)}'
		else:
			body = f'{_noun_with_place(first, random)} and {_noun_with_place(second, random)}'
		told = {**first, **{OTHER + aspect: word for aspect, word in second.items()}}
	if random.random() < drop:
		return Caption(_dressed(body, random), told)
	words = _with_backdrop(body, _say(scene.back, random), random)
	return Caption(_dressed(words, random), {**told, 'back': scene.back})


def vocabulary() -> list[str]:
	"""Every word a caption may have and some that prompts often have, sorted: each becomes one token."""
	texts = [*_OPENINGS, *_CLOSINGS, _OTHER_WORDS, 'background backdrop shape empty centered']
	texts += [*PALETTE, *SHAPES, *SIZES]
	texts += [word for words in (*SYNONYMS.values(), *PHRASES.values(), *RELATIONS.values()) for word in words]
	return sorted({word for text in texts for word in text.split()})


def _plainly(thing: Thing) -> str:
	size = '' if thing.size == 'medium' else f'{thing.size} '
	place = '' if thing.place == 'center' else f' {PHRASES[thing.place][0]}'
	return f'{with_article(f"{size}{thing.color} {thing.shape}")}{place}'


def _told(thing: Thing, random: np.random.Generator, drop: float) -> dict[str, str]:
	"""What the caption will tell of a thing. Medium size and the centre go mostly without saying, so that unsaid means them."""
	chances = {
		'shape': 1 - drop / 2,
		'color': 1 - drop,
		'size': 0.1 if thing.size == 'medium' else 1 - drop,
		'place': 0.25 if thing.place == 'center' else 1 - drop,
	}
	words = {'shape': thing.shape, 'color': thing.color, 'size': thing.size, 'place': thing.place}
	return {aspect: words[aspect] for aspect, chance in chances.items() if random.random() < chance}


def _noun_with_place(told: Mapping[str, str], random: np.random.Generator) -> str:
	place = _pick(PHRASES[told['place']], random) if 'place' in told else ''
	return _joined(_noun(told, random), place)


def _noun(told: Mapping[str, str], random: np.random.Generator) -> str:
	shape = _say(told['shape'], random) if 'shape' in told else 'shape'
	color = _say(told['color'], random) if 'color' in told else ''
	size = _say(told['size'], random) if 'size' in told else ''
	if color and random.random() < 0.06:
		return f'{with_article(_joined(size, shape))} that is {color}'
	if color and random.random() < 0.06:
		return _joined(f'{shape}, {color},' if not size else f'{shape}, {size}, {color},').rstrip(',')
	noun = _joined(size, color, shape)
	return with_article(noun) if random.random() < 0.75 else noun


def _with_backdrop(body: str, color: str, random: np.random.Generator) -> str:
	back = f'{color} {"background" if random.random() < 0.9 else "backdrop"}'
	forms = (
		(0.62, f'{body} on {with_article(back)}'),
		(0.08, f'{body}, {back}'),
		(0.08, f'{back}, {body}'),
		(0.06, f'on {with_article(back)}, {body}'),
		(0.06, f'{body} with {with_article(back)}'),
		(0.05, f'{body} on {color}'),
		(0.05, f'{with_article(back)} with {body}'),
	)
	drawn = random.random()
	for chance, text in forms:
		drawn -= chance
		if drawn < 0:
			return text
	return forms[0][1]


def _backdrop_alone(back: str, random: np.random.Generator) -> str:
	color = _say(back, random)
	forms = (f'{color} background', f'plain {color} background', f'empty {color} background', f'{color} backdrop')
	words = _pick(forms, random)
	return with_article(words) if random.random() < 0.6 else words


def _dressed(body: str, random: np.random.Generator) -> str:
	"""The caption with an opening or a closing that says nothing of the picture, now and then."""
	if random.random() < 0.08:
		body = f'{_pick(_OPENINGS, random)} {body}'
	if random.random() < 0.06:
		body = f'{body}, {_pick(_CLOSINGS, random)}'
	return body


def _say(word: str, random: np.random.Generator) -> str:
	others = SYNONYMS.get(word)
	return word if others is None or random.random() < 0.6 else _pick(others, random)


def _pick(words: Sequence[str], random: np.random.Generator) -> str:
	return words[int(random.integers(len(words)))]


def _joined(*words: str) -> str:
	return ' '.join(word for word in words if word)
