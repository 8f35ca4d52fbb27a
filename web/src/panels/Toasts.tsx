import { Icon } from './icons';
import { useToasts } from './toasts';
import { t } from '../i18n/i18n';

export function Toasts() {
	const { toasts, dismiss } = useToasts();
	return (
		<div className="toasts" role="status" aria-live="polite">
			{toasts.map((toast) => (
				<div key={toast.id} className="toast" data-tone={toast.tone} data-testid="toast">
					<Icon name={toast.tone === 'error' ? 'alert' : 'info'} />
					<span>{toast.text}</span>
					<button type="button" aria-label={t('common.dismiss')} onClick={() => dismiss(toast.id)}>
						<Icon name="close" />
					</button>
				</div>
			))}
		</div>
	);
}
