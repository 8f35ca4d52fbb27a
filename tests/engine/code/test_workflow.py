"""Workflows in Python code: built by calls, run, swept, saved and loaded."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image as Pictures
from pydantic import JsonValue

from engine import code
from engine.cancel import CancelToken
from engine.code.results import SweepResult, png_of
from engine.code.session import RunFailed, Session
from engine.code.workflow import Workflow
from engine.errors import BadDocument, InvalidGraph, JobCancelled, NodeUsage, NotFound, WrongInputs
from engine.events import AnyEvent, NodeStarted
from engine.formats.convert import converted
from engine.formats.document import WorkflowDocument
from engine.formats.dynamic import choose
from engine.formats.embedded import embedded
from engine.formats.workflow import Form, read_workflow
from engine.graph import Constant, Link, NodeId
from engine.settings import PROJECT
from engine.sweep import Cell


def painting(session: Session) -> Workflow:
	"""A flat picture, inverted and saved: quick, and without a model."""
	flow = Workflow('Painting', 'A flat colour.', session=session)
	picture = flow.EmptyImage(
		width=flow.input('width', 32, 'in pixels'), height=16, color=flow.input('colour', 0xFF0000), _id='paint'
	)
	flow.output('picture', flow.SaveImage(images=flow.ImageInvert(image=picture), _id='save'), 'what is saved')
	flow.output('original', picture)
	return flow


def star(session: Session) -> Workflow:
	"""A picture by the demo model, in few steps."""
	flow = Workflow(session=session)
	model, clip, vae = flow.CheckpointLoaderSimple(ckpt_name='lumen-demo.safetensors')
	latent = flow.KSampler(
		model=model,
		positive=flow.CLIPTextEncode(clip=clip, text=flow.input('prompt', 'a red star')),
		negative=flow.CLIPTextEncode(clip=clip, text=''),
		latent_image=flow.EmptyLatentImage(width=64, height=64),
		seed=flow.input('seed', 2),
		steps=3,
		_id='sample',
	)
	flow.SaveImage(images=flow.VAEDecode(samples=latent, vae=vae), _id='save')
	return flow


def with_text(document: dict[str, JsonValue], text: str) -> JsonValue:
	"""The document of a star with another prompt."""
	return cast(JsonValue, json.loads(json.dumps(document).replace('a red star', text)))


class TestBuilding:
	def test_calls_place_nodes(self, session: Session) -> None:
		"""What is not given has its default; ids are the kinds' names unless they are given."""
		calls = painting(session).graph.calls

		assert list(calls) == ['paint', 'ImageInvert', 'save']
		assert calls[NodeId('ImageInvert')].inputs == {'image': Link(NodeId('paint'), 0)}
		assert calls[NodeId('save')].inputs['filename_prefix'] == Constant('Lumengraph')

	def test_handles_are_typed_by_socket(self, session: Session) -> None:
		"""Several outputs come as a tuple with names, one as itself, none as the node."""
		flow = Workflow(session=session)
		outputs = flow.CheckpointLoaderSimple()
		picture = flow.EmptyImage()

		assert [type(handle) for handle in outputs] == [code.Model, code.Clip, code.Vae]
		assert outputs.clip is outputs[1]
		assert isinstance(picture, code.Image)
		assert isinstance(flow.ImageCompare(image_a=picture), code.Node)
		assert type(flow.KSamplerSelect()).__name__ == 'Sampler'

	def test_lists_and_choices_that_bring_inputs(self, session: Session) -> None:
		"""Growing inputs take lists or mappings; a choice takes its key with what belongs to it."""
		flow = Workflow(session=session)
		picture = flow.EmptyImage()
		flow.BatchImagesNode(images=[picture, picture], _id='batch')
		flow.SaveImageAdvanced(images=picture, format=('jpeg', {'quality': 50}), _id='save')

		assert list(flow.graph.calls[NodeId('batch')].inputs) == ['images.image0', 'images.image1']
		assert flow.graph.calls[NodeId('save')].inputs['format.quality'] == Constant(50)

	@pytest.mark.parametrize(
		('kind', 'inputs', 'sentence'),
		[
			('KSampler', {'model': 'clip'}, "input 'model' takes MODEL, got CLIP"),
			('VAEDecode', {'sample': 'vae'}, "has no input 'sample'; it has: samples, vae. Did you mean 'samples'?"),
			('VAEDecode', {'vae': 'vae'}, r"input 'samples' \(LATENT\) is missing"),
			(
				'VAEDecode',
				{'vae': object()},
				"input 'vae' takes an output of another node or a plain value, got object",
			),
		],
	)
	def test_wrong_inputs_are_told_at_once(
		self, session: Session, kind: str, inputs: dict[str, Any], sentence: str
	) -> None:
		"""Where the call stands, not when it runs: which input, what it takes, what came."""
		flow = Workflow(session=session)
		outputs = flow.CheckpointLoaderSimple()
		given = {name: getattr(outputs, value) if isinstance(value, str) else value for name, value in inputs.items()}

		with pytest.raises(NodeUsage, match=sentence):
			flow.place(kind, **given)

	def test_unknown_kinds_and_nodes(self, session: Session) -> None:
		"""A kind that is not installed and a node that is not there are told, with what is near."""
		flow = painting(session)

		with pytest.raises(NodeUsage, match=r"no node kind 'SaveImag'\. Did you mean 'SaveImage'"):
			flow.SaveImag()
		with pytest.raises(NodeUsage, match="no node 'pain'"):
			flow['pain']
		with pytest.raises(NodeUsage, match="node 'paint' already"):
			flow.EmptyImage(_id='paint')
		with pytest.raises(NodeUsage, match="input 'width' already"):
			flow.input('width', 3)

	def test_one_name_for_two_inputs(self, session: Session) -> None:
		"""A file has one place for a name: it is refused, with what to write, and leaves nothing behind."""
		flow = Workflow(session=session)
		size = flow.input('size', 64)
		flow.EmptyImage(width=size, _id='one')
		with pytest.raises(
			NodeUsage, match=r"'size' stands for one\.width already, so it cannot be two\.width too\."
		) as caught:
			flow.EmptyImage(width=size, _id='two')
		other = flow.input('other', 64)
		with pytest.raises(NodeUsage, match=r'stands for three\.width already'):
			flow.EmptyImage(width=other, height=other, _id='three')

		assert "shared = flow.PrimitiveInt(value=flow.input('size', 64))" in str(caught.value)
		assert list(flow.graph.calls) == ['one']
		assert [item.name for item in flow.interface.inputs] == ['size']

	def test_one_name_by_way_of_a_primitive(self, session: Session) -> None:
		"""What the refusal advises sets all."""
		flow = Workflow(session=session)
		size = flow.PrimitiveInt(value=flow.input('size', 64))
		for name in ('one', 'two'):
			flow.output(name, flow.EmptyImage(width=size, height=8))
		result = flow.run(size=16)

		assert [result[name][0].width for name in ('one', 'two')] == [16, 16]

	def test_names_inside_lists_and_choices(self, session: Session, tmp_path: Path) -> None:
		"""An input that belongs to a list or to a choice has a name as every other, also once it is saved."""
		flow = Workflow(session=session)
		picture = flow.EmptyImage(width=8, height=8)
		scaling = ('scale by multiplier', {'multiplier': flow.input('times', 2.0)})
		scaled = flow.ResizeImageMaskNode(input=picture, resize_type=scaling, _id='scale')
		flow.output('scaled', flow.PreviewImage(images=scaled))
		values = {'a': flow.input('a', 3)}
		flow.output('sum', flow.ComfyMathExpression(expression='a + 1', values=values, _id='add')[1])
		flow.save(tmp_path / 'flow.json')
		result = Workflow.load(tmp_path / 'flow.json', session=session).run(times=3.0, a=4)

		assert {(item.name, item.node, item.input) for item in flow.interface.inputs} == {
			('times', 'scale', 'resize_type.multiplier'),
			('a', 'add', 'values.a'),
		}
		assert result['scaled'][0].width == 24
		assert result['sum'] == 5

	def test_completion_knows_the_kinds(self, session: Session) -> None:
		"""`dir` lists them, so that consoles complete."""
		assert {'KSampler', 'run', 'save'} <= set(dir(Workflow(session=session)))


