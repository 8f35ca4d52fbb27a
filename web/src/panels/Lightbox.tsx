import { useEffect } from 'react';
import { openFromPicture } from './files';
import { Icon } from './icons';
import { closeLightbox, turnLightbox, useLightbox } from './lightbox';
import { t } from '../i18n/i18n';

export function Lightbox() {
	const { shots, index } = useLightbox();
	const shot = shots[index];
	const many = shots.length > 1;
	useEffect(() => {
		const onKey = ({ key }: KeyboardEvent): void => {
			if (key === 'ArrowLeft' || key === 'ArrowRight') {
				turnLightbox(key === 'ArrowLeft' ? -1 : 1);
			}
		};
		window.addEventListener('keydown', onKey);
		return () => window.removeEventListener('keydown', onKey);
	}, []);
	if (shot === undefined) {
		return null;
	}
	return (
		<div
			className="lightbox"
			role="dialog"
			aria-label={shot.picture.filename}
			onClick={(event) => event.target === event.currentTarget && closeLightbox()}
		>
			<header>
				<span className="name">
					{shot.picture.filename}
					{many && (
						<small>
							{t('picture.place', { place: index + 1, all: shots.length })}
						</small>
					)}
				</span>
				<button
					type="button"
					data-tip={t('picture.workflowTip')}
					onClick={() => {
						closeLightbox();
						void openFromPicture(shot.url);
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
			{many && (
				<button
					type="button"
					className="turn"
					data-side="left"
					aria-label={t('picture.previous')}
					disabled={index === 0}
					onClick={() => turnLightbox(-1)}
				>
					<Icon name="left" />
				</button>
			)}
			<img data-testid="lightbox-image" src={shot.url} alt={shot.picture.filename} />
			{many && (
				<button
					type="button"
					className="turn"
					data-side="right"
					aria-label={t('picture.next')}
					disabled={index === shots.length - 1}
					onClick={() => turnLightbox(1)}
				>
					<Icon name="right" />
				</button>
			)}
		</div>
	);
}
