/** Words found in text although letters were left out or mistyped. */

const SUBSEQUENCE = 30;
const TYPO = 20;

/** How well a word fits text that does not contain it as it is: 0 not at all. Both in lower case. */
export function fuzzyScore(text: string, word: string): number {
	if (word.length < 3) {
		return 0;
	}
	const span = subsequenceSpan(text, word);
	// Letters too far apart are there by chance.
	const sparse = span === 0 ? 0 : word.length / span;
	const skipped = sparse > 0.4 ? SUBSEQUENCE * sparse : 0;
	return Math.max(skipped, typoScore(text, word));
}

/** The length of the shortest stretch of text that has all letters of the word in order; 0: none has. */
function subsequenceSpan(text: string, word: string): number {
	let best = 0;
	for (let start = text.indexOf(word.charAt(0)); start !== -1; start = text.indexOf(word.charAt(0), start + 1)) {
		let at = start;
		for (const letter of word.slice(1)) {
			at = text.indexOf(letter, at + 1);
			if (at === -1) {
				return best;
			}
		}
		const span = at - start + 1;
		best = best === 0 ? span : Math.min(best, span);
	}
	return best;
}

function typoScore(text: string, word: string): number {
	const allowed = word.length >= 8 ? 2 : word.length >= 4 ? 1 : 0;
	if (allowed === 0) {
		return 0;
	}
	let best = allowed + 1;
	for (const other of text.split(/[^\p{L}\p{N}]+/u)) {
		if (other.length >= word.length - allowed) {
			// What is being typed may be the beginning of a word.
			for (let length = word.length - allowed; length <= Math.min(other.length, word.length + allowed); length += 1) {
				best = Math.min(best, edits(other.slice(0, length), word, best));
			}
		}
	}
	return best > allowed ? 0 : TYPO - 5 * (best - 1);
}

/** Letters to add, leave out, change or swap with the next one (the distance of Damerau and Levenshtein). */
export function edits(a: string, b: string, most = Infinity): number {
	if (Math.abs(a.length - b.length) >= most) {
		return most;
	}
	let before: number[] = [];
	let last = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i += 1) {
		const row = [i];
		for (let j = 1; j <= b.length; j += 1) {
			const same = a[i - 1] === b[j - 1] ? 0 : 1;
			let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
				cost = Math.min(cost, before[j - 2]! + 1);
			}
			row.push(cost);
		}
		[before, last] = [last, row];
	}
	return last[b.length]!;
}