class TestRunning:
	def test_named_outputs(self, session: Session) -> None:
		"""Pictures come as Pillow's, of what is saved as of what is only named; files are told."""
		result = painting(session).run(colour=0x0000FF, width=8)

		assert result['picture'][0].getpixel((0, 0)) == (255, 255, 0)
		assert result['original'][0].getpixel((0, 0)) == (0, 0, 255)
		assert result['original'][0].size == (8, 16)
		assert [path.parent for path in result.files] == [session.storage.files.root('output')]
		assert [picture.size for picture in result.pictures] == [(8, 16)]

	def test_results_tell_what_they_have(self, session: Session) -> None:
		"""They iterate over the names of outputs, and show these and the files in one line; places mean nothing."""
		result = painting(session).run(width=8)

		assert sorted(result) == ['original', 'picture']
		assert 'picture' in result
		assert str(result.files[0]) in repr(result)
		with pytest.raises(TypeError, match='by name or handle, not by int'):
			result[cast('str', 0)]

	def test_values_that_are_asked_for(self, session: Session) -> None:
		"""Only what they need runs; plain values come as themselves."""
		flow = Workflow(session=session)
		number = flow.PrimitiveInt(value=3)
		width, height = flow.ResolutionSelector(aspect_ratio='1:1 (Square)', megapixels=1.0)
		flow.SaveImage(images=flow.EmptyImage(width=8, height=8))
		result = flow.run(number, width)

		assert result[number] == 3
		assert result[width] == 1024
		assert result.files == []
		with pytest.raises(NotFound, match='ask for it'):
			result[height]

	def test_pictures_carry_their_workflow(self, session: Session) -> None:
		"""What is saved can be loaded again, with the values that it was run with."""
		[path] = painting(session).run(width=24).files
		loaded = Workflow.load(path, session=session)

		assert loaded.title == 'Painting'
		assert loaded.run()['picture'][0].size == (24, 16)

	def test_texts_that_are_shown(self, session: Session) -> None:
		"""A named output at a node that shows no pictures is the texts that it shows."""
		flow = Workflow(session=session)
		flow.output('told', flow.PreviewAny(source=flow.PrimitiveInt(value=flow.input('number', 7)), _id='show'))

		assert flow.run()['told'] == ['7']
		assert flow.run(number=8)['told'] == ['8']

	def test_wrong_values(self, session: Session) -> None:
		"""Names and bounds are those of the workflow's inputs."""
		with pytest.raises(WrongInputs, match="input 'width': expected a whole number from 1"):
			painting(session).run(width=0)
		with pytest.raises(WrongInputs, match="did you mean 'colour'"):
			painting(session).run(color=0)

	def test_failure(self, session: Session) -> None:
		"""What a node raises is raised, with the node."""
		flow = Workflow(session=session)
		number = flow.ComfyNumberConvert(value='many', _id='convert')

		with pytest.raises(RunFailed, match=r"node 'convert' \(ComfyNumberConvert\): .*'many'"):
			flow.run(number[0])

	def test_problems(self, session: Session) -> None:
		"""What the checker finds is raised before anything runs."""
		flow = painting(session)
		flow.EmptyImage(width=0)

		with pytest.raises(InvalidGraph, match='width'):
			flow.run(flow['EmptyImage'])

	async def test_async(self, session: Session) -> None:
		"""`await` runs it in a thread; events are heard."""
		heard: list[AnyEvent] = []
		result = await painting(session).run_async(_listener=heard.append, colour=0x123456)

		assert result['original'][0].getpixel((0, 0)) == (0x12, 0x34, 0x56)
		assert any(isinstance(event, NodeStarted) for event in heard)

	async def test_cancelled_task_stops_the_run(self, session: Session) -> None:
		"""The run ends at its next step, and the session is free for others."""
		flow = star(session)
		loop = asyncio.get_running_loop()
		begun = asyncio.Event()

		def hear(event: AnyEvent) -> None:
			if isinstance(event, NodeStarted) and event.node == 'sample':
				loop.call_soon_threadsafe(begun.set)

		task = asyncio.create_task(flow.run_async(_listener=hear, seed=77))
		await begun.wait()
		task.cancel()

		with pytest.raises(asyncio.CancelledError):
			await task
		assert painting(session).run(width=9)['original'][0].size == (9, 16)

	def test_cancel(self, session: Session) -> None:
		"""A token that was cancelled stops a plain run too."""
		cancel = CancelToken()
		cancel.cancel()

		with pytest.raises(JobCancelled):
			painting(session).run(_cancel=cancel, width=10)


