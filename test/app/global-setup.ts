/** Before any browser test: the window is built from the present sources. */
export { buildRenderer as setup } from './build-renderer.ts';
