import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { Icon, type IconName } from './icons';
import { openShot } from './jobs';
import { closeLightbox, toggleComparing, turnLightbox, useLightbox } from './lightbox';
import { PictureInfo } from './PictureInfo';
import { Stage } from './Stage';
import { t } from '../i18n/i18n';

/** A picture at full size, beside another if wanted, with what is known of it. */
export default function Viewer() {
	const { shots, index, against } = useLightbox();
	const [info, setInfo] = useState(false);
	const shot = shots[index];
	const other = against === null ? undefined : shots[against];
	const many = shots.length > 1;
	useEffect(() => {
		const onKey = (event: KeyboardEvent): void => {
			if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) {
				return; // The slider moves by arrows itself.
			}
			switch (event.key) {
				case 'ArrowLeft':
				case 'ArrowRight':
					turnLightbox(event.key === 'ArrowLeft' ? -1 : 1);
					break;
				case 'c':
					toggleComparing();
					break;
				case 'i':
					setInfo((shown) => !shown);
					break;
				default:
					return;
			}
			event.preventDefault();
		};
		window.addEventListener('keydown', onKey);
		return () => window.removeEventListener('keydown', onKey);
	}, []);
	if (shot === undefined) {
		return null;
	}
	// Beside the page, not in it: it may lie over a dialog, which hides the page from screen readers.
	return createPortal(
		<div className="lightbox" role="dialog" aria-modal="true" aria-label={shot.picture.filename} data-info={info || undefined}>
			<header>
				<span className="name">
					{other === undefined ? shot.picture.filename : t('running.viewer.pair', { a: other.picture.filename, b: shot.picture.filename })}
					{many && <small>{t('picture.place', { place: index + 1, all: shots.length })}</small>}
				</span>
				{many && (
					<Action icon="compare" id="viewer-compare" label={t('running.viewer.compare')} keys="C" pressed={other !== undefined} onClick={toggleComparing} />
				)}
				<Action icon="info" id="viewer-info" label={t('running.viewer.info')} keys="I" pressed={info} onClick={() => setInfo(!info)} />
				<button
					type="button"
					data-testid="viewer-open-graph"
					data-tip={t('picture.workflowTip')}
					onClick={() => {
						closeLightbox();
						void openShot(shot);
					}}
				>
					<Icon name="folder" /> {t('picture.workflow')}
				</button>
				<a href={shot.url} target="_blank" rel="noreferrer">
					<Icon name="external" /> {t('picture.open')}
				</a>
				<a href={shot.url} download={shot.picture.filename}>
					<Icon name="download" /> {t('picture.download')}
				</a>
				<button type="button" autoFocus onClick={closeLightbox} aria-label={t('common.close')}>
					<Icon name="close" />
				</button>
			</header>
			<Stage key={against ?? -1} shot={shot} other={other} />
			{many && (
				<>
					<Turn side="left" label={t('picture.previous')} disabled={index === 0} />
					<Turn side="right" label={t('picture.next')} disabled={index === shots.length - 1} />
				</>
			)}
			{info && <PictureInfo key={shot.url} shot={shot} />}
		</div>,
		document.body,
	);
}

interface ActionProps {
	readonly icon: IconName;
	readonly id: string;
	readonly label: string;
	readonly keys: string;
	readonly pressed: boolean;
	readonly onClick: () => void;
}

function Action({ icon, id, label, keys, pressed, onClick }: ActionProps) {
	return (
		<button type="button" data-testid={id} aria-pressed={pressed} data-tip={`${label}\n${keys}`} onClick={onClick}>
			<Icon name={icon} /> {label}
		</button>
	);
}

function Turn({ side, label, disabled }: { side: 'left' | 'right'; label: string; disabled: boolean }) {
	return (
		<button
			type="button"
			className="turn"
			data-side={side}
			aria-label={label}
			disabled={disabled}
			onClick={() => turnLightbox(side === 'left' ? -1 : 1)}
		>
			<Icon name={side} />
		</button>
	);
}
