import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { pictureUrl, ServerError } from '../api/http';
import { OVER, secondsOf, type JobEntry, type JobState } from '../api/jobreader';
import { fetchJobs, forgetJob } from '../api/jobs';
import { Icon, type IconName } from '../panels/icons';
import { compareJob, openJobGraph, retry } from '../panels/jobs';
import { openLightbox } from '../panels/lightbox';
import { OthersSwitch } from '../panels/OthersSwitch';
import { usePrefs } from '../prefs';
import { isOwnClient } from '../run/clients';
import { useRun } from '../run/store';
import { tell } from '../run/submit';
import { dayWords, durationWords, timeWords } from '../run/words';
import { NOTHING, startReading } from './history';
import { t } from '../i18n/i18n';

const PAGE = 40;
const ICONS: { readonly [state in JobState]: IconName } = {
	queued: 'clock',
	running: 'play',
	succeeded: 'check',
	failed: 'alert',
	cancelled: 'stop',
};

/** The jobs that are over, by day, the newest on top; further ones come as one scrolls. */
export default function HistoryPanel() {
	const [{ jobs, next }, setListed] = useState(NOTHING);
	const [state, setState] = useState<JobState | ''>('');
	const [ready, setReady] = useState(false);
	const turns = useRun((run) => run.turns);
	const others = usePrefs((prefs) => prefs.others);
	const end = useRef<HTMLDivElement>(null);

	const reading = useMemo(() => {
		const states = state === '' ? OVER : [state];
		return startReading((cursor) => fetchJobs(states, PAGE, cursor), setListed);
	}, [state]);
	useEffect(() => {
		setListed(NOTHING);
		setReady(false);
		return reading.stop;
	}, [reading]);
	const refresh = useCallback(() => quietly(reading.refresh).then(() => setReady(true)), [reading]);
	useEffect(() => {
		void refresh();
	}, [refresh, turns]);
	useEffect(() => {
		const element = end.current;
		if (element === null || next === null) {
			return undefined;
		}
		const watch = new IntersectionObserver(([entry]) => {
			if (entry?.isIntersecting === true) {
				watch.disconnect();
				void quietly(reading.more);
			}
		});
		watch.observe(element);
		return () => watch.disconnect();
	}, [next, reading]);

	const forget = async (id: string): Promise<void> => {
		if (await tell(() => forgetJob(id))) {
			reading.drop(id);
		}
		await refresh();
	};
	const shown = jobs.filter((job) => others || isOwnClient(job.client));
	const days = byDay(shown);
	return (
		<div className="history" data-testid="history">
			<label>
				{t('running.history.which')}
				<select data-testid="history-state" value={state} onChange={(event) => setState(event.target.value as JobState | '')}>
					<option value="">{t('running.history.all')}</option>
					{OVER.map((one) => (
						<option key={one} value={one}>
							{t(`running.states.${one}`)}
						</option>
					))}
				</select>
			</label>
			<OthersSwitch />
			{ready && shown.length === 0 && <p className="none">{t('running.history.none')}</p>}
			{[...days].map(([day, members]) => (
				<section key={day}>
					<h3>{dayWords(day)}</h3>
					<ul>
						{members.map((job) => (
							<Entry key={job.id} job={job} onForget={() => void forget(job.id)} />
						))}
					</ul>
				</section>
			))}
			<div ref={end} className="history-end" />
		</div>
	);
}

/** That the server is away is told elsewhere. */
async function quietly(ask: () => Promise<void>): Promise<void> {
	try {
		await ask();
	} catch (error) {
		if (!(error instanceof ServerError)) {
			throw error;
		}
	}
}

/** Noon of each day, and its jobs. */
function byDay(jobs: readonly JobEntry[]): ReadonlyMap<number, readonly JobEntry[]> {
	const days = new Map<number, JobEntry[]>();
	for (const job of jobs) {
		const day = new Date(job.created).setHours(12, 0, 0, 0);
		days.set(day, [...(days.get(day) ?? []), job]);
	}
	return days;
}

function Entry({ job, onForget }: { job: JobEntry; onForget: () => void }) {
	const shots = [...job.outputs.values()]
		.flatMap(({ pictures }) => pictures)
		.map((picture) => ({ picture, version: job.id, url: pictureUrl(picture, job.id) }));
	const [first] = shots;
	const seconds = secondsOf(job);
	const took = seconds === null ? '' : ` · ${durationWords(seconds)}`;
	return (
		<li className="past" data-state={job.state} data-testid={`past-${job.id}`}>
			{first === undefined ? (
				<span className="no-picture">
					<Icon name={ICONS[job.state]} />
				</span>
			) : (
				<button
					type="button"
					className="picture"
					aria-label={t('picture.enlarge', { name: first.picture.filename })}
					onClick={() => openLightbox(shots, 0)}
				>
					<img src={first.url} alt="" loading="lazy" draggable={false} />
				</button>
			)}
			<div>
				<b>{job.title || t('tabs.untitled')}</b>
				<small data-tip={job.failure?.message}>
					{timeWords(job.created)} · {t(`running.states.${job.state}`)}
					{took}
				</small>
				<span className="acts">
					<Act icon="folder" id={`open-${job.id}`} label={t('running.openGraph')} onClick={() => void openJobGraph(job.id)} />
					<Act icon="compare" id={`compare-${job.id}`} label={t('running.compareGraph')} onClick={() => void compareJob(job.id)} />
					<Act icon="refresh" id={`again-${job.id}`} label={t('running.retry')} onClick={() => void retry(job.id)} />
					<Act icon="close" id={`forget-${job.id}`} label={t('running.forget')} onClick={onForget} />
				</span>
			</div>
		</li>
	);
}

function Act({ icon, id, label, onClick }: { icon: IconName; id: string; label: string; onClick: () => void }) {
	return (
		<button type="button" className="tool" data-testid={id} aria-label={label} data-tip={label} onClick={onClick}>
			<Icon name={icon} />
		</button>
	);
}