class TestSweep:
	def test_grid_and_cells(self, session: Session) -> None:
		"""Every combination with its pictures, and all as one table; what they share runs once."""
		star(session).run(prompt='a red star')  # The negative prompt, which all have, is known from now on.
		heard: list[AnyEvent] = []
		made = star(session).sweep(_listener=heard.append, prompt=['a green star', 'a blue circle'], seed=[1, 2])
		started = [event.kind for event in heard if isinstance(event, NodeStarted)]

		assert (len(made), made.failure) == (4, None)
		assert [values for values, _ in made][1] == {'prompt': 'a green star', 'seed': 2}
		assert all(pictures[0].size == (64, 64) for _, pictures in made)
		assert made.grid.width > 2 * 64
		assert (started.count('KSampler'), started.count('CLIPTextEncode')) == (4, 2)

	def test_pictures_carry_their_combination(self, session: Session) -> None:
		"""Each is loaded as the workflow with its own values; the table of all carries the whole graph."""
		made = painting(session).sweep(width=[12, 20])
		pictures = made.result.session.files
		shown = {node: pictures(ui)[0] for node, ui in made.result.outcome.shown.items()}
		loaded = Workflow.load(shown[NodeId('save#1')], session=session)
		prompt = json.loads((embedded(shown[NodeId('save#1')]) or {})['prompt'])

		assert loaded.title == 'Painting'
		assert loaded.run()['original'][0].size == (20, 16)
		assert sorted(prompt) == ['ImageInvert#1', 'paint#1', 'save#1']
		assert len(Workflow.load(shown[NodeId('save#grid')], session=session)) == 8

	async def test_async_range(self, session: Session) -> None:
		"""Evenly spaced numbers, awaited."""
		made = await painting(session).sweep_async(width={'from': 8, 'to': 24, 'steps': 3})

		assert isinstance(made, SweepResult)
		assert [pictures[0].width for _, pictures in made] == [8, 16, 24]

	def test_tuples_and_ranges(self, session: Session) -> None:
		"""What Python code has for lists is taken for one."""
		assert len(painting(session).sweep(width=(8, 12))) == 2
		assert len(painting(session).sweep(width=range(8, 14, 2))) == 3

	def test_the_range_of_this_package(self, session: Session) -> None:
		"""It is as good as the object with its fields, which it is read from."""
		given = code.Range.model_validate({'from': 8, 'to': 24, 'steps': 3})

		assert [values for values, _ in painting(session).sweep(width=given)] == [
			{'width': 8},
			{'width': 16},
			{'width': 24},
		]

	@pytest.mark.parametrize('given', [3, 'abc', {'from': 1, 'to': 2, 'steps': 300}, object()])
	def test_no_values(self, session: Session, given: object) -> None:
		"""The input is named, what was expected, and what came."""
		with pytest.raises(
			WrongInputs, match=r"input 'width': expected (a list of values, or )?a range .*, got"
		) as caught:
			painting(session).sweep(width=given)

		assert repr(given) in str(caught.value)

	def test_failed_cells(self, session: Session) -> None:
		"""The others are there; what failed is told."""
		flow = Workflow(session=session)
		text = flow.PrimitiveString(value=flow.input('text', '8'))
		flow.SaveImage(images=flow.EmptyImage(width=flow.ComfyNumberConvert(value=text)[1], height=8))
		made = flow.sweep(text=['8', 'many'])

		assert made.failure is not None
		assert [len(pictures) for _, pictures in made] == [1, 0]
		assert made.grid.width > 16

	def test_without_pictures(self, session: Session) -> None:
		"""There is no table then, and asking for it says so."""
		flow = Workflow(session=session)
		flow.PreviewAny(source=flow.PrimitiveInt(value=flow.input('number', 1)))

		with pytest.raises(NotFound, match='no pictures'):
			png_of(flow.sweep(number=[1, 2]).grid)


