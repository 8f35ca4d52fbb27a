import { useEffect, useState } from 'react';
import { t } from '../i18n/i18n';
import { useRun } from '../run/store';

/** What becomes of runs, for those who do not see it. */
export function RunNews() {
	const [news, setNews] = useState('');
	useEffect(
		() =>
			useRun.subscribe((state, before) => {
				if (state.current !== before.current) {
					const over = state.failure === null ? t('building.runDone') : t('run.failed');
					setNews(state.current === null ? over : t('building.runStarted'));
				}
			}),
		[],
	);
	return (
		<div className="read-out" role="status" aria-live="polite" data-testid="run-news">
			{news}
		</div>
	);
}
