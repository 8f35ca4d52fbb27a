import { readKinds } from '../src/api/declarations';
import type { Json } from '../src/json';
import type { Kinds } from '../src/graph/types';

const OBJECT_INFO: Json = {
	CheckpointLoaderSimple: {
		display_name: 'Load Checkpoint',
		input: { required: { ckpt_name: [['tiny.safetensors'], {}] } },
		output: ['MODEL', 'CLIP', 'VAE'],
		output_name: ['MODEL', 'CLIP', 'VAE'],
	},
	CLIPTextEncode: {
		display_name: 'CLIP Text Encode (Prompt)',
		description: 'Turns words into conditioning.',
		input: { required: { text: ['STRING', { multiline: true }], clip: ['CLIP'] } },
		output: ['CONDITIONING'],
	},
	EmptyLatentImage: {
		input: {
			required: { width: ['INT', { default: 512, min: 16, step: 8 }], height: ['INT', { default: 512, min: 16 }] },
		},
		output: ['LATENT'],
	},
	KSampler: {
		input: {
			required: {
				model: ['MODEL'],
				seed: ['INT', { default: 0, min: 0, max: 18446744073709551615n, control_after_generate: true }],
				steps: ['INT', { default: 20, min: 1, max: 10000 }],
				sampler_name: ['COMBO', { options: ['euler', 'heun'] }],
				positive: ['CONDITIONING'],
				latent_image: ['LATENT'],
			},
			optional: { strength: ['FLOAT', { default: 1 }] },
		},
		output: ['LATENT'],
	},
	SaveImage: {
		input: { required: { images: ['IMAGE'], filename_prefix: ['STRING', { default: 'out' }] } },
		output: [],
		output_node: true,
	},
	Split: {
		input: { required: { sigmas: ['SIGMAS'] } },
		output: ['SIGMAS', 'SIGMAS'],
		output_name: ['SIGMAS', 'SIGMAS'],
	},
	Any: {
		input: { required: { value: ['*'] }, optional: { number: ['INT,FLOAT', { forceInput: true }] } },
		output: ['*'],
	},
};

export const KINDS: Kinds = readKinds(OBJECT_INFO);
