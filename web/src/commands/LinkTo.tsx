import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { connect, type LooseEnd } from '../canvas/commands';
import { targetsOf, useLinking } from '../canvas/linking';
import { socketColour } from '../canvas/palette';
import { canvasCentre } from '../canvas/view';
import { currentGraph } from '../graph/store';
import { Icon } from '../panels/icons';
import { openSearch } from '../panels/searching';
import { PickDialog } from '../ui/PickDialog';
import type { DialogProps } from './Dialogs';

/** Joins a socket without a pointer: all that it fits, best first, and a new node at the end. */
export default function LinkTo({ onClose }: DialogProps) {
	const end = useLinking((state) => state.end);
	return end === null ? null : <Choice end={end} onClose={onClose} />;
}

function Choice({ end, onClose }: DialogProps & { end: LooseEnd }) {
	const { t } = useTranslation();
	const items = useMemo(() => targetsOf(currentGraph(), end), [end]);
	const label = t(end.side === 'source' ? 'building.linkTo' : 'building.linkFrom', { type: end.type });
	return (
		<PickDialog
			title={label}
			hint={label}
			testid="link"
			items={items}
			textOf={({ title, label: socket }) => `${title} ${socket}`}
			keyOf={({ ends }) => `${ends.source} ${ends.output} ${ends.target} ${ends.input}`}
			testidOf={({ ends }) =>
				end.side === 'source' ? `link-${ends.target}-${ends.input}` : `link-${ends.source}-${ends.output}`
			}
			onPick={({ ends }) => connect(ends)}
			onClose={onClose}
			foot={
				<button
					type="button"
					data-testid="link-new-node"
					onClick={() => {
						onClose();
						setTimeout(() => openSearch(canvasCentre(), end));
					}}
				>
					<Icon name="plus" /> {t('building.linkNew')}
				</button>
			}
		>
			{(target) => (
				<>
					<i className="dot" style={{ background: socketColour(target.type) }} />
					<span>
						{target.title} · {target.label}
					</span>
					<small>{target.taken ? t('building.taken', { type: target.type }) : target.type}</small>
				</>
			)}
		</PickDialog>
	);
}
