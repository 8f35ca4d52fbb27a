import { useEffect, useState } from 'react';
import { fetchDifference, type Difference, type NodeMark } from '../api/difference';
import { focusRun } from '../canvas/view';
import type { DialogProps } from '../commands/Dialogs';
import { currentKinds } from '../graph/kinds';
import { toRequest } from '../graph/request';
import { currentDoc } from '../graph/store';
import { useCompared } from '../run/compared';
import { tell } from '../run/submit';
import { Modal } from '../ui/Modal';
import { t } from '../i18n/i18n';

/** What is another on the canvas than in an earlier graph, in what it computes. */
export default function DifferenceDialog({ onClose }: DialogProps) {
	const { title, before } = useCompared();
	const [found, setFound] = useState<Difference | null>(null);
	useEffect(() => {
		void tell(async () => setFound(await fetchDifference(before, toRequest(currentDoc(), currentKinds()))));
	}, [before]);
	const others = found === null ? [] : [...found.named.map(({ name }) => name), ...found.texts.map(({ field }) => field)];
	const show = (node: string): void => {
		onClose();
		focusRun(node);
	};
	return (
		<Modal title={t('running.difference.title', { title })} onClose={onClose} className="difference">
			<div className="difference-body" data-testid="difference">
				{found === null && <p className="none">{t('common.loading')}</p>}
				{found?.same === true && <p className="none">{t('running.difference.same')}</p>}
				{found !== null && !found.same && (
					<>
						<Marks title={t('running.difference.added')} marks={found.added} onShow={show} />
						<Marks title={t('running.difference.removed')} marks={found.removed} />
						{found.changed.map(({ after: mark, inputs }) => (
							<section key={mark.node}>
								<h3>
									<button type="button" onClick={() => show(mark.node)}>
										{titleOf(mark)}
									</button>
								</h3>
								<dl>
									{inputs.map(({ input, before: was, after: is }) => (
										<div key={input}>
											<dt>{input}</dt>
											<dd>
												<del>{was ?? t('running.difference.notGiven')}</del>
												<ins>{is ?? t('running.difference.notGiven')}</ins>
											</dd>
										</div>
									))}
								</dl>
							</section>
						))}
						{others.length > 0 && <p>{t('running.difference.others', { names: others.join(', ') })}</p>}
					</>
				)}
			</div>
		</Modal>
	);
}

interface MarksProps {
	readonly title: string;
	readonly marks: readonly NodeMark[];
	readonly onShow?: (node: string) => void;
}

function Marks({ title, marks, onShow }: MarksProps) {
	return marks.length === 0 ? null : (
		<section>
			<h3>{title}</h3>
			<ul>
				{marks.map((mark) => (
					<li key={mark.node}>
						{onShow === undefined ? (
							titleOf(mark)
						) : (
							<button type="button" onClick={() => onShow(mark.node)}>
								{titleOf(mark)}
							</button>
						)}
					</li>
				))}
			</ul>
		</section>
	);
}

/** Of the node, or else of its kind. */
function titleOf({ title, kind }: NodeMark): string {
	return title || (currentKinds().get(kind)?.title ?? kind);
}
