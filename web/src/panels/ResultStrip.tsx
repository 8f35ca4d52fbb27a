import { useMemo } from 'react';
import { pictureUrl } from '../api/http';
import { useRun } from '../run/store';
import { openLightbox } from './lightbox';
import { t } from '../i18n/i18n';

export function ResultStrip() {
	const shots = useRun((state) => state.shots);
	const shown = useMemo(() => shots.map((shot) => ({ ...shot, url: pictureUrl(shot.picture, shot.version) })), [shots]);
	if (shown.length === 0) {
		return <p className="none">{t('side.noResults')}</p>;
	}
	return (
		<div className="strip" data-testid="results">
			{shown.map((shot, index) => (
				<button
					key={shot.key}
					type="button"
					data-tip={t('picture.enlarge', { name: shot.picture.filename })}
					onClick={() => openLightbox(shown, index)}
				>
					<img src={shot.url} alt="" loading="lazy" draggable={false} />
					<span>
						<b>{shot.picture.type === 'temp' ? 'preview' : shot.picture.filename}</b>
						<time>{when(shot.at)}</time>
					</span>
				</button>
			))}
		</div>
	);
}

function when(at: number): string {
	if (at === 0) {
		return '';
	}
	const date = new Date(at);
	const today = new Date().toDateString() === date.toDateString();
	return today ? date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }) : date.toLocaleDateString();
}
