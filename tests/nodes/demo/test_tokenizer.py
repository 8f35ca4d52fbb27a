import json

import pytest

from nodes.demo.captions import vocabulary
from nodes.demo.tokenizer import END, START, learn_merges, tokenizer_files
from nodes.demo.words import Words


@pytest.fixture(scope='module')
def words() -> Words:
	return Words()


class TestFiles:
	def test_marks_come_last_and_numbers_have_no_gaps(self) -> None:
		vocab = json.loads(tokenizer_files().vocab)

		assert list(vocab.values()) == list(range(len(vocab)))
		assert list(vocab)[-2:] == [START, END]

	def test_merges_have_clips_heading(self) -> None:
		lines = tokenizer_files().merges.splitlines()

		assert lines[0] == '#version: 0.2'
		assert all(len(line.split()) == 2 for line in lines[1:])

	def test_each_merge_joins_what_earlier_ones_made(self) -> None:
		assert learn_merges(['red', 'bed']) == [('e', 'd</w>'), ('b', 'ed</w>'), ('r', 'ed</w>')]


class TestWords:
	def test_each_known_word_is_one_token(self, words: Words) -> None:
		tokens = words.tokens(vocabulary())

		# start, the word, end; from there on padding, which is the end mark as well
		assert (tokens[:, 0] == words.count - 2).all()
		assert (tokens[:, 1] < words.count - 2).all()
		assert (tokens[:, 2:] == words.count - 1).all()
		assert len(set(tokens[:, 1].tolist())) == len(vocabulary())

	def test_case_does_not_matter(self, words: Words) -> None:
		tokens = words.tokens(['A Red circle', 'a red CIRCLE'])

		assert tokens.shape == (2, 77)
		assert (tokens[0] == tokens[1]).all()

	def test_any_text_can_be_read(self, words: Words) -> None:
		tokens = words.tokens(['zürich 東京 ☃'])[0]
		used = tokens[1 : int((tokens != words.count - 1).sum())]

		assert len(used) > 5
		assert (used < words.count - 2).all()
