import { useEffect, useMemo, useState } from 'react';
import { startAsking } from './asking';

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
	const asking = useMemo(
		() =>
			startAsking(ask, {
				onAnswer: (answer) => {
					setValue(() => answer);
					setFailure('');
				},
				onFailure: setFailure,
			}),
		[ask],
	);
	useEffect(() => {
		void asking.reload();
		return asking.stop;
	}, [asking]);
	const again = everyMs !== null && !(value !== null && over(value));
	useEffect(() => {
		const timer = again ? setInterval(() => void asking.tick(), everyMs) : undefined;
		return () => clearInterval(timer);
	}, [asking, everyMs, again]);
	return { value, failure, reload: asking.reload };
}
