"""A pack that brings more than nodes: scripts, texts, examples, a subgraph, successors of nodes that are no more."""


class New:
	"""The successor of two nodes; its own flags say all that a class can say of itself."""

	RETURN_TYPES = ('INT', 'STRING')
	FUNCTION = 'run'
	CATEGORY = 'companion'
	DESCRIPTION = 'Counts.'
	DEPRECATED = True
	EXPERIMENTAL = True
	DEV_ONLY = True
	API_NODE = True
	HAS_INTERMEDIATE_OUTPUT = True
	ESSENTIALS_CATEGORY = 'Basics'
	SEARCH_ALIASES = ['count', 'tally']

	@classmethod
	def INPUT_TYPES(cls):
		return {'required': {'amount': ('INT', {'default': 1}), 'unit': ('STRING', {'default': ''})}}

	def run(self, amount, unit):
		return amount, f'{amount} {unit}'


class Broken:
	"""A class that cannot be described."""

	RETURN_TYPES = ()
	FUNCTION = 'run'
	CATEGORY = 'companion'

	@classmethod
	def INPUT_TYPES(cls):
		raise RuntimeError('no inputs today')


WEB_DIRECTORY = './js'
NODE_CLASS_MAPPINGS = {'CompanionNew': New, 'CompanionBroken': Broken}
