"""Scenes in words. Captions vary in order, wording and what they leave out, so that full and short prompts are both obeyed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nodes.demo.pictures import PALETTE, PLACES, SHAPES, SIZES, Scene, Thing

NOTHING = 'nothing'
"""What a caption of a bare backdrop says of the shape."""

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
_OPENINGS = ('a picture of', 'a drawing of', 'an image of', 'a photo of', 'an illustration of', 'a painting of')
_CLOSINGS = ('high quality', 'best quality', 'simple', 'detailed', 'flat', 'masterpiece', 'clean', 'sharp')
_OTHER_WORDS = (
	'abstract and art artwork bad beautiful behind below above beside between blurry bright cartoon clear color colorful dark '
	'deformed design digital distorted draft flat four geometric good graphic icon inside into is it jpeg light low lowres '
	'logo minimal near noise noisy object of one only over pale pattern photograph plain poster quality render scene shade '
	'shiny shot sketch solid style symbol text texture that the three to two ugly under vector very vivid watermark without '
	'worst wide tall by for from its in on no not with a an at'
)


@dataclass(frozen=True)
class Caption:
	"""A caption and what it tells: of 'back', 'color', 'shape', 'size' and 'place' those that are said, in palette words."""

	text: str
	told: Mapping[str, str]


ASPECT_WORDS: Mapping[str, tuple[str, ...]] = {
	'back': tuple(PALETTE),
	'color': tuple(PALETTE),
	'shape': (*SHAPES, NOTHING),
	'size': tuple(SIZES),
	'place': tuple(PLACES),
}
"""Everything that can be told of each aspect."""


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
	thing = scene.thing
	if thing is None:
		return back
	size = '' if thing.size == 'medium' else f'{thing.size} '
	place = '' if thing.place == 'center' else f' {PHRASES[thing.place][0]}'
	return f'{with_article(f"{size}{thing.color} {thing.shape}")}{place} on {back}'


def caption(scene: Scene, random: np.random.Generator, drop: float = 0.08) -> Caption:
	"""Words for a scene, different each time; colours and place are left out with a chance of about `drop` each."""
	if scene.thing is None:
		return Caption(_dressed(_backdrop_alone(scene.back, random), random), {'back': scene.back, 'shape': NOTHING})
	told = _told(scene, scene.thing, random, drop)
	return Caption(_dressed(_sentence(told, random), random), told)


def vocabulary() -> list[str]:
	"""Every word a caption may have and some that prompts often have, sorted: each becomes one token."""
	texts = [*_OPENINGS, *_CLOSINGS, _OTHER_WORDS, 'background backdrop shape empty centered']
	texts += [*PALETTE, *SHAPES, *SIZES]
	texts += [word for words in (*SYNONYMS.values(), *PHRASES.values()) for word in words]
	return sorted({word for text in texts for word in text.split()})


def _told(scene: Scene, thing: Thing, random: np.random.Generator, drop: float) -> dict[str, str]:
	"""What the caption will tell. Medium size and the centre go mostly without saying, so that unsaid means them."""
	chances = {
		'shape': 1 - drop / 2,
		'color': 1 - drop,
		'back': 1 - drop,
		'size': 0.1 if thing.size == 'medium' else 1 - drop,
		'place': 0.25 if thing.place == 'center' else 1 - drop,
	}
	words = {'shape': thing.shape, 'color': thing.color, 'back': scene.back, 'size': thing.size, 'place': thing.place}
	return {aspect: words[aspect] for aspect, chance in chances.items() if random.random() < chance}


def _sentence(told: Mapping[str, str], random: np.random.Generator) -> str:
	shape = _say(told['shape'], random) if 'shape' in told else 'shape'
	color = _say(told['color'], random) if 'color' in told else ''
	size = _say(told['size'], random) if 'size' in told else ''
	place = _pick(PHRASES[told['place']], random) if 'place' in told else ''
	if color and random.random() < 0.06:
		noun = f'{with_article(_joined(size, shape))} that is {color}'
	elif color and random.random() < 0.06:
		noun = _joined(f'{shape}, {color},' if not size else f'{shape}, {size}, {color},').rstrip(',')
	else:
		noun = _joined(size, color, shape)
		noun = with_article(noun) if random.random() < 0.75 else noun
	body = _joined(noun, place)
	if 'back' not in told:
		return body
	return _with_backdrop(body, _say(told['back'], random), random)


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