class TestFiles:
	def test_saved_and_loaded(self, session: Session, tmp_path: Path) -> None:
		"""A native file, laid out, that does the same."""
		flow = painting(session)
		flow.save(tmp_path / 'flow.json')
		document = WorkflowDocument.model_validate_json((tmp_path / 'flow.json').read_text())
		loaded = Workflow.load(tmp_path / 'flow.json', session=session)

		assert set(document.layout.nodes) == set(document.nodes)
		assert loaded.document() == flow.document()
		assert (loaded.title, loaded.description) == ('Painting', 'A flat colour.')
		assert loaded.run(width=8)['original'][0].size == (8, 16)

	def test_outputs_by_name(self, session: Session, tmp_path: Path) -> None:
		"""A file may name what a node gives by the name of its output, and save nothing."""
		node = {'kind': 'EmptyImage', 'inputs': {'width': 16, 'height': 8, 'batch_size': 1, 'color': 255}}
		document = {'lumengraph': 2, 'outputs': {'made': {'node': 'a', 'output': 'IMAGE'}}, 'nodes': {'a': node}}
		(tmp_path / 'flow.json').write_text(json.dumps(document))
		[picture] = Workflow.load(tmp_path / 'flow.json', session=session).run()['made']

		assert picture.size == (16, 8)

	@pytest.mark.parametrize('output', [7, 1, -1, 'PICTURE'])
	def test_outputs_that_are_not_there(self, session: Session, output: int | str) -> None:
		"""The output, its node, and what that has are told."""
		node = {'kind': 'EmptyImage', 'inputs': {'width': 16, 'height': 8, 'batch_size': 1, 'color': 255}}
		document = {'lumengraph': 2, 'outputs': {'made': {'node': 'a', 'output': output}}, 'nodes': {'a': node}}
		flow = Workflow.load(json.loads(json.dumps(document)), session=session)

		with pytest.raises(
			BadDocument,
			match=rf"output 'made' points at output {output!r} of node 'a' \(EmptyImage\), which has 1: IMAGE",
		):
			flow.run()

	def test_a_default_that_is_null(self, session: Session, tmp_path: Path) -> None:
		"""It is kept, so that the input need not be given."""
		document = {
			'lumengraph': 2,
			'inputs': {'source': {'node': 'show', 'input': 'source', 'default': None}},
			'nodes': {'show': {'kind': 'PreviewAny'}},
		}
		Workflow.load(json.loads(json.dumps(document)), session=session).save(tmp_path / 'flow.json')
		[signature] = Workflow.load(tmp_path / 'flow.json', session=session).interface.inputs

		assert json.loads((tmp_path / 'flow.json').read_text())['inputs'] == document['inputs']
		assert not signature.required

	def test_loaded_workflows_go_on(self, session: Session) -> None:
		"""Nodes of a file feed new ones, by their ids."""
		flow = Workflow.load(PROJECT / 'workflows' / 'text_to_image.json', session=session)
		flow.output('decoded', flow.ImageInvert(image=flow['decode']))
		result = flow.run(steps=2, width=64, height=64)

		assert result['decoded'][0].size == (64, 64)

	def test_subgraphs(self, session: Session, tmp_path: Path) -> None:
		"""A file with subgraphs runs, and is saved with them."""
		document: dict[str, Any] = {
			'lumengraph': 2,
			'inputs': {'width': {'node': 'both', 'input': 'width'}},
			'nodes': {'both': {'kind': 'subgraph:both', 'inputs': {'width': 8}}},
			'subgraphs': {
				'both': {
					'inputs': {'width': {'type': 'INT', 'default': 16}},
					'nodes': {
						'paint': {
							'kind': 'EmptyImage',
							'inputs': {'width': {'input': 'width', 'value': 16}, 'height': 8},
						},
						'show': {'kind': 'PreviewImage', 'inputs': {'images': {'node': 'paint', 'output': 'IMAGE'}}},
					},
				}
			},
		}
		document['subgraphs']['both']['nodes']['paint']['inputs'] |= {'batch_size': 1, 'color': 0}
		flow = Workflow.load(document, session=session)
		flow.save(tmp_path / 'flow.json')
		again = json.loads((tmp_path / 'flow.json').read_text())

		assert flow.run(width=24).pictures[0].width == 24
		assert [pictures[0].width for _, pictures in flow.sweep(width=[8, 32])] == [8, 32]
		assert list(again['nodes']) == ['both']
		assert list(again['subgraphs']['both']['nodes']) == ['paint', 'show']

	def test_outputs_of_instances(self, session: Session) -> None:
		"""An output that stands at an instance is what its inside gives; switching a node off leaves the others."""
		inputs = {'width': 16, 'height': 8, 'batch_size': 1, 'color': 255}
		document: dict[str, Any] = {
			'lumengraph': 2,
			'inputs': {'width': {'node': 'b', 'input': 'width'}},
			'outputs': {'made': {'node': 'a', 'output': 'IMAGE'}, 'other': {'node': 'b', 'output': 'IMAGE'}},
			'nodes': {
				'a': {'kind': 'subgraph:S'},
				'b': {'kind': 'EmptyImage', 'mode': 'mute', 'inputs': inputs},
			},
			'subgraphs': {
				'S': {
					'outputs': {'IMAGE': {'node': 'paint', 'output': 'IMAGE'}},
					'nodes': {'paint': {'kind': 'EmptyImage', 'inputs': inputs}},
				}
			},
		}
		flow = Workflow.load(document, session=session)

		assert [output.name for output in flow.interface.outputs] == ['made']
		assert flow.run()['made'][0].size == (16, 8)
		with pytest.raises(WrongInputs, match="the node 'b' that takes it is switched off"):
			flow.run(width=8)

	def test_other_forms(self, session: Session) -> None:
		"""The API form is read too; its inputs are reached as `NODE.INPUT`."""
		prompt = {
			'1': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}},
			'2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}},
		}
		made = Workflow.load(json.loads(json.dumps(prompt)), session=session).sweep({'1.width': [8, 16]})

		assert [pictures[0].width for _, pictures in made] == [8, 16]

	def test_no_workflow(self, session: Session, tmp_path: Path) -> None:
		"""A file that holds none is told by name."""
		Pictures.new('RGB', (4, 4)).save(tmp_path / 'plain.png')

		with pytest.raises(BadDocument, match=r'plain\.png'):
			Workflow.load(tmp_path / 'plain.png', session=session)


