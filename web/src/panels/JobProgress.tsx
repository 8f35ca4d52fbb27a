import { useRun } from '../run/store';
import { runningWords } from '../run/words';
import { t } from '../i18n/i18n';

/** How far the running job has come as a whole. Keeps its place while nothing runs. */
export function JobProgress() {
	const running = useRun((state) => state.current !== null);
	const progress = useRun((state) => state.progress);
	if (!running) {
		return <div className="job-progress" />;
	}
	const percent = progress === null ? undefined : Math.floor(100 * progress.fraction);
	return (
		<div
			className="job-progress"
			role="progressbar"
			data-testid="job-progress"
			aria-label={t('running.progress')}
			aria-valuemin={0}
			aria-valuemax={100}
			aria-valuenow={percent}
			aria-valuetext={runningWords(progress)}
			data-unknown={percent === undefined || undefined}
		>
			<div style={percent === undefined ? undefined : { width: `${percent}%` }} />
			<span>{runningWords(progress)}</span>
		</div>
	);
}
