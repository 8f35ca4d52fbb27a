import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFocus } from '../canvas/focus';
import { partId } from '../canvas/parts';
import { jumpTo } from '../canvas/view';
import { everything, findAll } from '../graph/find';
import { currentKinds } from '../graph/kinds';
import { currentDoc } from '../graph/store';
import { PickDialog } from '../ui/PickDialog';
import type { DialogProps } from './Dialogs';

const SHOWN = 200;

/** Nodes, frames and notes of the whole document by title, kind, id and values; jumps to the one chosen. */
export default function FindNode({ onClose }: DialogProps) {
	const { t } = useTranslation();
	const [text, setText] = useState('');
	const all = useMemo(() => everything(currentDoc(), currentKinds()), []);
	const items = useMemo(() => findAll(all, text).slice(0, SHOWN), [all, text]);
	return (
		<PickDialog
			title={t('commands.findNode')}
			hint={t('building.findHint')}
			testid="find"
			items={items}
			textOf={(found) => found.title}
			keyOf={(found) => found.key}
			testidOf={(found) => `find-${found.id}`}
			typed={{ text, onChange: setText }}
			onPick={(found) => {
				const id = partId(found.part, found.id);
				useFocus.setState({ id });
				jumpTo(found.path, id);
			}}
			onClose={onClose}
		>
			{(found) => (
				<>
					<span>{found.title}</span>
					<small>
						{found.part === 'node' ? found.id : t(`building.${found.part}`)}
						{found.where !== '' && ` · ${t('building.in', { where: found.where })}`}
					</small>
				</>
			)}
		</PickDialog>
	);
}
