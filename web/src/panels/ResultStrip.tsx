import { useEffect, useMemo, useState, type DragEvent, type MouseEvent } from 'react';
import { pictureUrl, url } from '../api/http';
import { deletePicture } from '../api/jobs';
import { usePrefs } from '../prefs';
import { groupShots, removeShots, selectShots } from '../run/shots';
import { useRun } from '../run/store';
import { tell } from '../run/submit';
import type { Shot } from '../run/types';
import { dayWords, timeWords } from '../run/words';
import { Modal } from '../ui/Modal';
import { Icon } from './icons';
import { openLightbox, type LightboxShot } from './lightbox';
import { OthersSwitch } from './OthersSwitch';
import { t } from '../i18n/i18n';

const NONE: ReadonlySet<string> = new Set();

/** The gallery: what was made, by job, the newest on top. */
export function ResultStrip() {
	const all = useRun((state) => state.shots);
	const others = usePrefs((prefs) => prefs.others);
	const shots = useMemo(() => all.filter((shot) => others || shot.own), [all, others]);
	const groups = useMemo(() => groupShots(shots), [shots]);
	const order = useMemo(() => groups.flatMap((group) => group.shots), [groups]);
	const [marked, setMarked] = useState(NONE);
	const [last, setLast] = useState<string | null>(null);
	const [asking, setAsking] = useState(false);
	const selected = order.filter(({ key }) => marked.has(key));
	const shown = useMemo(() => order.map(seen), [order]);

	const mark = (key: string, how: 'toggle' | 'range'): void => {
		setMarked(selectShots(order.map((shot) => shot.key), marked, last, key, how));
		setLast(key);
	};
	const remove = async (): Promise<void> => {
		setAsking(false);
		const gone = new Set<string>();
		await tell(async () => {
			for (const { key, picture } of selected) {
				if (picture.type === 'output') {
					await deletePicture(picture);
				}
				gone.add(key);
			}
		});
		removeShots(gone);
		setMarked(NONE);
	};
	return (
		<div className="strip" data-testid="results">
			{selected.length > 0 && (
				<div className="selection" role="toolbar" aria-label={t('running.gallery.selected', { count: selected.length })}>
					<span>{t('running.gallery.selected', { count: selected.length })}</span>
					<button
						type="button"
						className="tool"
						data-testid="compare-selected"
						disabled={selected.length !== 2}
						aria-label={t('running.gallery.compare')}
						data-tip={t('running.gallery.compare')}
						onClick={() => openLightbox(selected.map(seen), 1, 0)}
					>
						<Icon name="compare" />
					</button>
					<button
						type="button"
						className="tool"
						data-testid="delete-selected"
						aria-label={t('running.gallery.delete')}
						data-tip={t('running.gallery.delete')}
						onClick={() => setAsking(true)}
					>
						<Icon name="trash" />
					</button>
					<button
						type="button"
						className="tool"
						aria-label={t('running.gallery.none')}
						data-tip={t('running.gallery.none')}
						onClick={() => setMarked(NONE)}
					>
						<Icon name="close" />
					</button>
				</div>
			)}
			{shown.length === 0 && <p className="none">{t('side.noResults')}</p>}
			{groups.map((group) => (
				<section key={group.version} className="shots" data-testid={`shots-${group.version}`}>
					<h3>
						<b>{group.title || t('tabs.untitled')}</b>
						<time data-tip={dayWords(group.at)}>{when(group.at)}</time>
					</h3>
					<div>
						{group.shots.map((shot) => (
							<Thumb
								key={shot.key}
								shot={shot}
								marked={marked.has(shot.key)}
								picking={selected.length > 0}
								onOpen={() => openLightbox(shown, order.indexOf(shot))}
								onMark={(how) => mark(shot.key, how)}
							/>
						))}
					</div>
				</section>
			))}
			<OthersSwitch />
			{asking && (
				<Modal title={t('running.gallery.delete')} onClose={() => setAsking(false)} className="confirm">
					<p>{t('running.gallery.sure', { count: selected.length })}</p>
					<footer>
						<button type="button" onClick={() => setAsking(false)}>
							{t('common.cancel')}
						</button>
						<button type="button" className="danger" data-testid="confirm-delete" onClick={() => void remove()}>
							{t('running.gallery.delete')}
						</button>
					</footer>
				</Modal>
			)}
		</div>
	);
}

interface ThumbProps {
	readonly shot: Shot;
	readonly marked: boolean;
	/** Something is selected: a click selects too. */
	readonly picking: boolean;
	readonly onOpen: () => void;
	readonly onMark: (how: 'toggle' | 'range') => void;
}

function Thumb({ shot, marked, picking, onOpen, onMark }: ThumbProps) {
	const { picture, key } = shot;
	const address = pictureUrl(picture, shot.version);
	const connected = useRun(({ connection }) => connection === 'open');
	const [failed, setFailed] = useState(false);
	// What could not be read while the server was away may be there all the same.
	useEffect(() => {
		if (connected) {
			setFailed(false);
		}
	}, [connected]);
	const onError = (): void => {
		if (connected) {
			removeShots(new Set([key]));
		} else {
			setFailed(true);
		}
	};
	const onClick = (event: MouseEvent): void => {
		if (event.shiftKey || event.ctrlKey || event.metaKey || picking) {
			onMark(event.shiftKey ? 'range' : 'toggle');
		} else {
			onOpen();
		}
	};
	return (
		<div className="thumb" data-marked={marked || undefined}>
			<button
				type="button"
				aria-label={t('picture.enlarge', { name: picture.filename })}
				data-tip={picture.type === 'temp' ? t('running.gallery.passing') : picture.filename}
				draggable
				onDragStart={(event) => carry(event, picture.filename, url(address))}
				onClick={onClick}
			>
				{!failed && <img src={address} alt={picture.filename} loading="lazy" draggable={false} onError={onError} />}
			</button>
			<input
				type="checkbox"
				aria-label={t('running.gallery.select', { name: picture.filename })}
				checked={marked}
				onChange={() => onMark('toggle')}
			/>
		</div>
	);
}

/** Out of the page as a file, and into other programs as an address. */
function carry(event: DragEvent, name: string, address: string): void {
	event.dataTransfer.effectAllowed = 'copy';
	event.dataTransfer.setData('DownloadURL', `image/png:${name}:${address}`);
	event.dataTransfer.setData('text/uri-list', address);
	event.dataTransfer.setData('text/plain', address);
}

function seen({ picture, version }: Shot): LightboxShot {
	return { picture, version, url: pictureUrl(picture, version) };
}

function when(at: number): string {
	const today = new Date().toDateString() === new Date(at).toDateString();
	return at === 0 ? '' : today ? timeWords(at) : new Date(at).toLocaleDateString();
}
