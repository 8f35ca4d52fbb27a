/** The colour of a socket type: fixed for the common ones, drawn from the name for all others. */

const COLOURS = new Map([
	['MODEL', '#a78bfa'],
	['CLIP', '#f5cf58'],
	['VAE', '#f4736e'],
	['CONDITIONING', '#f59e4c'],
	['LATENT', '#ee7ac0'],
	['IMAGE', '#58b4f6'],
	['MASK', '#5fcf8f'],
	['CONTROL_NET', '#3fd0bf'],
	['CLIP_VISION', '#9cb86c'],
	['CLIP_VISION_OUTPUT', '#c1a06e'],
	['STYLE_MODEL', '#bfe27a'],
	['UPSCALE_MODEL', '#7f9cf5'],
	['SIGMAS', '#b9d36a'],
	['SAMPLER', '#d99a9a'],
	['NOISE', '#a9a4c9'],
	['GUIDER', '#74c7d8'],
	['INT', '#8fa3bf'],
	['FLOAT', '#8fbfb4'],
	['STRING', '#9fb08a'],
	['BOOLEAN', '#c39a8b'],
	['COMBO', '#a89bb8'],
	['*', '#c3c8d2'],
]);

export function socketColour(type: string): string {
	const first = type.split(',')[0]?.trim() ?? type;
	return COLOURS.get(first) ?? `hsl(${hue(first)} 55% 66%)`;
}

function hue(name: string): number {
	let sum = 7;
	for (const character of name) {
		sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 3600;
	}
	return sum / 10;
}
