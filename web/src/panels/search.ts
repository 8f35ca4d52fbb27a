/** Which kinds a few typed words mean, best first. */

import type { LooseEnd } from '../canvas/commands';
import { fuzzyScore } from '../graph/fuzzy';
import { categoryOrder } from '../graph/kinds';
import { firstFittingInput, firstFittingOutput } from '../graph/sockets';
import type { KindInfo, Kinds } from '../graph/types';

const RECENT_BONUS = 4;

/** `recent` are kinds used lately, the last one first: they come first where nothing was typed, and before equals where something was. */
export function searchKinds(
	kinds: Kinds,
	text: string,
	end: Pick<LooseEnd, 'side' | 'type'> | null,
	recent: readonly string[] = [],
): KindInfo[] {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	return [...kinds.values()]
		.filter((info) => end === null || takes(info, end))
		.map((info) => ({ info, found: score(info, words) }))
		.filter(({ found }) => found >= 0)
		.map(({ info, found }) => {
			const exact = end !== null && exactly(info, end) ? 5 : 0;
			return { info, score: found + exact + lately(info, words.length === 0, recent) };
		})
		.sort((a, b) => b.score - a.score || byName(a.info, b.info))
		.map(({ info }) => info);
}

function lately(info: KindInfo, alone: boolean, recent: readonly string[]): number {
	const place = recent.indexOf(info.kind);
	return place === -1 ? 0 : (alone ? 100 : RECENT_BONUS) - place / recent.length;
}

function takes(info: KindInfo, { side, type }: Pick<LooseEnd, 'side' | 'type'>): boolean {
	return (side === 'source' ? firstFittingInput(info, type) : firstFittingOutput(info, type)) !== undefined;
}

function exactly(info: KindInfo, { side, type }: Pick<LooseEnd, 'side' | 'type'>): boolean {
	return (side === 'source' ? info.inputs : info.outputs).some((socket) => socket.type === type);
}

/** Every word must be found somewhere; -1 when one is not. */
function score(info: KindInfo, words: readonly string[]): number {
	let sum = info.deprecated ? -20 : 0;
	for (const word of words) {
		const points = wordScore(info, word);
		if (points === 0) {
			return -1;
		}
		sum += points;
	}
	return Math.max(0, sum + 20);
}

function wordScore(info: KindInfo, word: string): number {
	const title = info.title.toLowerCase();
	const kind = info.kind.toLowerCase();
	if (title === word || kind === word) {
		return 120;
	}
	if (title.startsWith(word) || kind.startsWith(word)) {
		return 100 - Math.min(30, title.length / 2);
	}
	if (startsWord(title, word) || startsWord(spaced(info.kind), word)) {
		return 70 - Math.min(20, title.length / 2);
	}
	if (info.aliases.some((alias) => alias.toLowerCase().startsWith(word))) {
		return 60;
	}
	if (title.includes(word) || kind.includes(word)) {
		return 45;
	}
	if (initials(info.kind).startsWith(word) || info.category.toLowerCase().includes(word)) {
		return 25;
	}
	if (info.description.toLowerCase().includes(word)) {
		return 10;
	}
	const names = [title, spaced(info.kind), kind, ...info.aliases.map((alias) => alias.toLowerCase())];
	return Math.max(...names.map((name) => fuzzyScore(name, word))) / 4;
}

function startsWord(text: string, word: string): boolean {
	return text.startsWith(word) || text.includes(` ${word}`) || text.includes(`(${word}`);
}

function spaced(kind: string): string {
	return kind
		.replace(/([a-z0-9])([A-Z])/g, '$1 $2')
		.replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
		.toLowerCase();
}

function initials(kind: string): string {
	return spaced(kind)
		.split(/[\s_]+/)
		.map((part) => part.charAt(0))
		.join('');
}

function byName(a: KindInfo, b: KindInfo): number {
	return categoryOrder(a.category, b.category) || a.title.localeCompare(b.title);
}
