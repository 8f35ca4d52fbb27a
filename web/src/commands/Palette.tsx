import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { PickDialog } from '../ui/PickDialog';
import type { DialogProps } from './Dialogs';
import { keysText } from './keys';
import { allCommands, isEnabled, runCommand } from './registry';

/** Every command by its name. */
export default function Palette({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const items = useMemo(() => allCommands().filter((command) => command.id !== 'palette' && isEnabled(command)), []);
	return (
		<PickDialog
			title={t('commands.palette')}
			label={t('keys.search')}
			hint={t('keys.search')}
			testid="palette"
			items={items}
			textOf={(command) => command.title()}
			keyOf={(command) => command.id}
			testidOf={(command) => `command-${command.id}`}
			// What it opens takes the focus after this dialog has given it back.
			onPick={(command) => setTimeout(() => runCommand(command.id))}
			onClose={onClose}
		>
			{(command) => (
				<>
					<span>{command.title()}</span>
					<small>{t(`groups.${command.group}`)}</small>
					{command.keys?.[0] !== undefined && <kbd>{keysText(command.keys[0])}</kbd>}
				</>
			)}
		</PickDialog>
	);
}
