import ReactMarkdown from 'react-markdown';
import remarkGfm from 'remark-gfm';

const PLUGINS = [remarkGfm];

/** Markdown without HTML. Pictures are left out: nothing is fetched from elsewhere. */
export default function Markdown({ text }: { text: string }) {
	return (
		<div className="markdown nowheel">
			<ReactMarkdown
				remarkPlugins={PLUGINS}
				disallowedElements={['img']}
				components={{
					a: ({ children, href }) => (
						<a className="nodrag" href={href} target="_blank" rel="noreferrer noopener">
							{children}
						</a>
					),
				}}
			>
				{text}
			</ReactMarkdown>
		</div>
	);
}
