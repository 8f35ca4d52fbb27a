import { useEffect, useState, type ReactNode } from 'react';
import { ServerError } from '../api/http';
import { secondsOf, type JobDetail } from '../api/jobreader';
import { fetchJobDetail } from '../api/jobs';
import { factsOf } from '../run/facts';
import { dayWords, durationWords, timeWords } from '../run/words';
import type { LightboxShot } from './lightbox';
import { t } from '../i18n/i18n';

/** What is known of a picture: of the file, and of the job that made it. */
export function PictureInfo({ shot }: { shot: LightboxShot }) {
	const [job, setJob] = useState<JobDetail | null>(null);
	const [gone, setGone] = useState(shot.version === undefined);
	const [size, setSize] = useState('');
	useEffect(() => {
		const image = new Image();
		image.onload = () => setSize(`${image.naturalWidth} × ${image.naturalHeight}`);
		image.src = shot.url;
		let stale = false;
		if (shot.version !== undefined) {
			fetchJobDetail(shot.version).then(
				(found) => !stale && setJob(found),
				(error: unknown) => {
					if (!(error instanceof ServerError)) {
						throw error;
					}
					setGone(true);
				},
			);
		}
		return () => {
			stale = true;
		};
	}, [shot]);
	const facts = job === null ? null : factsOf(job);
	const seconds = job === null ? null : secondsOf(job);
	const record = job?.record ?? null;
	return (
		<aside className="picture-info" tabIndex={0} data-testid="picture-info" aria-label={t('running.viewer.info')}>
			<dl>
				<Fact name={t('running.facts.size')}>{size}</Fact>
				{job !== null && facts !== null && (
					<>
						<Fact name={t('running.facts.workflow')}>{job.title || t('tabs.untitled')}</Fact>
						<Fact name={t('running.facts.seed')}>{facts.seeds.join(', ')}</Fact>
						{facts.texts.map((text) => (
							<Fact key={text} name={t('running.facts.prompt')}>
								{text}
							</Fact>
						))}
						<Fact name={t('running.facts.models')}>{facts.models.join('\n')}</Fact>
						<Fact name={t('running.facts.made')}>
							{`${dayWords(job.created)}, ${timeWords(job.created)}`}
							{seconds === null ? '' : ` · ${durationWords(seconds)}`}
						</Fact>
						{record !== null && (
							<>
								<Fact name={t('inspect.job.device')}>{record.device}</Fact>
								<Fact name={t('inspect.job.profile')}>{record.profile}</Fact>
								<Fact name={t('running.facts.versions')}>
									{record.versions.map(([name, version]) => `${name} ${version}`).join(', ')}
								</Fact>
							</>
						)}
					</>
				)}
			</dl>
			{gone && <p className="faint">{t('running.facts.gone')}</p>}
		</aside>
	);
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
	return children === '' ? null : (
		<div>
			<dt>{name}</dt>
			<dd>{children}</dd>
		</div>
	);
}
