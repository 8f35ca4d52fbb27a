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

function pageOf({ nodes, results, previews, problems, loads, whys, failure }: RunState): Page {
	return { nodes, results, previews, problems, loads, whys, failure };
}
