/**
 * How much words of a prompt count, changed by keys: `(word:1.1)`, as the peers' editors write it. Parentheses without a
 * number count 1.1; words without parentheses count 1, and lose them again when they come back to that.
 */

export interface Edited {
	/** What is replaced, and by what. */
	readonly from: number;
	readonly to: number;
	readonly text: string;
	/** What is selected then. */
	readonly start: number;
	readonly end: number;
}

const BARE_WEIGHT = 1.1;
const WEIGHTED = /^\((.*):\s*([+-]?\d*\.?\d+)\s*\)$/s;
const BETWEEN_WORDS = /[\s,.\\/!?%^*;:{}=`~()[\]<>"|]/;

/** The change for a step up or down, or null where there is no word. */
export function weighted(text: string, start: number, end: number, step: number): Edited | null {
	const [from, to] = around(text, start, end);
	const piece = text.slice(from, to);
	if (piece.trim() === '') {
		return null;
	}
	const known = isGroup(piece) ? WEIGHTED.exec(piece) : null;
	const words = known?.[1] ?? (isGroup(piece) ? piece.slice(1, -1) : piece);
	const before = known !== null ? Number(known[2]) : isGroup(piece) ? BARE_WEIGHT : 1;
	const weight = Math.round((before + step) * 100) / 100;
	const next = weight === 1 ? words : `(${words}:${weight})`;
	const inner = from + (weight === 1 ? 0 : 1);
	return { from, to, text: next, start: inner, end: inner + words.length };
}

/** What is meant: the selection with the parentheses right around it, the innermost ones around the caret, or the word there. */
function around(text: string, start: number, end: number): readonly [number, number] {
	if (start === end) {
		return groupAt(text, start) ?? wordAt(text, start);
	}
	const chosen = text.slice(start, end);
	const from = start + (chosen.length - chosen.trimStart().length);
	const to = end - (chosen.length - chosen.trimEnd().length);
	if (from >= to || isGroup(text.slice(from, to))) {
		return [from, Math.max(from, to)];
	}
	const behind = /^(?::\s*[+-]?\d*\.?\d+\s*)?\)/.exec(text.slice(to))?.[0];
	return behind !== undefined && text[from - 1] === '(' && text[from - 2] !== '\\' ? [from - 1, to + behind.length] : [from, to];
}

/** The innermost parentheses around a place. */
function groupAt(text: string, at: number): readonly [number, number] | null {
	const from = partner(text, at - 1, -1, '(', ')');
	const to = from === -1 ? -1 : partner(text, at, 1, ')', '(');
	return to === -1 ? null : [from, to + 1];
}

function wordAt(text: string, at: number): readonly [number, number] {
	let [from, to] = [at, at];
	while (from > 0 && !BETWEEN_WORDS.test(text[from - 1] ?? '')) {
		from -= 1;
	}
	while (to < text.length && !BETWEEN_WORDS.test(text[to] ?? '')) {
		to += 1;
	}
	// An embedding is named as one word, with its mark.
	const marked = /embedding:$/.exec(text.slice(0, from))?.[0].length ?? 0;
	return [from - marked, to];
}

/** Whether text begins with a parenthesis that ends with its last letter. */
function isGroup(piece: string): boolean {
	return piece.startsWith('(') && partner(piece, 1, 1, ')', '(') === piece.length - 1;
}

/** Where the parenthesis `wanted` is that closes this level, seen from here in one direction; −1 if nowhere. */
function partner(text: string, start: number, direction: 1 | -1, wanted: string, other: string): number {
	let depth = 0;
	for (let at = start; at >= 0 && at < text.length; at += direction) {
		const plain = text[at - 1] !== '\\';
		if (plain && text[at] === wanted) {
			if (depth === 0) {
				return at;
			}
			depth -= 1;
		} else if (plain && text[at] === other) {
			depth += 1;
		}
	}
	return -1;
}
