/** Notices early that a workflow is open twice in this browser, or was changed on the server. */

import { ServerError } from '../api/http';
import { useRun } from '../run/store';
import { useTabs, type Tab } from '../tabs/tabs';
import { notify, settle, useNotices } from './notices';
import { look } from './saving';

/** Which workflows a window has open; `answer`: the others are to say theirs. */
type Message =
	| { readonly from: string; readonly names: readonly string[]; readonly answer: boolean }
	| { readonly from: string; readonly saved: string };

let channel: BroadcastChannel | undefined;
let self = '';

export function startWatching(windowId: string): void {
	const others = new Map<string, ReadonlySet<string>>();
	let said = '';
	self = windowId;
	channel = new BroadcastChannel('lumengraph.tabs');

	const names = (): string[] => useTabs.getState().tabs.flatMap(({ name }) => (name === null ? [] : [name]));
	const say = (message: Message): void => channel?.postMessage(message);
	const compare = (): void => {
		for (const tab of useTabs.getState().tabs) {
			const twice = tab.name !== null && [...others.values()].some((open) => open.has(tab.name ?? ''));
			const known = useNotices.getState().tabs[tab.id];
			if (twice && known === undefined) {
				notify(tab.id, { about: 'twice' });
			} else if (!twice) {
				settle(tab.id, 'twice');
			}
		}
	};
	channel.onmessage = ({ data }: MessageEvent<Message>) => {
		if ('saved' in data) {
			void check((tab) => tab.name === data.saved);
			return;
		}
		others.set(data.from, new Set(data.names));
		if (data.answer) {
			say({ from: windowId, names: names(), answer: false });
		}
		compare();
	};
	useTabs.subscribe(() => {
		const now = names().join('\n');
		if (now !== said) {
			said = now;
			say({ from: windowId, names: names(), answer: false });
			compare();
		}
	});
	said = names().join('\n');
	say({ from: windowId, names: names(), answer: true });
	window.addEventListener('pagehide', () => say({ from: windowId, names: [], answer: false }));
	window.addEventListener('focus', () => void check());
	useRun.subscribe((state, before) => {
		if (state.connection === 'open' && before.connection === 'lost') {
			void check();
		}
	});
	void check();
}

/** Tells the other windows, so that they need not wait until somebody comes back to them. */
export function tellSaved(name: string): void {
	channel?.postMessage({ from: self, saved: name } satisfies Message);
}

async function check(which: (tab: Tab) => boolean = () => true): Promise<void> {
	try {
		await Promise.all(useTabs.getState().tabs.filter(which).map(look));
	} catch (error) {
		// That the server is away is told elsewhere.
		if (!(error instanceof ServerError)) {
			throw error;
		}
	}
}

