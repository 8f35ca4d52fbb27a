import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const server = process.env.LUMENGRAPH_SERVER ?? 'http://127.0.0.1:8188';
const routes = ['/object_info', '/v1', '/prompt', '/view', '/upload', '/interrupt', '/queue', '/history'];

export default defineConfig({
	base: './',
	plugins: [react()],
	build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 700 },
	server: {
		proxy: {
			...Object.fromEntries(routes.map((route) => [route, { target: server, changeOrigin: false }])),
			'/ws': { target: server, ws: true, changeOrigin: false },
		},
	},
	test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
