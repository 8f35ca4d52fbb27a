import { Autocomplete } from '@base-ui/react/autocomplete';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../panels/icons';
import { Modal } from './Modal';

interface PickDialogProps<T> {
	readonly title: string;
	/** Read out for the field; without it, the title is. */
	readonly label?: string;
	readonly hint: string;
	/** The beginning of test ids: the field is `ID-input`. */
	readonly testid: string;
	readonly items: readonly T[];
	readonly textOf: (item: T) => string;
	readonly keyOf: (item: T) => string;
	readonly testidOf: (item: T) => string;
	readonly onPick: (item: T) => void;
	readonly onClose: () => void;
	/** What one of them looks like. */
	readonly children: (item: T) => ReactNode;
	/** What was typed, where the items are found elsewhere; without it they are those whose text has it. */
	readonly typed?: { readonly text: string; readonly onChange: (text: string) => void };
	readonly foot?: ReactNode;
}

/** One of many, found by typing: arrows choose, Enter picks, Escape leaves. */
export function PickDialog<T>(props: PickDialogProps<T>) {
	const { title, label = title, hint, testid, items, textOf, keyOf, testidOf, onPick, onClose, children, typed, foot } = props;
	const { t } = useTranslation();
	const elsewhere = typed === undefined ? {} : { filter: null, value: typed.text, onValueChange: typed.onChange };
	return (
		<Modal title={title} onClose={onClose} className="palette" bare>
			<Autocomplete.Root open inline items={items} itemToStringValue={textOf} autoHighlight="always" {...elsewhere}>
				<div className="search-head">
					<Icon name="search" />
					<Autocomplete.Input autoFocus data-testid={`${testid}-input`} aria-label={label} placeholder={hint} />
				</div>
				<Autocomplete.Empty className="none">{t('common.nothing')}</Autocomplete.Empty>
				<Autocomplete.List className="palette-list">
					{(item: T) => (
						<Autocomplete.Item
							key={keyOf(item)}
							value={item}
							className="palette-item"
							data-testid={testidOf(item)}
							onClick={() => {
								onClose();
								onPick(item);
							}}
						>
							{children(item)}
						</Autocomplete.Item>
					)}
				</Autocomplete.List>
			</Autocomplete.Root>
			{foot !== undefined && <footer className="palette-foot">{foot}</footer>}
		</Modal>
	);
}
