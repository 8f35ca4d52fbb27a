import { useTranslation } from 'react-i18next';
import { useKinds } from '../graph/kinds';
import { useGraph } from '../graph/store';
import { operationWords } from './words';

const SHOWN = 300;

/** The edits of this document, the latest on top; a click goes to where the document was after one of them. */
export function EditList() {
	const { t, i18n } = useTranslation();
	const { operations, done } = useGraph((state) => state.log);
	const kinds = useKinds((state) => state.kinds);
	const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'medium' });
	const first = Math.max(0, operations.length - SHOWN);
	return (
		<ol className="edits" reversed>
			{operations
				.slice(first)
				.map((operation, offset) => {
					const place = first + offset + 1;
					return (
						<li key={place}>
							<button
								type="button"
								data-testid={`edit-${place}`}
								data-undone={place > done || undefined}
								aria-current={place === done}
								onClick={() => goTo(place)}
							>
								<span>{operationWords(operation, kinds)}</span>
								<time>{time.format(operation.at)}</time>
							</button>
						</li>
					);
				})
				.reverse()}
			<li>
				<button type="button" data-testid="edit-0" aria-current={done === 0} onClick={() => goTo(0)}>
					<span>{t('persist.edits.opened')}</span>
				</button>
			</li>
		</ol>
	);
}

function goTo(place: number): void {
	const { undo, redo } = useGraph.getState();
	for (let left = useGraph.getState().log.done - place; left > 0; left -= 1) {
		undo();
	}
	for (let left = place - useGraph.getState().log.done; left > 0; left -= 1) {
		redo();
	}
}
