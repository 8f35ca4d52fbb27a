/** Each open document has a page that runs write on; one of them lies open. */

import { EMPTY_PAGE, type Page, type RunState } from './types';

/** The state with another document's page laid open. */
export function onPage(state: RunState, from: number, to: number): RunState {
	if (from === to) {
		return state;
	}
	const { [to]: next = EMPTY_PAGE, ...others } = state.away;
	return { ...state, ...next, away: { ...others, [from]: pageOf(state) } };
}

/** The page of a document that was closed is thrown away. */
export function withoutPage(state: RunState, session: number): RunState {
	const { [session]: _gone, ...away } = state.away;
	return { ...state, away };
}

/** Addresses of previews that no page shows any more, the open one or one that is away. */
export function droppedPreviews(before: RunState, state: RunState): readonly string[] {
	if (before.previews === state.previews && before.away === state.away) {
		return [];
	}
	const kept = new Set(previewsOf(state));
	return previewsOf(before).filter((address) => !kept.has(address));
}

function previewsOf({ previews, away }: RunState): readonly string[] {
	return [previews, ...Object.values(away).map((page) => page.previews)].flatMap((shown) => Object.values(shown));
}

function pageOf({ nodes, results, previews, problems, loads, whys, failure }: RunState): Page {
	return { nodes, results, previews, problems, loads, whys, failure };
}
