import { useCallback, useEffect, useState } from 'react';
import { clearQueue, fetchQueue, interrupt, removeFromQueue, ServerError } from '../api/http';
import type { QueueItem, QueueState } from '../api/types';
import { openJob } from '../inspect/openJob';
import { recover } from '../run/recover';
import { ownClientId } from '../run/client';
import { useRun } from '../run/store';
import { tell } from '../run/submit';
import type { RunState } from '../run/types';
import { Icon } from './icons';
import { t } from '../i18n/i18n';

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
		return <p className="none">{t('queue.empty')}</p>;
	}
	return (
		<div className="jobs">
			{queue.running.map((item) => (
				<Job
					key={item.promptId}
					item={item}
					state={item.promptId === current ? runningWords(progress) : t('queue.running')}
					running
					onRemove={() => void change(() => interrupt(item.promptId))}
				/>
			))}
			{queue.pending.map((item, index) => (
				<Job
					key={item.promptId}
					item={item}
					state={t('queue.place', { place: index + 1 })}
					onRemove={() => void change(() => removeFromQueue([item.promptId]))}
				/>
			))}
			{queue.pending.length > 1 && (
				<button type="button" onClick={() => void change(clearQueue)}>
					<Icon name="trash" /> {t('queue.clear')}
				</button>
			)}
		</div>
	);
}

/** How far the running job is, in words. */
export function runningWords(progress: RunState['progress']): string {
	if (progress === null) {
		return t('queue.running');
	}
	const left = progress.secondsLeft;
	const percent = Math.floor(100 * progress.fraction);
	if (left === null) {
		return t('queue.percent', { percent });
	}
	return left < 90
		? t('queue.seconds', { percent, left: Math.ceil(left) })
		: t('queue.minutes', { percent, left: Math.round(left / 60) });
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
				<button type="button" className="link" data-tip={t('inspect.job.title')} onClick={() => openJob(item.promptId)}>
					<b>{item.title || t('queue.nodes', { count: Object.keys(item.prompt).length })}</b>
				</button>
				<small>
					{state}
					{item.clientId === ownClientId() ? '' : ` · ${t('queue.other')}`}
				</small>
			</div>
			<button
				type="button"
				className="tool"
				aria-label={running ? t('queue.interrupt') : t('queue.remove')}
				data-tip={running ? t('queue.interrupt') : t('queue.remove')}
				onClick={onRemove}
			>
				<Icon name={running ? 'stop' : 'close'} />
			</button>
		</div>
	);
}
