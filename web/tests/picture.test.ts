import { describe, expect, test } from 'vitest';
import { embeddedWorkflow } from '../src/graph/picture';

const bytes = (text: string) => new TextEncoder().encode(text);

function png(...chunks: [string, Uint8Array][]): ArrayBuffer {
	const parts = chunks.flatMap(([type, data]) => {
		const head = new Uint8Array(8);
		new DataView(head.buffer).setUint32(0, data.length);
		head.set(bytes(type), 4);
		return [...head, ...data, 0, 0, 0, 0];
	});
	return Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...parts]).buffer;
}

describe('the workflow in a picture', () => {
	test('is found in a text chunk, ours before the bare prompt', () => {
		const file = png(
			['IHDR', bytes('…')],
			['tEXt', bytes('prompt\0{"1": {}}')],
			['tEXt', bytes('lumengraph\0{"lumengraph": 1}')],
		);

		expect(embeddedWorkflow(file)).toBe('{"lumengraph": 1}');
	});

	test('is the editor’s form rather than the bare prompt', () => {
		const file = png(['tEXt', bytes('prompt\0{"1": {}}')], ['tEXt', bytes('workflow\0{"nodes": []}')]);

		expect(embeddedWorkflow(file)).toBe('{"nodes": []}');
	});

	test('may stand in EXIF texts of other pictures', () => {
		const file = bytes('RIFF…WEBP…Exif\0\0prompt:{"1": {}}\0workflow:{"nodes": []}\0…').buffer;

		expect(embeddedWorkflow(file)).toBe('{"nodes": []}');
	});

	test('may stand in an international text chunk', () => {
		expect(embeddedWorkflow(png(['iTXt', bytes('lumengraph\0\0\0en\0\0{"title": "Größe"}')]))).toBe(
			'{"title": "Größe"}',
		);
	});

	test('is absent from other pictures and other files', () => {
		expect(embeddedWorkflow(png(['tEXt', bytes('Software\0x')]))).toBeNull();
		expect(embeddedWorkflow(bytes('JFIF').buffer)).toBeNull();
	});
});
