import { useEffect, useMemo, useRef, useState, type UIEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchLog, followLog, LEVELS, type Level, type LogLine } from '../api/logs';
import { Icon } from '../panels/icons';
import { startBatch } from '../run/batch';
import { tell } from '../run/submit';
import { showJob } from './shownJob';
import { clockText } from './format';
import { copyText } from './clipboard';
import { SearchField } from '../ui/SearchField';
import '../styles/inspect.css';

const KEPT = 2000;
const SHOWN = 400;
/** So near to its end the list counts as followed, in pixels. */
const NEAR = 24;

/** The server's log, with what comes while it is looked at. */
export default function LogsPanel() {
	const { t } = useTranslation();
	const lines = useLog();
	const [least, setLeast] = useState<Level>('INFO');
	const [words, setWords] = useState('');
	const [follow, setFollow] = useState(true);
	const list = useRef<HTMLOListElement>(null);
	const found = useMemo(() => fitting(lines, least, words).slice(-SHOWN), [lines, least, words]);
	useEffect(() => {
		if (follow && list.current !== null) {
			list.current.scrollTop = list.current.scrollHeight;
		}
	}, [found, follow]);
	const onScroll = ({ currentTarget: box }: UIEvent): void => {
		setFollow(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR);
	};
	return (
		<div className="inspect logs">
			<div className="search-line">
				<SearchField testid="log-search" label={t('inspect.logs.search')} value={words} onChange={setWords} />
				<select
					data-testid="log-level"
					aria-label={t('inspect.logs.level')}
					value={least}
					onChange={(event) => setLeast(event.target.value as Level)}
				>
					{LEVELS.map((level) => (
						<option key={level} value={level}>
							{t(`inspect.logs.levels.${level}`)}
						</option>
					))}
				</select>
			</div>
			<div className="search-line">
				<label className="check">
					<input
						type="checkbox"
						data-testid="log-follow"
						checked={follow}
						onChange={(event) => setFollow(event.target.checked)}
					/>
					{t('inspect.logs.follow')}
				</label>
				<button type="button" onClick={() => void copyText(found.map(asText).join('\n'))}>
					<Icon name="copy" /> {t('inspect.copy')}
				</button>
			</div>
			{found.length === 0 && <p className="none">{t(lines.length === 0 ? 'inspect.logs.nothing' : 'common.nothing')}</p>}
			<ol className="lines" ref={list} onScroll={onScroll} tabIndex={0} aria-label={t('panels.logs')} data-testid="log-lines">
				{found.map((line) => (
					<Line key={line.number} line={line} />
				))}
			</ol>
		</div>
	);
}

function Line({ line }: { line: LogLine }) {
	const { t } = useTranslation();
	return (
		<li data-level={line.level}>
			<small>
				<time>{clockText(line.at)}</time> {line.level} {line.source}
				{line.job !== '' && (
					<button type="button" className="link" onClick={() => showJob(line.job)}>
						{t('inspect.logs.job')}
					</button>
				)}
			</small>
			<pre>{line.text}</pre>
		</li>
	);
}

export function fitting(lines: readonly LogLine[], least: Level, words: string): readonly LogLine[] {
	const grave = LEVELS.indexOf(least);
	const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
	return lines.filter((line) => {
		const text = `${line.source} ${line.text}`.toLowerCase();
		return LEVELS.indexOf(line.level) >= grave && wanted.every((word) => text.includes(word));
	});
}

function asText(line: LogLine): string {
	return `${new Date(line.at).toISOString()} ${line.level} ${line.source}: ${line.text}`;
}

/** The last lines, and what comes, oldest first. A server that was started anew begins its numbers anew. */
function useLog(): readonly LogLine[] {
	const [lines, setLines] = useState<readonly LogLine[]>([]);
	useEffect(() => {
		let stop = (): void => {};
		let over = false;
		const batch = startBatch<LogLine>((more) => setLines((known) => [...known, ...more].slice(-KEPT)));
		void tell(async () => {
			const past = await fetchLog();
			if (!over) {
				setLines(past);
				stop = followLog(past.at(-1)?.number ?? 0, batch.add);
			}
		});
		return () => {
			over = true;
			stop();
		};
	}, []);
	return lines;
}
