import { problemText } from '../canvas/NodeProblems';
import { focusRun } from '../canvas/view';
import { currentKinds } from '../graph/kinds';
import { useGraph } from '../graph/store';
import { titleOf } from '../graph/types';
import { locate } from '../run/inside';
import { clearProblems, useRun } from '../run/store';
import { Icon } from './icons';
import { t } from '../i18n/i18n';

export function ProblemsPanel() {
	const problems = useRun((state) => state.problems);
	const failure = useRun((state) => state.failure);
	const doc = useGraph((state) => state.doc);
	const entries = Object.entries(problems).flatMap(([id, list]) => {
		const node = locate(doc, id)?.node;
		return node === undefined
			? []
			: list.map((problem) => ({ id, title: titleOf(node, currentKinds().get(node.kind)), problem }));
	});
	const count = entries.length + (failure === null ? 0 : 1);
	if (count === 0) {
		return null;
	}
	return (
		<section className="problem-panel" aria-label={t('problems.label')} data-testid="problems-panel">
			<header>
				<Icon name="alert" />
				<strong>{t('problems.count', { count })}</strong>
				<button type="button" className="tool" aria-label={t('problems.dismiss')} onClick={clearProblems}>
					<Icon name="close" />
				</button>
			</header>
			{failure !== null && (
				<p className="failure" data-testid="graph-error">
					<b>{failure.message}</b>
					{failure.details !== '' && <span>{failure.details}</span>}
				</p>
			)}
			<ul>
				{entries.map(({ id, title, problem }, index) => (
					<li key={index}>
						<button type="button" data-testid={`problem-${id}`} onClick={() => focusRun(id)}>
							<b>{title}</b>
							<span>{problemText(problem)}</span>
						</button>
					</li>
				))}
			</ul>
		</section>
	);
}
