import type { NodeId } from './types';

/** `KSampler` → `k_sampler`, `VAEDecode` → `vae_decode`, `CLIPTextEncode` → `clip_text_encode`. */
export function readableId(kind: string): string {
	const words = kind
		.replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
		.replace(/([a-z0-9])([A-Z])/g, '$1_$2')
		.replace(/[^A-Za-z0-9]+/g, '_')
		.replace(/^_+|_+$/g, '')
		.toLowerCase();
	return words === '' ? 'node' : words;
}

/** The name itself, or with the first free number behind it. */
export function freeId(wanted: string, taken: (id: NodeId) => boolean): NodeId {
	if (!taken(wanted)) {
		return wanted;
	}
	const stem = wanted.replace(/_\d+$/, '');
	let number = 2;
	while (taken(`${stem}_${number}`)) {
		number += 1;
	}
	return `${stem}_${number}`;
}
