"""Editor graphs written short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Output, Text, Toggle, Variant, Varying
from engine.formats.editor.read import EditorReading, read_editor
from engine.formats.prompt import write_prompt

IMAGE = Input(name='image', type='IMAGE')


def info(kind: str, *inputs: Input, outputs: str = 'IMAGE', sink: bool = False) -> NodeInfo:
	"""A declaration; `outputs` are types, parted by spaces."""
	return NodeInfo(
		kind=kind,
		title=kind,
		category='',
		inputs=inputs,
		outputs=tuple(Output(name=type, type=type) for type in outputs.split()),
		sink=sink,
	)


def number(name: str, default: int = 0, **more: Any) -> Input:
	"""A whole number."""
	return Input(name=name, type='INT', widget=Number(default=default), **more)


def text(name: str, **more: Any) -> Input:
	"""A line of text."""
	return Input(name=name, type='STRING', widget=Text(), **more)


MODES = Varying(
	variants=(
		Variant(key='exactly', inputs=(number('width', 8), number('height', 8))),
		Variant(key='longer side', inputs=(number('length', 9),)),
	)
)
NODES: Mapping[str, NodeInfo] = {
	declared.kind: declared
	for declared in (
		info(
			'Load',
			Input(name='file', type='COMBO', widget=Choice(options=('a', 'b'), upload=True)),
			outputs='IMAGE MASK',
		),
		info('Blur', IMAGE, number('radius', 3)),
		info('Noise', number('seed'), number('steps', 20), Input(name='fast', type='BOOLEAN', widget=Toggle())),
		info(
			'Mix',
			Input(name='mask', type='MASK', required=False),
			Input(name='first', type='IMAGE'),
			Input(name='second', type='IMAGE'),
			outputs='MASK IMAGE',
		),
		info('Write', text('words'), outputs='STRING'),
		info('Resize', IMAGE, Input(name='mode', type='COMFY_DYNAMICCOMBO_V3', dynamic=MODES), text('method')),
		info(
			'Batch',
			Input(
				name='images',
				type='COMFY_AUTOGROW_V3',
				dynamic=Growing(item=IMAGE, names=('image0', 'image1', 'image2'), min=1),
			),
		),
		info('Old', Input(name='count', type='INT', options={'forceInput': True}), text('words'), number('size', 1)),
		info('Save', Input(name='images', type='IMAGE'), text('prefix'), outputs='', sink=True),
	)
}


def node(id: int | str, type: str, values: Any = None, /, mode: int = 0, **links: int | None) -> dict[str, Any]:
	"""A node of a kind above; `links` are its link inputs. Widgets that are linked: `radius_=3`."""
	declared = NODES.get(type)
	slots = []
	for name, link in links.items():
		plain = name.removesuffix('_')
		given = declared.inputs_by_name.get(plain) if declared is not None else None
		slot: dict[str, Any] = {'name': plain, 'type': given.type if given is not None else '*', 'link': link}
		slots.append({**slot, 'widget': {'name': plain}} if name != plain else slot)
	outputs = [{'name': out.name, 'type': out.type} for out in declared.outputs] if declared is not None else []
	made = {'id': id, 'type': type, 'mode': mode, 'inputs': slots, 'outputs': outputs}
	return made if values is None else {**made, 'widgets_values': values}


def canvas(nodes: list[Any], links: list[Any], **more: Any) -> dict[str, Any]:
	"""A document of version 0.4."""
	return {'nodes': nodes, 'links': links, 'version': 0.4, **more}


def read(nodes: list[Any], links: list[Any], **more: Any) -> dict[str, Any]:
	"""What a document comes to: id → inputs, in the API form."""
	prompt: dict[str, Any] = dict(write_prompt(reading(nodes, links, **more).graph))
	return {id: body['inputs'] for id, body in prompt.items()}


def reading(nodes: list[Any], links: list[Any], **more: Any) -> EditorReading:
	"""All that is read from a document."""
	return read_editor(canvas(nodes, links, **more), NODES)
