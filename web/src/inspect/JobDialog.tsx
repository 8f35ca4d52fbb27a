import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { OVER, secondsOf, type JobDetail, type JobStep } from '../api/jobreader';
import { cancelJob, fetchJobDetail, fetchSteps } from '../api/jobs';
import { pictureUrl } from '../api/http';
import type { DialogProps } from '../commands/Dialogs';
import { Icon } from '../panels/icons';
import { openGraphOf, retry } from '../panels/jobs';
import { tell } from '../run/submit';
import { Modal } from '../ui/Modal';
import { copyText } from './clipboard';
import { secondsText, timeText } from './format';
import { JobFailed, JobRecord, JobStepList } from './JobParts';
import { showJob, useShownJob } from './shownJob';
import { useAnswer } from './useAnswer';
import '../styles/inspect.css';

const EVERY_MS = 1000;

interface Shown {
	readonly job: JobDetail;
	readonly steps: readonly JobStep[];
}

/** All that is known of one job, kept up to date until it is over. */
export default function JobDialog({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const id = useShownJob((state) => state.id);
	const ask = useCallback(async (): Promise<Shown> => {
		const [job, steps] = await Promise.all([fetchJobDetail(id), fetchSteps(id)]);
		return { job, steps };
	}, [id]);
	const { value, failure, reload } = useAnswer(ask, EVERY_MS, isOver);
	return (
		<Modal title={value?.job.title || t('inspect.job.title')} onClose={onClose} className="job-details">
			{failure !== '' && <p className="failure">{failure}</p>}
			{value === null && failure === '' && <p className="none">{t('common.loading')}</p>}
			{value !== null && (
				<div className="job-body" data-testid="job-details" data-state={value.job.state}>
					<Facts job={value.job} />
					<Actions job={value.job} onClose={onClose} reload={reload} />
					{value.job.failure !== null && <JobFailed failure={value.job.failure} />}
					<JobStepList steps={value.steps} prompt={value.job.prompt} />
					<Outputs job={value.job} />
					{value.job.record !== null && <JobRecord record={value.job.record} />}
				</div>
			)}
		</Modal>
	);
}

function isOver({ job }: Shown): boolean {
	return OVER.includes(job.state);
}

function Facts({ job }: { job: JobDetail }) {
	const { t } = useTranslation();
	const nodes = Object.keys(job.prompt).length;
	const seconds = secondsOf(job);
	const facts: readonly (readonly [string, string])[] = [
		[t('inspect.job.state'), t(`running.states.${job.state}`)],
		...(job.position === null ? [] : [[t('inspect.job.place'), String(job.position + 1)] as const]),
		[t('inspect.job.graph'), t('inspect.job.nodes', { count: nodes })],
		[t('inspect.job.created'), timeText(job.created)],
		...(seconds === null ? [] : [[t('inspect.job.took'), secondsText(seconds)] as const]),
		...(job.attempts > 1 ? [[t('inspect.job.attempts'), String(job.attempts)] as const] : []),
		[t('inspect.job.id'), job.id],
	];
	return (
		<dl className="facts">
			{facts.map(([name, value]) => (
				<div key={name}>
					<dt>{name}</dt>
					<dd>{value}</dd>
				</div>
			))}
		</dl>
	);
}

function Actions({ job, onClose, reload }: { job: JobDetail; onClose: () => void; reload: () => Promise<void> }) {
	const { t } = useTranslation();
	const open = (): void => {
		if (openGraphOf(job)) {
			onClose();
		}
	};
	const cancel = async (): Promise<void> => {
		await tell(() => cancelJob(job.id));
		await reload();
	};
	const again = async (): Promise<void> => {
		const id = await retry(job.id);
		if (id !== null) {
			showJob(id);
		}
	};
	return (
		<div className="job-actions">
			{OVER.includes(job.state) ? (
				<button type="button" data-testid="job-retry" onClick={() => void again()}>
					<Icon name="refresh" /> {t('running.retry')}
				</button>
			) : (
				<button type="button" data-testid="job-cancel" onClick={() => void cancel()}>
					<Icon name="stop" /> {t('inspect.job.cancel')}
				</button>
			)}
			<button type="button" data-testid="job-open" onClick={open}>
				<Icon name="external" /> {t('running.openGraph')}
			</button>
			<button type="button" onClick={() => void copyText(job.id)}>
				<Icon name="copy" /> {t('inspect.job.copyId')}
			</button>
		</div>
	);
}

function Outputs({ job }: { job: JobDetail }) {
	const { t } = useTranslation();
	const shown = [...job.outputs].flatMap(([node, { pictures, texts }]) => [
		...pictures.map((picture) => ({ node, picture, words: '' })),
		...texts.map((words) => ({ node, picture: null, words })),
	]);
	return shown.length === 0 ? null : (
		<section>
			<h3>{t('inspect.job.outputs')}</h3>
			<div className="job-outputs">
				{shown.map(({ node, picture, words }, index) =>
					picture === null ? (
						<pre key={index}>{words}</pre>
					) : (
						<a key={index} href={pictureUrl(picture, job.id)} target="_blank" rel="noreferrer">
							<img src={pictureUrl(picture, job.id)} alt={t('inspect.job.picture', { node })} loading="lazy" />
						</a>
					),
				)}
			</div>
		</section>
	);
}
