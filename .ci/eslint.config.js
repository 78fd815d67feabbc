// Lint rules: type-aware checks for TypeScript and Svelte, the order of the folders, and the length budget.
// `npm run lint` runs it from the root of the repository.
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';

/** Folders of src-main in the order in which data flows. A folder imports only from those before it. */
const layers = [
  'contract',
  'datasets',
  'models',
  'graph',
  'networks',
  'runtime',
  'rollout',
  'rewards',
  'estimators',
  'training',
  'store',
  'analysis',
  'app',
];

/** Layers that import nothing but the contract, although others come before them. */
const contractOnly = ['store'];

const electronRule = {
  regex: '^electron($|/)',
  message: 'Only src-main/app/electron may import electron.',
};
const rendererRule = {
  regex: '^(\\.\\./)+src-renderer/',
  message: 'The engine and the hosts do not know the renderer.',
};
const nodeRule = {
  regex: '^node:',
  message: 'The contract and the renderer run in a browser: no Node modules.',
};

function layerRule(layer) {
  const position = layers.indexOf(layer);
  const allowed = contractOnly.includes(layer) ? ['contract'] : layers.slice(0, position);
  const forbidden = layers.filter((other) => other !== layer && !allowed.includes(other));
  const patterns = [rendererRule];
  if (forbidden.length > 0) {
    patterns.push({
      regex: `^(\\.\\./)+(src-main/)?(${forbidden.join('|')})/`,
      message: `${layer} may import only from: ${[...allowed, layer].join(', ')} (order of docs/layout.md).`,
    });
  }
  if (layer !== 'app') patterns.push(electronRule);
  if (layer === 'contract') {
    patterns.push({ regex: '^(?!\\.|zod$)', message: 'The contract imports nothing but zod.' });
  }
  return {
    name: `layer ${layer}`,
    files: [`src-main/${layer}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
}

export default tseslint.config(
  {
    ignores: [
      '**/node_modules/**',
      'out/**',
      'coverage/**',
      'screenshots/**',
      'test/fixtures/**',
      'test/peers/**',
      'resources/**',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: `${import.meta.dirname}/..`,
        extraFileExtensions: ['.svelte'],
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', { max: 600 }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      'prefer-const': 'off',
      'svelte/prefer-const': ['error', { excludedRunes: ['$props', '$state', '$derived'] }],
      // Sets and maps are held in $state.raw and replaced as a whole, never changed in place.
      'svelte/prefer-svelte-reactivity': 'off',
      'svelte/no-at-html-tags': 'error',
      'svelte/require-each-key': 'error',
      // Addresses are made by lib/router; the application has no SvelteKit routes.
      'svelte/no-navigation-without-resolve': 'off',
      // TypeScript reports undefined names itself.
      'no-undef': 'off',
    },
  },
  ...layers.map(layerRule),
  {
    name: 'electron stays in its folder',
    files: ['src-main/app/**/*.ts'],
    ignores: ['src-main/app/electron/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [electronRule, rendererRule] }] },
  },
  {
    name: 'the renderer sees the contract and nothing else',
    files: ['src-renderer/**/*.ts', 'src-renderer/**/*.svelte'],
    ignores: ['src-renderer/vite.config.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            electronRule,
            nodeRule,
            { regex: 'src-main/(?!contract/)', message: 'The renderer sees the contract and nothing else.' },
          ],
        },
      ],
    },
  },
  {
    name: 'programs that print',
    files: ['src-main/app/cli/**', 'test/**', '.ci/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // Matchers such as expect.any and parsed output of commands have the type any.
    name: 'tests',
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    name: 'plain JavaScript',
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    ...tseslint.configs.disableTypeChecked,
  },
);
