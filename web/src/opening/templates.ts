/** Opens what plugins offer to begin with. */

import { fetchPackTemplate } from '../api/templates';
import { openText } from '../panels/files';

export async function openTemplate(pack: string, name: string): Promise<void> {
	await openText(() => fetchPackTemplate(pack, name));
}
