"""The model's own tokenizer: byte-level BPE in CLIP's file format, so small that its table is no burden.

CLIP's own vocabulary would cost 49 408 embeddings, several times the whole model. This one has CLIP's 512 byte symbols, so any
text can be encoded, and merges that make each word of `captions.vocabulary` one token.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from nodes.demo.captions import vocabulary

START = '<|startoftext|>'
END = '<|endoftext|>'
_WORD_END = '</w>'

Symbols = tuple[str, ...]


@dataclass(frozen=True)
class TokenizerFiles:
	"""The texts of vocab.json and merges.txt."""

	vocab: str
	merges: str


@cache
def tokenizer_files() -> TokenizerFiles:
	"""Builds the tokenizer; the same every time."""
	merges = learn_merges(vocabulary())
	letters = _byte_symbols()
	tokens = [*letters, *(letter + _WORD_END for letter in letters), *(''.join(pair) for pair in merges), START, END]
	vocab = {token: index for index, token in enumerate(tokens)}
	lines = ['#version: 0.2', *(' '.join(pair) for pair in merges)]
	return TokenizerFiles(json.dumps(vocab, ensure_ascii=False), '\n'.join(lines) + '\n')


def learn_merges(words: Sequence[str]) -> list[tuple[str, str]]:
	"""Joins the most frequent neighbours until every word is one symbol (Sennrich et al. 2016, "Neural machine translation of
	rare words with subword units").

	>>> learn_merges(['red'])
	[('e', 'd</w>'), ('r', 'ed</w>')]
	"""
	split: list[Symbols] = [(*word[:-1], word[-1] + _WORD_END) for word in words]
	merges = []
	while pairs := Counter(pair for symbols in split for pair in pairwise(symbols)):
		best = min(pairs, key=lambda pair: (-pairs[pair], pair))
		merges.append(best)
		split = [_join_pair(symbols, best) for symbols in split]
	return merges


def _join_pair(symbols: Symbols, pair: tuple[str, str]) -> Symbols:
	joined: list[str] = []
	for symbol in symbols:
		if joined and (joined[-1], symbol) == pair:
			joined[-1] += symbol
		else:
			joined.append(symbol)
	return tuple(joined)


def _byte_symbols() -> list[str]:
	"""A printable character for each byte, as in GPT-2 and CLIP: printable ones stand for themselves."""
	plain = [*range(ord('!'), ord('~') + 1), *range(ord('¡'), ord('¬') + 1), *range(ord('®'), ord('ÿ') + 1)]
	others = [byte for byte in range(256) if byte not in plain]
	return [chr(byte) for byte in plain] + [chr(256 + index) for index in range(len(others))]
