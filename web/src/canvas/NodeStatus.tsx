import { useEffect, useState } from 'react';
import type { Why } from '../api/jobreader';
import { currentKinds } from '../graph/kinds';
import { currentDoc } from '../graph/store';
import type { NodeId } from '../graph/types';
import { Icon } from '../panels/icons';
import { useNodeLoading, useNodeRun, useNodeWhy } from '../run/inside';
import type { Loading, NodeRun } from '../run/types';
import { namesIn, whyWords } from '../run/whywords';
import { t } from '../i18n/i18n';

const TICK_MS = 100;
const PHASES = { initialization: 1, loading_model: 1, device_setup: 1, optimization: 1 };

export function NodeStatus({ id }: { id: NodeId }) {
	const run = useNodeRun(id);
	const why = useNodeWhy(id);
	const loading = useNodeLoading(id);
	const tip = loading !== undefined ? loadingTip(loading) : why !== undefined && run.state !== 'idle' ? whyTip(why) : undefined;
	return (
		<span className="status" data-testid={`status-${id}`} data-state={run.state} data-tip={tip}>
			{run.state === 'done' && <Icon name="check" />}
			{run.state === 'error' && <Icon name="alert" />}
			{run.state === 'cached' && <Icon name="bolt" />}
			{loading === undefined ? <StatusText run={run} /> : loadingWords(loading)}
		</span>
	);
}

function whyTip(why: Why): string {
	return whyWords(why, namesIn(currentDoc(), currentKinds())).join('\n');
}

/** Kept in the page while idle too, so that a bar that comes and goes does not move the sockets. */
export function NodeProgress({ id }: { id: NodeId }) {
	const run = useNodeRun(id);
	const loading = useNodeLoading(id);
	if (run.state !== 'running' && loading === undefined) {
		return <div className="progress" />;
	}
	const { value, max } = loading === undefined ? run : { value: Math.round(100 * (loading.fraction ?? 0)), max: loading.fraction === null ? 0 : 100 };
	const known = max > 1;
	return (
		<div
			className="progress"
			role="progressbar"
			data-testid={`progress-${id}`}
			aria-label={t('node.progress')}
			aria-valuemin={0}
			aria-valuemax={known ? max : undefined}
			aria-valuenow={known ? value : undefined}
			data-unknown={!known || undefined}
		>
			<div style={known ? { transform: `scaleX(${value / max})` } : undefined} />
		</div>
	);
}

function loadingWords({ fraction }: Loading): string {
	return fraction === null ? t('running.loading') : t('running.loadingPercent', { percent: Math.floor(100 * fraction) });
}

function loadingTip({ model, phase }: Loading): string {
	const known = phase in PHASES ? t(`running.phases.${phase as keyof typeof PHASES}`) : phase;
	return `${t('running.loadingModel', { model })}\n${known}`;
}

function StatusText({ run }: { run: NodeRun }) {
	switch (run.state) {
		case 'idle':
			return null;
		case 'queued':
		case 'cached':
		case 'error':
			return t(`node.state.${run.state}`);
		case 'running':
			return <Running run={run} />;
		case 'done':
			return run.startedAt > 0 ? seconds(run.endedAt - run.startedAt) : t('node.state.done');
	}
}

function Running({ run }: { run: NodeRun }) {
	const [now, setNow] = useState(run.startedAt);
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), TICK_MS);
		return () => clearInterval(timer);
	}, []);
	const elapsed = seconds(Math.max(0, now - run.startedAt));
	return run.max > 1 ? `${run.value}/${run.max} · ${elapsed}` : elapsed;
}

function seconds(milliseconds: number): string {
	const value = milliseconds / 1000;
	if (value > 0 && value < 0.1) {
		return '< 0.1 s';
	}
	return value < 60 ? `${value.toFixed(1)} s` : `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
}
