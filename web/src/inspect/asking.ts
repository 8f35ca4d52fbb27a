/** Asks the server again and again, and tells of the latest answer only. */

import { ServerError } from '../api/http';

export interface Hearer<T> {
	readonly onAnswer: (answer: T) => void;
	readonly onFailure: (message: string) => void;
}

export interface Asking {
	/** Asks now; what was asked before is no longer waited for. */
	readonly reload: () => Promise<void>;
	/** Asks unless an answer is still waited for: one that takes longer than the pause between ticks arrives all the same. */
	readonly tick: () => Promise<void>;
	readonly stop: () => void;
}

export function startAsking<T>(ask: () => Promise<T>, { onAnswer, onFailure }: Hearer<T>): Asking {
	let latest = 0;
	let waiting = false;
	const reload = async (): Promise<void> => {
		latest += 1;
		const mine = latest;
		waiting = true;
		try {
			const answer = await ask();
			if (mine === latest) {
				onAnswer(answer);
			}
		} catch (error) {
			if (!(error instanceof ServerError)) {
				throw error;
			}
			if (mine === latest) {
				onFailure(error.message);
			}
		} finally {
			waiting &&= mine !== latest;
		}
	};
	return {
		reload,
		tick: async () => {
			if (!waiting) {
				await reload();
			}
		},
		stop: () => {
			latest += 1;
			waiting = false;
		},
	};
}
