import { useCallback, useEffect, useState } from 'react';
import { clearQueue, fetchQueue, interrupt, removeFromQueue, ServerError } from '../api/http';
import type { QueueItem, QueueState } from '../api/types';
import { recover } from '../run/recover';
import { ownClientId } from '../run/client';
import { useRun } from '../run/store';
import { tell } from '../run/submit';
import type { RunState } from '../run/types';
import { Icon } from './icons';

const EMPTY: QueueState = { running: [], pending: [] };

export function QueueList() {
	const [queue, setQueue] = useState(EMPTY);
	const remaining = useRun((state) => state.remaining);
	const current = useRun((state) => state.current);
	const connection = useRun((state) => state.connection);
	const progress = useRun((state) => state.progress);

	const refresh = useCallback(async () => {
		try {
			setQueue(await fetchQueue());
		} catch (error) {
			if (!(error instanceof ServerError)) {
				throw error;
			}
		}
	}, []);
	useEffect(() => {
		void refresh();
	}, [refresh, remaining, current, connection]);

	const change = async (action: () => Promise<void>): Promise<void> => {
		await tell(action);
		await refresh();
		await recover(ownClientId());
	};
	if (queue.running.length + queue.pending.length === 0) {
		return <p className="none">Nothing is running or waiting.</p>;
	}
	return (
		<div className="jobs">
			{queue.running.map((item) => (
				<Job
					key={item.promptId}
					item={item}
					state={item.promptId === current ? runningWords(progress) : 'running'}
					running
					onRemove={() => void change(() => interrupt(item.promptId))}
				/>
			))}
			{queue.pending.map((item, index) => (
				<Job
					key={item.promptId}
					item={item}
					state={`waiting, ${index + 1} in line`}
					onRemove={() => void change(() => removeFromQueue([item.promptId]))}
				/>
			))}
			{queue.pending.length > 1 && (
				<button type="button" onClick={() => void change(clearQueue)}>
					<Icon name="trash" /> Remove all waiting
				</button>
			)}
		</div>
	);
}

/** How far the running job is, in words. */
export function runningWords(progress: RunState['progress']): string {
	if (progress === null) {
		return 'running';
	}
	const left = progress.secondsLeft;
	const time = left === null ? '' : left < 90 ? `, ${Math.ceil(left)} s left` : `, ${Math.round(left / 60)} min left`;
	return `running, ${Math.floor(100 * progress.fraction)} %${time}`;
}

interface JobProps {
	item: QueueItem;
	state: string;
	running?: boolean;
	onRemove: () => void;
}

function Job({ item, state, running = false, onRemove }: JobProps) {
	return (
		<div className="job" data-running={running || undefined} data-testid={`job-${item.promptId}`}>
			<div>
				<b>{item.title || `${Object.keys(item.prompt).length} nodes`}</b>
				<small>
					{state}
					{item.clientId === ownClientId() ? '' : ' · another client'}
				</small>
			</div>
			<button
				type="button"
				className="tool"
				aria-label={running ? 'Interrupt' : 'Remove from the queue'}
				data-tip={running ? 'Interrupt' : 'Remove from the queue'}
				onClick={onRemove}
			>
				<Icon name={running ? 'stop' : 'close'} />
			</button>
		</div>
	);
}
