import { useTranslation } from 'react-i18next';
import type { JobFailure, JobStep, RunRecord } from '../api/jobreader';
import type { JsonObject } from '../json';
import { useKinds } from '../graph/kinds';
import { Icon } from '../panels/icons';
import { namesInPrompt, whyWords } from '../run/whywords';
import { secondsText } from './format';

/** Which nodes ran, how long and why; those that came from the cache are said to. */
export function JobStepList({ steps, prompt }: { steps: readonly JobStep[]; prompt: JsonObject }) {
	const { t } = useTranslation();
	const kinds = useKinds((state) => state.kinds);
	const named = namesInPrompt(prompt, kinds);
	const longest = Math.max(0.001, ...steps.map(({ seconds }) => seconds));
	return (
		<section>
			<h3>{t('inspect.job.steps')}</h3>
			{steps.length === 0 && <p className="none">{t('inspect.job.noSteps')}</p>}
			<ol className="steps">
				{steps.map((step) => (
					<li key={step.node} data-ran={step.ran || undefined} data-testid={`step-${step.node}`}>
						<b>{named(step.node).title}</b>
						<span>{step.ran ? secondsText(step.seconds) : t('node.state.cached')}</span>
						<progress max={longest} value={step.ran ? step.seconds : 0} aria-hidden="true" />
						{step.why !== null && <small>{whyWords(step.why, named).join(' ')}</small>}
						{step.error !== null && <small className="bad">{step.error}</small>}
					</li>
				))}
			</ol>
		</section>
	);
}

export function JobFailed({ failure }: { failure: JobFailure }) {
	const { t } = useTranslation();
	const details = [failure.traceback, ...failure.log].filter(Boolean).join('\n');
	return (
		<section className="job-failed" data-testid="job-failure">
			<p>
				<Icon name="alert" /> {failure.message || failure.exception}
			</p>
			<small>
				{[failure.exception, failure.node === null ? '' : t('inspect.job.at', { node: failure.node, kind: failure.kind })]
					.filter(Boolean)
					.join(' · ')}
			</small>
			{details !== '' && (
				<details>
					<summary>{t('problems.details')}</summary>
					<pre>{details}</pre>
				</details>
			)}
		</section>
	);
}

/** What it ran with, folded: it is long, and wanted rarely. */
export function JobRecord({ record }: { record: RunRecord }) {
	const { t } = useTranslation();
	return (
		<details className="job-record" data-testid="job-record">
			<summary>{t('inspect.job.record')}</summary>
			<dl className="facts">
				{record.versions.map(([name, version]) => (
					<div key={name}>
						<dt>{name}</dt>
						<dd>{version}</dd>
					</div>
				))}
				<div>
					<dt>{t('inspect.job.device')}</dt>
					<dd>{record.device}</dd>
				</div>
				<div>
					<dt>{t('inspect.job.profile')}</dt>
					<dd>{record.profile}</dd>
				</div>
				{record.files.map(({ folder, name, digest }) => (
					<div key={`${folder}/${name}`}>
						<dt>
							{folder}/{name}
						</dt>
						<dd className="digest">{digest || t('inspect.job.noFile')}</dd>
					</div>
				))}
			</dl>
		</details>
	);
}
