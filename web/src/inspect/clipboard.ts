/** Puts a text on the clipboard, also where the page may not ask for it: without TLS, other than on this machine. */
export async function copyText(text: string): Promise<void> {
	if (navigator.clipboard === undefined) {
		const field = document.createElement('textarea');
		field.value = text;
		document.body.append(field);
		field.select();
		document.execCommand('copy');
		field.remove();
		return;
	}
	await navigator.clipboard.writeText(text);
}
