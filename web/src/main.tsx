import { createRoot } from 'react-dom/client';
import '@xyflow/react/dist/base.css';
import './styles/tokens.css';
import './styles/page.css';
import './styles/canvas.css';
import './styles/node.css';
import './styles/widgets.css';
import './styles/panels.css';
import './styles/dock.css';
import './styles/persist.css';
import './styles/running.css';
import './styles/building.css';
import { App } from './App';
import { boot } from './boot';
import { Fallback } from './Fallback';

const root = document.getElementById('root');
if (root !== null) {
	createRoot(root).render(
		<Fallback>
			<App />
		</Fallback>,
	);
	void boot();
}
