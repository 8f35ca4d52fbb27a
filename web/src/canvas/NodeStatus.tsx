import { useEffect, useState } from 'react';
import type { NodeId } from '../graph/types';
import { Icon } from '../panels/icons';
import { useNodeRun } from '../run/inside';
import type { NodeRun } from '../run/types';
import { t } from '../i18n/i18n';

const TICK_MS = 100;

export function NodeStatus({ id }: { id: NodeId }) {
	const run = useNodeRun(id);
	return (
		<span className="status" data-testid={`status-${id}`} data-state={run.state}>
			{run.state === 'done' && <Icon name="check" />}
			{run.state === 'error' && <Icon name="alert" />}
			{run.state === 'cached' && <Icon name="bolt" />}
			<StatusText run={run} />
		</span>
	);
}

/** Kept in the page while idle too, so that a bar that comes and goes does not move the sockets. */
export function NodeProgress({ id }: { id: NodeId }) {
	const run = useNodeRun(id);
	if (run.state !== 'running') {
		return <div className="progress" />;
	}
	const known = run.max > 1;
	return (
		<div
			className="progress"
			role="progressbar"
			data-testid={`progress-${id}`}
			aria-label={t('node.progress')}
			aria-valuemin={0}
			aria-valuemax={known ? run.max : undefined}
			aria-valuenow={known ? run.value : undefined}
			data-unknown={!known || undefined}
		>
			<div style={known ? { transform: `scaleX(${run.value / run.max})` } : undefined} />
		</div>
	);
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