class TestDynamicPrompts:
	TEMPLATE = 'a {red|green|blue|white} heart'

	def opened(self, session: Session, form: Form) -> Workflow:
		"""A workflow with variants in its prompt, from a file of this form."""
		flow = star(session)
		document = with_text(flow.document(), self.TEMPLATE)
		return Workflow.load(converted(read_workflow(document, session.nodes), form, session.nodes), session=session)

	def prompt(self, path: Path) -> str:
		"""The text that a picture was made with."""
		calls = json.loads((embedded(path) or {})['prompt'])
		[text] = {call['inputs']['text'] for call in calls.values() if call['class_type'] == 'CLIPTextEncode'} - {''}
		return str(text)

	@pytest.mark.parametrize('seed', [1, 2])
	def test_a_file_of_the_editor_is_run_with_one_variant(self, session: Session, seed: int) -> None:
		"""The one that the command line chooses with the seed; the workflow keeps all, and so do pictures beside it."""
		flow = self.opened(session, 'editor')
		[path] = flow.run(_prompt_seed=seed).files

		assert self.prompt(path) == choose(self.TEMPLATE, random.Random(str(seed)))
		assert self.TEMPLATE in json.dumps(flow.document())
		assert self.TEMPLATE in (embedded(path) or {})['lumengraph']

	def test_chance_chooses(self, session: Session) -> None:
		"""Without a seed it is one of them."""
		[path] = self.opened(session, 'editor').run().files

		assert self.prompt(path) in {f'a {colour} heart' for colour in ('red', 'green', 'blue', 'white')}

	async def test_all_of_a_sweep_have_the_same(self, session: Session) -> None:
		"""So that what differs is only what is swept."""
		flow = self.opened(session, 'editor')
		[place] = [node for node, call in flow.graph.calls.items() if call.kind == 'KSampler']
		made = await flow.sweep_async({f'{place}.seed': [3, 4]}, _prompt_seed=2)
		paths = [path for cell in made.table.cells for path in self.saved(session, made, cell)]

		assert [self.prompt(path) for path in paths] == [choose(self.TEMPLATE, random.Random('2'))] * 2

	def saved(self, session: Session, made: SweepResult, cell: Cell) -> list[Path]:
		"""The files of one combination."""
		return [path for node in cell.nodes.values() for path in session.files(made.result.outcome.shown[NodeId(node)])]

	@pytest.mark.parametrize('form', ['native', 'api'])
	def test_other_forms_run_as_they_are_written(self, session: Session, form: Form) -> None:
		"""Only ComfyUI's editor reads braces so."""
		[path] = self.opened(session, form).run().files

		assert self.prompt(path) == self.TEMPLATE


class TestNotebooks:
	def test_workflow_is_drawn(self, session: Session) -> None:
		"""As an SVG with its nodes, and as one that fits the page."""
		flow = painting(session)

		assert flow._repr_svg_().startswith('<svg')
		assert 'EmptyImage' in flow._repr_svg_()
		assert flow._repr_svg_() in flow._repr_html_()
		assert repr(flow) == "<Workflow 'Painting': 3 nodes, inputs: width, colour>"

	def test_results_show_their_picture(self, session: Session) -> None:
		"""The first picture, or the table of a sweep, as PNG."""
		flow = painting(session)

		assert (flow.run()._repr_png_() or b'')[:4] == b'\x89PNG'
		assert (flow.sweep(width=[8, 9])._repr_png_() or b'')[:4] == b'\x89PNG'
