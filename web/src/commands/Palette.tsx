import { Autocomplete } from '@base-ui/react/autocomplete';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../panels/icons';
import { Modal } from '../ui/Modal';
import type { DialogProps } from './Dialogs';
import { keysText } from './keys';
import { allCommands, isEnabled, runCommand, type Command } from './registry';

/** Every command by its name. */
export default function Palette({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const items = useMemo(() => allCommands().filter((command) => command.id !== 'palette' && isEnabled(command)), []);
	const choose = (command: Command): void => {
		onClose();
		// What it opens takes the focus after this dialog has given it back.
		setTimeout(() => runCommand(command.id));
	};
	return (
		<Modal title={t('commands.palette')} onClose={onClose} className="palette" bare>
			<Autocomplete.Root
				open
				inline
				items={items}
				itemToStringValue={(command: Command) => command.title()}
				autoHighlight="always"
			>
				<div className="search-head">
					<Icon name="search" />
					<Autocomplete.Input
						autoFocus
						data-testid="palette-input"
						aria-label={t('keys.search')}
						placeholder={t('keys.search')}
					/>
				</div>
				<Autocomplete.Empty className="none">{t('common.nothing')}</Autocomplete.Empty>
				<Autocomplete.List className="palette-list">
					{(command: Command) => (
						<Autocomplete.Item
							key={command.id}
							value={command}
							className="palette-item"
							data-testid={`command-${command.id}`}
							onClick={() => choose(command)}
						>
							<span>{command.title()}</span>
							<small>{t(`groups.${command.group}`)}</small>
							{command.keys?.[0] !== undefined && <kbd>{keysText(command.keys[0])}</kbd>}
						</Autocomplete.Item>
					)}
				</Autocomplete.List>
			</Autocomplete.Root>
		</Modal>
	);
}
