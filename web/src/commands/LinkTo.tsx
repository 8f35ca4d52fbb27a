import { Autocomplete } from '@base-ui/react/autocomplete';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { connect, type LooseEnd } from '../canvas/commands';
import { targetsOf, useLinking, type Target } from '../canvas/linking';
import { socketColour } from '../canvas/palette';
import { canvasCentre } from '../canvas/view';
import { currentGraph } from '../graph/store';
import { Icon } from '../panels/icons';
import { openSearch } from '../panels/searching';
import { Modal } from '../ui/Modal';
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
		<Modal title={label} onClose={onClose} className="palette" bare>
			<Autocomplete.Root
				open
				inline
				items={items}
				itemToStringValue={({ title, label: socket }: Target) => `${title} ${socket}`}
				autoHighlight="always"
			>
				<div className="search-head">
					<Icon name="search" />
					<Autocomplete.Input autoFocus data-testid="link-input" aria-label={label} placeholder={label} />
				</div>
				<Autocomplete.Empty className="none">{t('common.nothing')}</Autocomplete.Empty>
				<Autocomplete.List className="palette-list">
					{(target: Target) => (
						<Autocomplete.Item
							key={`${target.ends.source} ${target.ends.output} ${target.ends.target} ${target.ends.input}`}
							value={target}
							className="palette-item"
							data-testid={`link-${end.side === 'source' ? `${target.ends.target}-${target.ends.input}` : `${target.ends.source}-${target.ends.output}`}`}
							onClick={() => {
								onClose();
								connect(target.ends);
							}}
						>
							<i className="dot" style={{ background: socketColour(target.type) }} />
							<span>
								{target.title} · {target.label}
							</span>
							<small>{target.taken ? t('building.taken', { type: target.type }) : target.type}</small>
						</Autocomplete.Item>
					)}
				</Autocomplete.List>
			</Autocomplete.Root>
			<footer className="palette-foot">
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
			</footer>
		</Modal>
	);
}
