import { useTranslation } from 'react-i18next';
import { Icon } from '../panels/icons';

/** Asks the server again. */
export function ReloadButton({ onClick }: { onClick: () => Promise<void> }) {
	const { t } = useTranslation();
	return (
		<button
			type="button"
			className="tool"
			aria-label={t('inspect.reload')}
			data-tip={t('inspect.reload')}
			onClick={() => void onClick()}
		>
			<Icon name="refresh" />
		</button>
	);
}
