import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The law of imports (CONTRIBUTING.md, "Architecture"): a folder may import only from the folders
 * listed beside it. What is not listed is refused by lint.
 */
const LAW = {
  base: [],
  domain: ['base'],
  store: ['domain', 'base', 'session/ports.ts', 'session/overview.ts'],
  session: ['domain', 'base'],
  routing: ['session', 'domain', 'base'],
  git: ['domain', 'base', 'session/ports.ts'],
  agents: ['domain', 'base', 'session/ports.ts'],
  runner: ['agents', 'domain', 'base'],
  editor: ['session', 'routing', 'domain', 'base'],
};

const zones = Object.entries(LAW).map(([folder, allowed]) => ({
  target: `./src/${folder}`,
  from: './src',
  except: [folder, ...allowed].map((name) => `./${name}`),
  message: `src/${folder} may import only from: ${[folder, ...allowed].join(', ')}.`,
}));

const bannedSyntax = [
  {
    selector: "CallExpression[callee.property.name='registerCommand']",
    message: 'Register commands through editor/commandRegistry.ts: it is where errors are shown.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^(execSync|execFileSync|spawnSync)$/]',
    message: 'Nothing may block the event loop of the extension host or the runner.',
  },
  {
    selector: "CallExpression[callee.object.name=/^(it|describe)$/][callee.property.name='only']",
    message: 'A focused test hides the others.',
  },
  {
    selector: "CallExpression[callee.object.name=/^(it|describe)$/][callee.property.name='skip']",
    message: 'A skipped test proves nothing.',
  },
];

export default tseslint.config(
  { ignores: ['dist', 'out', '.vscode-test', '.scratch', '.bench', 'test/ui/out'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })] },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...bannedSyntax],
      'no-restricted-globals': ['error', { name: 'execSync' }],
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/editor/**', 'src/extension.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'vscode', message: 'Only src/editor and src/extension.ts may name vscode.' },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
