import { useState } from 'react';
import { useGraph } from '../graph/store';
import { locate } from '../run/inside';
import { useRun } from '../run/store';
import { Icon } from './icons';
import { ProblemsPanel } from './ProblemsPanel';
import { QueueList } from './QueueList';
import { ResultStrip } from './ResultStrip';
import { t } from '../i18n/i18n';

type Tab = 'results' | 'queue';

export function SidePanel() {
	// Where it would lie over the canvas it is opened when it is asked for.
	const [wanted, setOpen] = useState(() => !matchMedia('(max-width: 1000px)').matches);
	const [tab, setTab] = useState<Tab>('results');
	// Problems are not to be overlooked: they open the panel until they are dismissed or mended.
	const failed = useRun((state) => state.failure !== null);
	const problems = useRun((state) => state.problems);
	const troubled = useGraph(({ doc }) => Object.keys(problems).some((id) => locate(doc, id) !== null));
	const open = wanted || failed || troubled;
	const waiting = useRun((state) => state.remaining);
	const choose = (next: Tab): void => {
		setOpen(true);
		setTab(next);
	};
	return (
		<aside className="side" data-open={open || undefined} aria-label={t('side.label')}>
			<header>
				{open && (
					<div role="tablist">
						<button
							type="button"
							role="tab"
							aria-selected={tab === 'results'}
							data-testid="results-tab"
							onClick={() => choose('results')}
						>
							{t('side.results')}
						</button>
						<button
							type="button"
							role="tab"
							aria-selected={tab === 'queue'}
							data-testid="queue-tab"
							onClick={() => choose('queue')}
						>
							{t('side.queue')}
							{waiting > 0 && <span className="count">{waiting}</span>}
						</button>
					</div>
				)}
				<button
					type="button"
					className="tool"
					aria-label={open ? t('side.hide') : t('side.show')}
					aria-expanded={open}
					onClick={() => setOpen(!open)}
				>
					<Icon name="panel" />
				</button>
			</header>
			{open && <ProblemsPanel />}
			{open && (tab === 'results' ? <ResultStrip /> : <QueueList />)}
		</aside>
	);
}
