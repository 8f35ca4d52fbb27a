import { useCallback, useEffect, useState, type DragEvent, type KeyboardEvent } from 'react';
import { fetchQueue, removeFromQueue, ServerError } from '../api/http';
import { cancelJob, fetchJobs, fetchPaused, forgetJob, moveJob, pauseQueue, retryJob } from '../api/jobs';
import type { JobEntry } from '../api/jobreader';
import type { QueueItem, QueueState } from '../api/types';
import { showJob } from '../inspect/shownJob';
import { usePrefs } from '../prefs';
import { isOwnClient } from '../run/clients';
import { recover } from '../run/recover';
import { ownClientId } from '../run/client';
import { useRun } from '../run/store';
import { tell } from '../run/submit';
import { runningWords } from '../run/words';
import { Icon } from './icons';
import { OthersSwitch } from './OthersSwitch';
import { t } from '../i18n/i18n';

const EMPTY: Shown = { running: [], pending: [], paused: false, failed: [] };
const FAILED_SHOWN = 5;
const DRAGGED = 'application/x-lumengraph-job';

interface Shown extends QueueState {
	readonly paused: boolean;
	readonly failed: readonly JobEntry[];
}

export function QueueList() {
	const [{ running, pending, paused, failed }, setShown] = useState(EMPTY);
	const turns = useRun((state) => state.turns);
	const current = useRun((state) => state.current);
	const connection = useRun((state) => state.connection);
	const progress = useRun((state) => state.progress);
	const others = usePrefs((prefs) => prefs.others);

	const refresh = useCallback(async () => {
		try {
			const [queue, stopped, broken] = await Promise.all([fetchQueue(), fetchPaused(), fetchJobs(['failed'], FAILED_SHOWN)]);
			setShown({ ...queue, paused: stopped, failed: broken.items });
		} catch (error) {
			if (!(error instanceof ServerError)) {
				throw error;
			}
		}
	}, []);
	useEffect(() => {
		void refresh();
	}, [refresh, turns, current, connection]);

	const change = async (action: () => Promise<unknown>): Promise<void> => {
		await tell(async () => void (await action()));
		await refresh();
		await recover(ownClientId());
	};
	/** Before the job that stands at that place now; behind all beyond the last. */
	const place = (id: string, at: number): void => void change(() => moveJob(id, pending[at]?.promptId ?? null));
	const seen = (client: string | null): boolean => others || isOwnClient(client);
	const hidden = [...running, ...pending].filter((item) => !seen(item.clientId)).length;
	/** Jobs that are not shown are not this list's to drop. */
	const waiting = pending.flatMap((item) => (seen(item.clientId) ? [item.promptId] : []));

	return (
		<div className="jobs" data-testid="queue-list">
			<div className="queue-tools">
				<button
					type="button"
					data-testid="queue-pause"
					aria-pressed={paused}
					onClick={() => void change(() => pauseQueue(!paused))}
				>
					<Icon name={paused ? 'play' : 'pause'} /> {paused ? t('running.queue.resume') : t('running.queue.pause')}
				</button>
				{waiting.length > 1 && (
					<button type="button" data-testid="queue-clear" onClick={() => void change(() => removeFromQueue(waiting))}>
						<Icon name="trash" /> {t('queue.clear')}
					</button>
				)}
			</div>
			{paused && <p className="queue-paused">{t('running.queue.paused')}</p>}
			{running.length + pending.length === 0 && <p className="none">{t('queue.empty')}</p>}
			<ul aria-label={t('side.queue')}>
				{running
					.filter((item) => seen(item.clientId))
					.map((item) => (
						<Job
							key={item.promptId}
							item={item}
							state={item.promptId === current ? runningWords(progress) : t('queue.running')}
							running
							onRemove={() => void change(() => cancelJob(item.promptId))}
						/>
					))}
				{pending.map((item, index) =>
					seen(item.clientId) ? (
						<Job
							key={item.promptId}
							item={item}
							state={t('queue.place', { place: index + 1 })}
							onRemove={() => void change(() => cancelJob(item.promptId))}
							onMove={(by) => {
								const to = index + by;
								if (to >= 0 && to < pending.length) {
									place(item.promptId, by > 0 ? to + 1 : to);
								}
							}}
							onDropped={(id) => {
								const from = pending.findIndex((one) => one.promptId === id);
								if (from !== -1 && id !== item.promptId) {
									place(id, from < index ? index + 1 : index);
								}
							}}
						/>
					) : null,
				)}
			</ul>
			{hidden > 0 && <p className="faint">{t('running.queue.hidden', { count: hidden })}</p>}
			<OthersSwitch />
			<Failed
				jobs={failed.filter((job) => seen(job.client))}
				onRetry={(id) => void change(() => retryJob(id))}
				onForget={(id) => void change(() => forgetJob(id))}
			/>
		</div>
	);
}

