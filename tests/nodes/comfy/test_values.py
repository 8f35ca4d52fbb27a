import torch

from engine.flow import Skip
from engine.graph import Link, NodeId
from nodes.comfy.shims.comfy_execution.graph import ExecutionBlocker
from nodes.comfy.values import NATIVE, to_foreign, to_native
from nodes.values import Conditioning, Images, Latent, Prompt


class TestBorder:
	def test_a_latent_keeps_what_ours_does_not_know(self) -> None:
		"""Its mask has a channel on the other side."""
		there = {
			'samples': torch.ones(2, 4, 2, 2),
			'noise_mask': torch.ones(2, 1, 2, 2),
			'batch_index': [0, 1],
			'type': 'x',
		}
		here = to_native(there, 'LATENT')
		assert isinstance(here, Latent)
		assert here.noise_mask is not None
		back = to_foreign(here.with_samples(here.samples * 2))
		assert isinstance(back, dict)

		assert here.noise_mask.shape == (2, 2, 2)
		assert here.batch_index == (0, 1)
		assert back['batch_index'] == [0, 1]
		assert back['type'] == 'x'
		assert back['noise_mask'].shape == (2, 1, 2, 2)
		assert back['samples'].mean() == 2

	def test_an_odd_batch_index_stays_as_it_is(self) -> None:
		"""Ours has whole numbers only; what a node made of it otherwise comes back to the next one."""
		there = {'samples': torch.ones(1, 4, 2, 2), 'batch_index': 'first'}
		here = to_native(there, 'LATENT')
		assert isinstance(here, Latent)
		back = to_foreign(here)
		assert isinstance(back, dict)

		assert here.batch_index is None
		assert back['batch_index'] == 'first'

	def test_conditioning_is_a_list_of_pairs(self) -> None:
		"""Further keys of a pair come back."""
		there = [[torch.ones(1, 3, 4), {'pooled_output': torch.ones(1, 4), 'strength': 0.5}], [torch.ones(1, 3, 4), {}]]
		here = to_native(there, 'CONDITIONING')
		assert isinstance(here, Conditioning)
		back = to_foreign(here)
		assert isinstance(back, list)

		assert here.prompts[0].pooled is not None
		assert type(here.prompts[1]) is Prompt
		assert here.prompts[0].scope.strength == 0.5
		assert back[0][1]['strength'] == 0.5
		assert back[1][1] == {}

	def test_what_is_of_another_form_stays(self) -> None:
		"""A node may give None, or something of its own; native values are native already."""
		image = Images(torch.ones(1, 2, 2, 3))

		assert [to_native(None, name) for name in NATIVE] == [None] * 4
		assert NATIVE['IMAGE'](image) is image
		assert to_native('text', 'STRING') == 'text'

	def test_blockers_links_and_lists(self) -> None:
		"""A blocker is a skipped output; a link is a list of two."""
		blocker = to_foreign(Skip('no'))
		assert isinstance(blocker, ExecutionBlocker)

		assert blocker.message == 'no'
		assert to_native(ExecutionBlocker(None), 'IMAGE') == Skip()
		assert to_foreign([Link(NodeId('a'), 1), 2]) == [['a', 1], 2]
