// Svelte settings of the window: runes everywhere, TypeScript in components without a preprocessor.
export default {
  compilerOptions: { runes: true },
};
