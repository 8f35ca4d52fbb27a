import { Suspense, type KeyboardEvent, type PointerEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../panels/icons';
import { setPrefs, usePrefs } from '../prefs';
import { openPanel, togglePanel, usePanels } from './panels';

const NARROWEST = 220;
const WIDEST = 720;
const STEP = 20;

/** A rail of panels at the left; the one that was chosen stands beside it. */
export function Dock() {
	const { t } = useTranslation();
	const panels = usePanels((state) => state.panels);
	const open = usePrefs((prefs) => prefs.panel);
	const width = usePrefs((prefs) => prefs.panelWidth);
	const panel = panels.find(({ id }) => id === open);
	return (
		<aside className="dock" aria-label={t('dock.left')}>
			<nav className="rail" aria-label={t('dock.left')}>
				{panels.map(({ id, title, icon }) => (
					<button
						key={id}
						type="button"
						data-testid={`panel-${id}`}
						aria-label={title()}
						aria-expanded={id === open}
						data-tip={title()}
						onClick={() => togglePanel(id)}
					>
						<Icon name={icon} />
					</button>
				))}
			</nav>
			{panel !== undefined && (
				<section className="panel" style={{ width }} aria-label={panel.title()} data-testid={`open-panel-${panel.id}`}>
					<header>
						<h2>{panel.title()}</h2>
						<button type="button" className="tool" aria-label={t('dock.hide')} onClick={() => openPanel(null)}>
							<Icon name="close" />
						</button>
					</header>
					<div className="panel-body">
						<Suspense fallback={<p className="none">{t('common.loading')}</p>}>
							<panel.component />
						</Suspense>
					</div>
					<Splitter width={width} label={t('dock.resize')} />
				</section>
			)}
		</aside>
	);
}

function Splitter({ width, label }: { width: number; label: string }) {
	const resize = (next: number): void =>
		setPrefs({ panelWidth: Math.round(Math.max(NARROWEST, Math.min(WIDEST, next))) });
	const onPointerMove = (event: PointerEvent): void => {
		if (event.currentTarget.hasPointerCapture(event.pointerId)) {
			resize(width + event.movementX);
		}
	};
	const onKeyDown = (event: KeyboardEvent): void => {
		const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
		if (by !== undefined) {
			event.preventDefault();
			event.stopPropagation();
			resize(width + by);
		}
	};
	return (
		<div
			className="splitter"
			role="separator"
			tabIndex={0}
			aria-orientation="vertical"
			aria-label={label}
			aria-valuenow={width}
			aria-valuemin={NARROWEST}
			aria-valuemax={WIDEST}
			onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
			onPointerMove={onPointerMove}
			onKeyDown={onKeyDown}
		/>
	);
}
