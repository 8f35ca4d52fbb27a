import { useCallback, useEffect, useRef, useState } from 'react';
import { ServerError } from '../api/http';

export interface Answered<T> {
	/** Null until the first one is there. An older one stays while a newer one is asked for. */
	readonly value: T | null;
	/** Why the last request failed. */
	readonly failure: string;
	readonly reload: () => Promise<void>;
}

/** What the server answers: when the component appears, when `ask` is another, and every `everyMs` until it is `over`. */
export function useAnswer<T>(
	ask: () => Promise<T>,
	everyMs: number | null = null,
	over: (value: T) => boolean = () => false,
): Answered<T> {
	const [value, setValue] = useState<T | null>(null);
	const [failure, setFailure] = useState('');
	const latest = useRef(0);
	const reload = useCallback(async () => {
		latest.current += 1;
		const mine = latest.current;
		try {
			const answer = await ask();
			if (mine === latest.current) {
				setValue(() => answer);
				setFailure('');
			}
		} catch (error) {
			if (!(error instanceof ServerError)) {
				throw error;
			}
			if (mine === latest.current) {
				setFailure(error.message);
			}
		}
	}, [ask]);
	useEffect(() => {
		void reload();
		return () => {
			latest.current += 1;
		};
	}, [reload]);
	const again = everyMs !== null && !(value !== null && over(value));
	useEffect(() => {
		const timer = again ? setInterval(() => void reload(), everyMs) : undefined;
		return () => clearInterval(timer);
	}, [reload, everyMs, again]);
	return { value, failure, reload };
}
