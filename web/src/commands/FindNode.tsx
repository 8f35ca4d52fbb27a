import { Autocomplete } from '@base-ui/react/autocomplete';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFocus } from '../canvas/focus';
import { partId } from '../canvas/parts';
import { jumpTo } from '../canvas/view';
import { everything, findAll, type Found } from '../graph/find';
import { currentKinds } from '../graph/kinds';
import { currentDoc } from '../graph/store';
import { Icon } from '../panels/icons';
import { Modal } from '../ui/Modal';
import type { DialogProps } from './Dialogs';

const SHOWN = 200;

/** Nodes, frames and notes of the whole document by title, kind, id and values; jumps to the one chosen. */
export default function FindNode({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const [text, setText] = useState('');
	const all = useMemo(() => everything(currentDoc(), currentKinds()), []);
	const items = useMemo(() => findAll(all, text).slice(0, SHOWN), [all, text]);
	return (
		<Modal title={t('commands.findNode')} onClose={onClose} className="palette" bare>
			<Autocomplete.Root
				open
				inline
				items={items}
				filter={null}
				value={text}
				onValueChange={setText}
				itemToStringValue={(found: Found) => found.title}
				autoHighlight="always"
			>
				<div className="search-head">
					<Icon name="search" />
					<Autocomplete.Input
						autoFocus
						data-testid="find-input"
						aria-label={t('commands.findNode')}
						placeholder={t('building.findHint')}
					/>
				</div>
				<Autocomplete.Empty className="none">{t('common.nothing')}</Autocomplete.Empty>
				<Autocomplete.List className="palette-list">
					{(found: Found) => (
						<Autocomplete.Item
							key={found.key}
							value={found}
							className="palette-item"
							data-testid={`find-${found.id}`}
							onClick={() => {
								onClose();
								const id = partId(found.part, found.id);
								useFocus.setState({ id });
								jumpTo(found.path, id);
							}}
						>
							<span>{found.title}</span>
							<small>
								{found.part === 'node' ? found.id : t(`building.${found.part}`)}
								{found.where !== '' && ` · ${t('building.in', { where: found.where })}`}
							</small>
						</Autocomplete.Item>
					)}
				</Autocomplete.List>
			</Autocomplete.Root>
		</Modal>
	);
}