interface JobProps {
	readonly item: QueueItem;
	readonly state: string;
	readonly running?: boolean;
	readonly onRemove: () => void;
	/** One place up (−1) or down (1). */
	readonly onMove?: (by: number) => void;
	/** Another job was dropped on this one. */
	readonly onDropped?: (id: string) => void;
}

function Job({ item, state, running = false, onRemove, onMove, onDropped }: JobProps) {
	const [over, setOver] = useState(false);
	const title = item.title || t('queue.nodes', { count: Object.keys(item.prompt).length });
	const onKeyDown = (event: KeyboardEvent): void => {
		const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
		if (by !== undefined) {
			event.preventDefault();
			event.stopPropagation();
			onMove?.(by);
		}
	};
	const dragging = ({ dataTransfer }: DragEvent): boolean => dataTransfer.types.includes(DRAGGED);
	return (
		<li
			className="job"
			data-running={running || undefined}
			data-over={over || undefined}
			data-testid={`job-${item.promptId}`}
			draggable={onMove !== undefined}
			onDragStart={(event) => event.dataTransfer.setData(DRAGGED, item.promptId)}
			onDragOver={(event) => {
				if (onDropped !== undefined && dragging(event)) {
					event.preventDefault();
					setOver(true);
				}
			}}
			onDragLeave={() => setOver(false)}
			onDrop={(event) => {
				event.preventDefault();
				setOver(false);
				onDropped?.(event.dataTransfer.getData(DRAGGED));
			}}
		>
			{onMove !== undefined && (
				<button
					type="button"
					className="tool grip"
					data-testid={`move-${item.promptId}`}
					aria-label={t('running.queue.move', { title })}
					data-tip={t('running.queue.moveTip')}
					onKeyDown={onKeyDown}
				>
					<Icon name="grip" />
				</button>
			)}
			<div>
				<button type="button" className="link" data-tip={t('inspect.job.title')} onClick={() => showJob(item.promptId)}>
					<b>{title}</b>
				</button>
				<small>
					{state}
					{isOwnClient(item.clientId) ? '' : ` · ${t('queue.other')}`}
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
		</li>
	);
}

interface FailedProps {
	readonly jobs: readonly JobEntry[];
	readonly onRetry: (id: string) => void;
	readonly onForget: (id: string) => void;
}

function Failed({ jobs, onRetry, onForget }: FailedProps) {
	if (jobs.length === 0) {
		return null;
	}
	return (
		<section className="failed-jobs">
			<h3>{t('running.queue.failed')}</h3>
			<ul>
				{jobs.map((job) => (
					<li key={job.id} className="job" data-failed="" data-testid={`failed-${job.id}`}>
						<div>
							<b>{job.title || t('tabs.untitled')}</b>
							<small data-tip={job.failure?.message}>{job.failure?.message ?? t('run.noReason')}</small>
						</div>
						<button
							type="button"
							className="tool"
							data-testid={`retry-${job.id}`}
							aria-label={t('running.retry')}
							data-tip={t('running.retry')}
							onClick={() => onRetry(job.id)}
						>
							<Icon name="refresh" />
						</button>
						<button
							type="button"
							className="tool"
							aria-label={t('running.forget')}
							data-tip={t('running.forget')}
							onClick={() => onForget(job.id)}
						>
							<Icon name="close" />
						</button>
					</li>
				))}
			</ul>
		</section>
	);
}
