"""A pack in ComfyUI's manner, of our own writing: one node for each thing that a node may do."""

from .nodes import asynchronous, changing, checking, expanding, images, lists, passing

NODE_CLASS_MAPPINGS = {}
NODE_DISPLAY_NAME_MAPPINGS = {'TestingImage': 'Testing Image'}
for module in (images, lists, passing, changing, checking, asynchronous, expanding):
	NODE_CLASS_MAPPINGS.update(module.NODES)
