import { Dialog } from '@base-ui/react/dialog';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../panels/icons';
import { noteModal } from './modality';

interface ModalProps {
	readonly title: string;
	readonly onClose: () => void;
	readonly children: ReactNode;
	readonly className?: string;
	/** The title is read out, but not seen. */
	readonly bare?: boolean;
}

/** A dialog over the page: takes the focus, gives it back, and closes on Escape or a click beside it. */
export function Modal({ title, onClose, children, className = '', bare = false }: ModalProps) {
	const { t } = useTranslation();
	const [opener] = useState(() => document.activeElement);
	useEffect(noteModal, []);
	return (
		<Dialog.Root open onOpenChange={(open) => !open && onClose()}>
			<Dialog.Portal>
				<Dialog.Backdrop className="veil" />
				<Dialog.Popup
					className={`modal ${className}`}
					finalFocus={() => (opener instanceof HTMLElement && opener.isConnected ? opener : true)}
					 {...(bare ? { 'aria-label': title } : {})}>
					{!bare && (
						<header className="modal-head">
							<Dialog.Title>{title}</Dialog.Title>
							<Dialog.Close className="tool" aria-label={t('common.close')}>
								<Icon name="close" />
							</Dialog.Close>
						</header>
					)}
					{children}
				</Dialog.Popup>
			</Dialog.Portal>
		</Dialog.Root>
	);
}
