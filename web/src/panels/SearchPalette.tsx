import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { addKind, type LooseEnd } from '../canvas/commands';
import { socketColour } from '../canvas/palette';
import type { Point } from '../canvas/view';
import { inputLabel } from '../canvas/words';
import { usePrefs } from '../prefs';
import { useKinds } from '../graph/kinds';
import type { KindInfo } from '../graph/types';
import { Icon } from './icons';
import { searchKinds } from './search';
import { closeSearch, useSearch } from './searching';
import { t } from '../i18n/i18n';

const SHOWN = 80;

export function SearchPalette() {
	const { at, end } = useSearch();
	return at === null ? null : <Palette at={at} end={end} />;
}

function Palette({ at, end }: { at: Point; end: LooseEnd | null }) {
	const kinds = useKinds((state) => state.kinds);
	const [text, setText] = useState('');
	const [index, setIndex] = useState(0);
	// As they were when the search opened: the list does not move under the pointer.
	const [recent] = useState(() => usePrefs.getState().recent);
	const found = useMemo(() => searchKinds(kinds, text, end, recent), [kinds, text, end, recent]);
	const shown = found.slice(0, SHOWN);
	const chosen = shown[index];

	const pick = (info: KindInfo | undefined): void => {
		if (info !== undefined) {
			closeSearch();
			addKind(info.kind, at, end);
		}
	};
	const onKeyDown = (event: KeyboardEvent): void => {
		const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
		if (move !== undefined) {
			event.preventDefault();
			setIndex(Math.max(0, Math.min(shown.length - 1, index + move)));
		} else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
			pick(chosen);
		} else if (event.key === 'Tab') {
			event.preventDefault();
		}
	};

	return (
		<div className="veil" onPointerDown={(event) => event.target === event.currentTarget && closeSearch()}>
			<div className="search" role="dialog" aria-modal="true" aria-label={t('commands.addNode')}>
				<div className="search-head">
					<Icon name="search" />
					<input
						autoFocus
						data-testid="search-input"
						role="combobox"
						aria-label={t('search.label')}
						aria-expanded="true"
						aria-controls="search-results"
						aria-activedescendant={chosen === undefined ? undefined : `search-option-${index}`}
						autoComplete="off"
						spellCheck={false}
						placeholder={t('search.hint')}
						value={text}
						onChange={(event) => {
							setText(event.target.value);
							setIndex(0);
						}}
						onKeyDown={onKeyDown}
					/>
					{end !== null && <EndChip end={end} />}
				</div>
				<div className="search-body">
					<Results
						shown={shown}
						groupOf={text.trim() === '' && end === null ? (info) => groupOf(info, recent) : null}
						index={index}
						onPoint={setIndex}
						onPick={pick}
					/>
					{chosen !== undefined && <About info={chosen} />}
				</div>
				<footer>
					<span>
						<kbd>↑</kbd> <kbd>↓</kbd> {t('search.choose')}
					</span>
					<span>
						<kbd>Enter</kbd> {t('search.add')}
					</span>
					<span>
						<kbd>Esc</kbd> {t('search.close')}
					</span>
					<span className="count">
						{t('search.count', { found: found.length, all: kinds.size })}
					</span>
				</footer>
			</div>
		</div>
	);
}

function groupOf(info: KindInfo, recent: readonly string[]): string {
	return recent.includes(info.kind) ? t('building.recent') : info.category || t('search.other');
}

function EndChip({ end }: { end: LooseEnd }) {
	return (
		<span className="chip" style={{ '--socket': socketColour(end.type) }}>
			{t(end.side === 'source' ? 'search.takes' : 'search.gives', { type: end.type })}
		</span>
	);
}

interface ResultsProps {
	readonly shown: readonly KindInfo[];
	/** Under which heading a kind stands, where there are headings. */
	readonly groupOf: ((info: KindInfo) => string) | null;
	readonly index: number;
	readonly onPoint: (index: number) => void;
	readonly onPick: (info: KindInfo) => void;
}

function Results({ shown, groupOf, index, onPoint, onPick }: ResultsProps) {
	const list = useRef<HTMLUListElement>(null);
	useEffect(() => {
		list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
	}, [index]);
	return (
		<ul ref={list} id="search-results" role="listbox" aria-label={t('panels.nodes')}>
			{shown.map((info, place) => (
				<li key={info.kind} role="presentation">
					{groupOf !== null && (place === 0 || groupOf(info) !== groupOf(shown[place - 1] ?? info)) && (
						<div className="group">{groupOf(info)}</div>
					)}
					<div
						className="entry"
						role="option"
						id={`search-option-${place}`}
						aria-selected={place === index}
						data-testid={`search-result-${info.kind}`}
						onPointerMove={() => onPoint(place)}
						onClick={() => onPick(info)}
					>
						<i style={{ background: socketColour(info.outputs[0]?.type ?? info.inputs[0]?.type ?? '*') }} />
						<span className="name">{info.title}</span>
						{info.deprecated && <span className="badge">{t('node.deprecated')}</span>}
						<span className="category">{groupOf === null ? info.category : ''}</span>
					</div>
				</li>
			))}
			{shown.length === 0 && <li className="none">{t('common.nothing')}</li>}
		</ul>
	);
}

function About({ info }: { info: KindInfo }) {
	return (
		<section className="about" aria-label={t('node.about', { title: info.title })}>
			<h3>{info.title}</h3>
			<p className="kind">{info.kind}</p>
			<p className="words">{info.description || t('search.noWords')}</p>
			<Sockets
				title={t('search.inputs')}
				entries={info.inputs.map((input) => ({ name: inputLabel(input), type: input.type, faint: !input.required }))}
			/>
			<Sockets
				title={t('search.outputs')}
				entries={info.outputs.map((output) => ({ name: output.name, type: output.type, faint: false }))}
			/>
		</section>
	);
}

function Sockets({
	title,
	entries,
}: {
	title: string;
	entries: readonly { name: string; type: string; faint: boolean }[];
}) {
	if (entries.length === 0) {
		return null;
	}
	return (
		<>
			<h4>{title}</h4>
			<ul>
				{entries.map((entry, index) => (
					<li key={index} data-faint={entry.faint || undefined}>
						<i style={{ background: socketColour(entry.type) }} />
						{entry.name}
						<span>{entry.type}</span>
					</li>
				))}
			</ul>
		</>
	);
}
