import { focusRun } from '../canvas/view';
import type { Preflight as Told } from '../api/preflight';
import { useGraph } from '../graph/store';
import { usePreflight } from '../run/preflight';
import { durationWords, sizeWords } from '../run/words';
import { Icon } from './icons';
import { t } from '../i18n/i18n';

/** One line on what a run would do and need, kept up while the graph is edited. Its place is there before it has words. */
export function Preflight() {
	const told = usePreflight();
	const { findings, models, kinds } = told;
	const bare = useGraph(({ doc }) => Object.keys(doc.root.nodes).length === 0);
	if (bare || told.empty) {
		return (
			<p className="preflight" data-testid="preflight" aria-live="polite">
				{bare && <span>{t('running.preflight.nothing')}</span>}
			</p>
		);
	}
	const [first] = findings;
	const missing = [...models, ...kinds];
	return (
		<p className="preflight" data-testid="preflight" data-ready={findings.length === 0 || undefined} aria-live="polite">
			{first === undefined ? (
				<span data-tone="good">
					<Icon name="check" /> {t('running.preflight.ready')}
				</span>
			) : (
				<button
					type="button"
					data-tone="bad"
					data-testid="preflight-problems"
					data-tip={findings.map(({ node, input, message }) => [node, input, message].filter(Boolean).join(' · ')).join('\n')}
					onClick={() => focusRun(findings.find(({ node }) => node !== null)?.node ?? '')}
				>
					<Icon name="alert" /> {t('running.preflight.problems', { count: findings.length })}
				</button>
			)}
			{missing.length > 0 && (
				<span data-tone="warn" data-tip={missing.join('\n')}>
					{t('running.preflight.missing', { names: missing.slice(0, 2).join(', '), count: missing.length })}
				</span>
			)}
			{outlookWords(told).map((words) => (
				<span key={words}>{words}</span>
			))}
			<Memory memory={told.memory} />
		</p>
	);
}

function Memory({ memory }: Pick<Told, 'memory'>) {
	if (memory === null) {
		return null;
	}
	const [peak, budget] = [sizeWords(memory.peak), sizeWords(memory.budget)];
	return memory.refused ? (
		<span data-tone="bad">{t('running.preflight.tooMuch', { budget })}</span>
	) : (
		<span data-tip={t('running.preflight.memoryTip', { budget, place: memory.place })}>
			{t('running.preflight.memory', { peak })}
		</span>
	);
}

function outlookWords({ outlook }: Told): string[] {
	if (outlook === null) {
		return [];
	}
	const { cached, pending, seconds, untimed } = outlook;
	if (pending === 0) {
		return [t('running.preflight.allCached', { count: cached })];
	}
	const time = seconds === null ? '' : durationWords(seconds);
	return [
		t('running.preflight.runs', { count: pending }),
		...(cached > 0 ? [t('running.preflight.cached', { count: cached })] : []),
		...(time === '' ? [] : [untimed > 0 ? t('running.preflight.atLeast', { time }) : t('running.preflight.about', { time })]),
	];
}
