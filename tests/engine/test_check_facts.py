"""The checker: what is known of models and latents before anything runs, and where it must agree."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pytest

from engine.declaration import Agreement, Choice, Fixed, FromConstant, FromFile, FromInput
from engine.facts import FileMark, TensorMark
from engine.graph import Graph
from engine.sockets import socket
from engine.spec import node
from tests.engine.latents import Latent, only
from tests.engine.tools import Bench, graph

T = TypeVar('T')
MARKS = [
	FileMark(title='Small', tensors=(TensorMark(name='small'),), facts={'channels': 4, 'family': 'small'}),
	FileMark(title='Large', tensors=(TensorMark(name='large'),), facts={'channels': 16, 'family': 'large'}),
]


@socket('VAE')
class Vae:
	pass


@node(category='test', facts={'LATENT': {'channels': Fixed(value=16), 'width': FromConstant(input='width')}})
def sixteen(width: int = 64) -> Latent:
	return Latent()


@node(category='test', facts={'LATENT': {'channels': Fixed(value=4), 'width': FromConstant(input='width')}})
def four(width: int = 64) -> Latent:
	return Latent()


@node(category='test')
def unknown() -> Latent:
	return Latent()


@node(
	kind='LoadVae',
	category='test',
	facts={'VAE': {'channels': FromFile(input='name'), 'family': FromFile(input='name')}},
)
def load_vae(name: Annotated[str, Choice(files_from='models:vae')]) -> Vae:
	return Vae()


@node(
	category='test',
	facts={'LATENT': {fact: FromInput(input='samples') for fact in ('channels', 'width')}},
	agreements=(Agreement(fact='channels', inputs=('samples', 'other')),),
)
def blend(samples: Latent, other: Latent) -> Latent:
	return samples


@node(category='test', agreements=(Agreement(fact='width', inputs=('samples', 'other')),), sink=True)
def beside(samples: Latent, other: Latent) -> None: ...


@node(category='test', facts={'LATENT': {'channels': Fixed(value=4), 'empty': Fixed(value=1)}})
def empty() -> Latent:
	return Latent()


@node(category='test', agreements=(Agreement(fact='channels', inputs=('samples', 'other'), unless='empty'),), sink=True)
def fill(samples: Latent, other: Latent) -> None: ...


@node(category='test', agreements=(Agreement(fact='channels', inputs=('samples', 'vae')),), sink=True)
def decode(samples: Latent, vae: Vae) -> None: ...


@node(category='test')
def through(value: T) -> T:
	return value


@node(category='test')
def choose(first: bool, one: T, other: T) -> T:
	return one if first else other


NODES = (sixteen, four, unknown, load_vae, blend, beside, empty, fill, decode, through, choose)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""Nodes that tell facts, and three VAE files: of 4 channels, of 16, and of no known kind."""
	bench = Bench(tmp_path, *NODES)
	bench.storage.catalogue.marks = list(MARKS)
	folder = bench.storage.catalogue.places['vae'][0]
	folder.mkdir(parents=True)
	for name in ('small', 'large', 'strange'):
		write_header(folder / f'{name}.safetensors', {name: (1,)})
	return bench


