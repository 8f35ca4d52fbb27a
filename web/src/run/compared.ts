/** The earlier graph that the one on the canvas is compared with. */

import { create } from 'zustand';
import type { JsonObject } from '../json';

export const useCompared = create<{ readonly title: string; readonly before: JsonObject }>()(() => ({ title: '', before: {} }));
