import { Component, type ReactNode } from 'react';
import { setAside } from './persist/restore';
import { t } from './i18n/i18n';

/** Shown instead of a blank page when drawing fails; the graph is kept in the database of the browser. */
export class Fallback extends Component<{ readonly children: ReactNode }, { readonly message: string | null }> {
	override state = { message: null };

	static getDerivedStateFromError(error: unknown): { message: string } {
		return { message: error instanceof Error ? error.message : String(error) };
	}

	override render(): ReactNode {
		if (this.state.message === null) {
			return this.props.children;
		}
		return (
			<div className="app starting" role="alert">
				<p>{t('app.failed', { reason: this.state.message })}</p>
				<p>{t('app.saved')}</p>
				<div className="run">
					<button type="button" onClick={() => window.location.reload()}>
						{t('app.reload')}
					</button>
					<button
						type="button"
						onClick={() => {
							setAside();
							window.location.reload();
						}}
					>
						{t('app.aside')}
					</button>
				</div>
			</div>
		);
	}
}
