/** What a person should know of the open documents: shown over the canvas until it is settled. */

import { create } from 'zustand';
import type { DraftEntry, Stored } from '../api/library';

/** Of a document of the server: somebody has saved or deleted it since, or it is open in another window. */
export type Notice =
	| { readonly about: 'changed'; readonly theirs: Stored }
	| { readonly about: 'gone' }
	| { readonly about: 'twice' };

interface Notices {
	/** By the tab's id. */
	readonly tabs: { readonly [tab: string]: Notice };
	/** Unsaved work of browsers that are gone. */
	readonly drafts: readonly DraftEntry[];
}

export const useNotices = create<Notices>()(() => ({ tabs: {}, drafts: [] }));

export function notify(tab: string, notice: Notice): void {
	useNotices.setState(({ tabs }) => ({ tabs: { ...tabs, [tab]: notice } }));
}

/** Only one about this, if that is said. */
export function settle(tab: string, about?: Notice['about']): void {
	useNotices.setState(({ tabs }) => {
		const { [tab]: notice, ...others } = tabs;
		return notice === undefined || (about !== undefined && notice.about !== about) ? {} : { tabs: others };
	});
}