def write_header(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
	"""A safetensors file of zeros in these shapes."""
	header: dict[str, object] = {}
	end = 0
	for name, shape in shapes.items():
		start, end = end, end + 2 * math.prod(shape)
		header[name] = {'dtype': 'F16', 'shape': shape, 'data_offsets': [start, end]}
	text = json.dumps(header).encode()
	path.write_bytes(struct.pack('<Q', len(text)) + text + bytes(end))


def decoding(samples: tuple[str, Mapping[str, Any]], file: str) -> Graph:
	"""Latents and a VAE's file, decoded."""
	return graph(
		{
			'5': samples,
			'4': ('LoadVae', {'name': f'{file}.safetensors'}),
			'8': ('Decode', {'samples': ('5', 0), 'vae': ('4', 0)}),
		}
	)


class TestAgreements:
	def test_what_agrees_passes(self, bench: Bench) -> None:
		"""Latents of as many channels as the file's VAE has."""
		assert not bench.check(decoding(('Four', {}), 'small')).problems
		assert not bench.check(decoding(('Sixteen', {}), 'large')).problems

	def test_what_does_not_is_told_with_both_sources(self, bench: Bench) -> None:
		"""The later input is refused; the sentence says where each value is known from."""
		checked = bench.check(decoding(('Sixteen', {}), 'small'))
		problem = only(checked)

		assert problem.code == 'return_type_mismatch'
		assert problem.value == 'VAE'
		assert problem.source == ('4', 0)
		assert problem.sentence == (
			"node '8' (Decode), input 'vae': expected channels 16 as 'samples' brings (Sixteen '5'), "
			"got 4 from 'small.safetensors' (LoadVae '4')"
		)
		assert checked.good_sinks == ()

	@pytest.mark.parametrize(
		('samples', 'file'), [('Unknown', 'small'), ('Sixteen', 'strange'), ('Unknown', 'strange')]
	)
	def test_what_is_not_known_agrees_with_everything(self, bench: Bench, samples: str, file: str) -> None:
		"""Nothing is refused on a guess."""
		assert not bench.check(decoding((samples, {}), file)).problems

	def test_a_linked_file_name_is_not_known(self, bench: Bench) -> None:
		"""What file it will be shows only when it runs."""
		asked = decoding(('Sixteen', {}), 'small')
		calls = {**asked.calls, **graph({'4': ('LoadVae', {'name': ('t', 0)}), 't': ('Through', {'value': 'a'})}).calls}

		assert not bench.check(Graph(calls)).problems

	def test_a_missing_file_has_its_own_problem(self, bench: Bench) -> None:
		"""Of what is not there nothing is known."""
		assert only(bench.check(decoding(('Sixteen', {}), 'gone'))).code == 'value_not_in_list'

	def test_some_is_let_through(self, bench: Bench) -> None:
		"""What has the fact that an agreement names; another agreement still refuses it."""
		parts: dict[str, Any] = {'empty': ('Empty', {}), '16': ('Sixteen', {}), '4': ('Four', {})}

		def filled(kind: str, other: str) -> Graph:
			return graph({**parts, 'one': (kind, {'samples': ('16', 0), 'other': (other, 0)})})

		assert not bench.check(filled('Fill', 'empty')).problems
		assert only(bench.check(filled('Fill', '4'))).received == "4 from Four '4'"
		blended = graph(
			{
				**parts,
				'b': ('Blend', {'samples': ('16', 0), 'other': ('empty', 0)}),
				'see': ('Beside', {'samples': ('b', 0), 'other': ('4', 0)}),
			}
		)

		assert only(bench.check(blended)).node == 'b'

	def test_a_fault_is_told_once(self, bench: Bench) -> None:
		"""Behind a node whose inputs do not agree nothing is known, so nothing more is refused."""
		asked = graph(
			{
				'4': ('Four', {}),
				'16': ('Sixteen', {}),
				'blend': ('Blend', {'samples': ('4', 0), 'other': ('16', 0)}),
				'vae': ('LoadVae', {'name': 'large.safetensors'}),
				'see': ('Decode', {'samples': ('blend', 0), 'vae': ('vae', 0)}),
			}
		)

		assert only(bench.check(asked)).node == 'blend'


class TestHandingOn:
	def asked(self, through: Mapping[str, Any], width: int = 64) -> Graph:
		return graph(
			{
				'4': ('Four', {}),
				'16': ('Sixteen', {'width': width}),
				'?': ('Unknown', {}),
				**through,
				'vae': ('LoadVae', {'name': 'small.safetensors'}),
				'see': ('Decode', {'samples': ('last', 0), 'vae': ('vae', 0)}),
			}
		)

	def test_from_an_input(self, bench: Bench) -> None:
		"""A node that says so hands a fact on; the problem names where it comes from first."""
		problem = only(bench.check(self.asked({'last': ('Blend', {'samples': ('16', 0), 'other': ('16', 0)})})))

		assert problem.node == 'see'
		assert "(Sixteen '16')" in problem.expected

	def test_through_what_takes_any_type(self, bench: Bench) -> None:
		"""A node that hands any value on hands on what is known of it."""
		asked = {'first': ('Through', {'value': ('16', 0)}), 'last': ('Through', {'value': ('first', 0)})}

		assert only(bench.check(self.asked(asked))).node == 'see'

	@pytest.mark.parametrize(('one', 'other', 'known'), [('16', '16', True), ('16', '4', False), ('16', '?', False)])
	def test_only_what_all_ways_agree_in(self, bench: Bench, one: str, other: str, known: bool) -> None:
		"""Of two values of which either may come, only what holds for both is known."""
		asked = {'last': ('Choose', {'first': True, 'one': (one, 0), 'other': (other, 0)})}

		assert bool(bench.check(self.asked(asked)).problems) is known

	def test_sizes_are_known_from_constants(self, bench: Bench) -> None:
		"""A width as it will be, brought into normal form; none if it comes along a link."""

		def widths(one: object, other: object) -> Graph:
			return graph(
				{
					'n': ('Number', {'value': 8}),
					'a': ('Four', {'width': one}),
					'b': ('Sixteen', {'width': other}),
					'see': ('Beside', {'samples': ('a', 0), 'other': ('b', 0)}),
				}
			)

		assert not bench.check(widths('64', 64)).problems
		assert not bench.check(widths(('n', 0), 64)).problems
		assert only(bench.check(widths(64, 32))).received == "32 from Sixteen 'b'"


class TestFiles:
	def test_a_file_written_anew_is_looked_at_anew(self, bench: Bench) -> None:
		"""What was known of the file before it changed does not count."""
		assert bench.check(decoding(('Sixteen', {}), 'small')).problems

		write_header(bench.storage.catalogue.path('vae', 'small.safetensors'), {'large': (1, 1)})

		assert not bench.check(decoding(('Sixteen', {}), 'small')).problems
