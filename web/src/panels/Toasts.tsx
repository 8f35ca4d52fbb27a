import { Icon } from './icons';
import { useToasts } from './toasts';

export function Toasts() {
	const { toasts, dismiss } = useToasts();
	return (
		<div className="toasts" role="status" aria-live="polite">
			{toasts.map((toast) => (
				<div key={toast.id} className="toast" data-tone={toast.tone} data-testid="toast">
					<Icon name={toast.tone === 'error' ? 'alert' : 'info'} />
					<span>{toast.text}</span>
					<button type="button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
						<Icon name="close" />
					</button>
				</div>
			))}
		</div>
	);
}
