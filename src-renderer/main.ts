/** Entry of the window: settings that must come first, styles, then the shell. */
import './lib/zod-settings.ts';
import './tokens.css';
import './base.css';
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('internal: the page has no element #app');
mount(App, { target });
