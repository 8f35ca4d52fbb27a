/** The workflow that a saved picture carries: a PNG in its text chunks, others in their EXIF texts. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Ours first, then what ComfyUI's editor saves: both have the layout that an API prompt lacks. */
const KEYS = ['lumengraph', 'workflow', 'prompt'];

export function embeddedWorkflow(file: ArrayBuffer): string | null {
	const texts = isPng(file) ? textChunks(file) : exifTexts(file);
	const key = KEYS.find((candidate) => texts.has(candidate));
	return key === undefined ? null : (texts.get(key) ?? null);
}

function isPng(file: ArrayBuffer): boolean {
	const bytes = new Uint8Array(file, 0, Math.min(SIGNATURE.length, file.byteLength));
	return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

/** Texts of the form `name:{…}` that end with a zero, as EXIF in WebP, JPEG and AVIF has them, wherever they stand. */
function exifTexts(file: ArrayBuffer): ReadonlyMap<string, string> {
	const content = latin(new Uint8Array(file));
	const texts = new Map<string, string>();
	for (const key of KEYS) {
		const start = content.indexOf(`${key}:{`);
		const end = content.indexOf('\0', start);
		if (start >= 0 && end > start) {
			texts.set(key, content.slice(start + key.length + 1, end));
		}
	}
	return texts;
}

function textChunks(file: ArrayBuffer): ReadonlyMap<string, string> {
	const texts = new Map<string, string>();
	const bytes = new Uint8Array(file);
	const view = new DataView(file);
	let at = SIGNATURE.length;
	while (at + 12 <= bytes.length) {
		const length = view.getUint32(at);
		const type = latin(bytes.subarray(at + 4, at + 8));
		const data = bytes.subarray(at + 8, at + 8 + length);
		const end = data.indexOf(0);
		if (type === 'tEXt' && end > 0) {
			texts.set(latin(data.subarray(0, end)), latin(data.subarray(end + 1)));
		} else if (type === 'iTXt' && end > 0 && data[end + 1] === 0) {
			// Uncompressed international text: two flags, then language and translated key, each ended by a zero.
			const language = data.indexOf(0, end + 3);
			const translated = data.indexOf(0, language + 1);
			texts.set(latin(data.subarray(0, end)), new TextDecoder().decode(data.subarray(translated + 1)));
		}
		at += 12 + length;
	}
	return texts;
}

function latin(bytes: Uint8Array): string {
	return new TextDecoder('latin1').decode(bytes);
}
