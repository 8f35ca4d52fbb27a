import type { NodeId } from '../graph/types';
import { Icon } from '../panels/icons';
import type { Problem } from '../run/types';
import { t } from '../i18n/i18n';

export function NodeProblems({ id, problems }: { id: NodeId; problems: readonly Problem[] }) {
	if (problems.length === 0) {
		return null;
	}
	return (
		<div className="problems nodrag" role="alert" data-testid={`error-${id}`}>
			{problems.map((problem, index) => (
				<div className="entry" key={index}>
					<Icon name="alert" />
					<div>
						<p>{problemText(problem)}</p>
						{problem.source === 'execution' && problem.details !== '' && (
							<details>
								<summary>{t('problems.details')}</summary>
								<pre className="nowheel">{problem.details}</pre>
							</details>
						)}
					</div>
				</div>
			))}
		</div>
	);
}

/** Input, the server's message, and of its details what these two do not say yet. */
export function problemText({ message, details, input, source }: Problem): string {
	if (source === 'execution') {
		return message;
	}
	const rest =
		input !== null && details.startsWith(input) ? details.slice(input.length).replace(/^[\s,:-]+/, '') : details;
	const words = rest === '' || message.includes(rest) ? message : `${message}: ${rest}`;
	return input === null ? words : `${input}: ${words}`;
}
