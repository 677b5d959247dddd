import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { importX } from 'eslint-plugin-import-x';

/**
 * The layers: main -> app -> { bridge, xmpp, ximss, store, ops, config } -> core.
 * A layer imports only what stands to its right; xmpp and ximss never meet.
 */
const layer = (target, from, message) => ({ target: `./src/${target}`, from: from.map((f) => `./src/${f}`), message });
/** what stands above every layer */
const entrance = ['admin', 'app.ts', 'cli.ts', 'doctor', 'main.ts', 'reload.ts', 'run.ts', 'version.ts', 'world.ts'];
const top = [...entrance, 'config'];
const layers = [
  layer('config', ['bridge', 'xmpp', 'ximss', 'store', 'ops', ...entrance], 'config imports core only'),
  layer('core', ['bridge', 'xmpp', 'ximss', 'store', 'ops', ...top], 'core imports core only'),
  layer('xmpp', ['ximss', 'store', 'ops', ...top], 'xmpp imports core and bridge/ports'),
  layer('ximss', ['xmpp', 'store', 'ops', ...top], 'ximss imports core and bridge/ports'),
  layer('store', ['xmpp', 'ximss', 'ops', ...top], 'store imports core and bridge/ports'),
  layer('ops', ['xmpp', 'ximss', 'store', ...top], 'ops imports core and bridge/ports'),
  layer('bridge', ['xmpp', 'ximss', 'store', 'ops', ...top], 'bridge imports core and its own ports'),
];
/** Inside the middle, from the bottom up: a folder imports what stands below its own row, and nothing of its row. */
const bridgeFolders = [
  ['ports'],
  ['pacing', 'processes', 'state'],
  ['delivery', 'presence'],
  ['accounts', 'commands'],
  ['chat', 'contacts'],
  ['operator'],
  ['router.ts', 'listeners.ts', 'live-settings.ts', 'types.ts', 'bridge.ts'],
];
for (const [row, folders] of bridgeFolders.slice(0, -1).entries()) {
  for (const folder of folders) {
    const above = bridgeFolders
      .slice(row)
      .flat()
      .filter((other) => other !== folder);
    const from = above.map((other) => `bridge/${other}`);
    layers.push(layer(`bridge/${folder}`, from, `bridge/${folder} imports what stands below it in the middle`));
  }
}
const onlyPorts = {
  group: ['**/bridge/*', '!**/bridge/ports', '!**/bridge/ports.js'],
  message: 'adapters know bridge/ports, nothing else of the middle',
};
const packages = (names) =>
  names.map((name) => ({ group: [name, `${name}/*`], message: 'this package lives on another layer' }));
const lives = {
  xmpp: ['@xmpp/*'],
  ximss: ['sax'],
  store: ['bullmq', 'ioredis'],
  ops: ['fastify', 'pino', 'prom-client'],
};
const foreign = (own) => packages(Object.entries(lives).flatMap(([home, names]) => (home === own ? [] : names)));
const restrict = (folder, patterns) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { patterns: patterns.map((p) => ({ ...p, allowTypeImports: p.group[0] === 'pino' })) },
    ],
  },
});

/**
 * A function's own lines, without those of the functions inside it that have a name: the factories of this program
 * (`makeX`) hold their parts as functions, and each of these counts for itself.
 */
const ownLines = {
  meta: {
    type: 'suggestion',
    schema: [{ type: 'integer' }],
    messages: { long: '{{count}} lines of its own, at most {{max}}' },
  },
  create(context) {
    const [max] = context.options;
    const innerOf = [];
    const isNamed = ({ type, parent }) =>
      type === 'FunctionDeclaration' || ['VariableDeclarator', 'Property', 'MethodDefinition'].includes(parent.type);
    const enter = () => innerOf.push(0);
    const exit = (node) => {
      const lines = node.loc.end.line - node.loc.start.line + 1;
      const count = lines - innerOf.pop();
      if (isNamed(node) && innerOf.length > 0) innerOf[innerOf.length - 1] += lines;
      else if (innerOf.length > 0) innerOf[innerOf.length - 1] += lines - count;
      if (count > max) context.report({ node, messageId: 'long', data: { count, max } });
    };
    const functions = ':matches(FunctionDeclaration, FunctionExpression, ArrowFunctionExpression)';
    return { [functions]: enter, [`${functions}:exit`]: exit };
  },
};

const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));
/** what the console's script may use of a browser */
const browserGlobals = readonly([
  ...['addEventListener', 'confirm', 'document', 'fetch', 'location', 'setTimeout'],
  ...['FormData', 'Node', 'URLSearchParams'],
]);

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'data/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { 'import-x': importX, house: { rules: { 'own-lines': ownLines } } },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.js'] } } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/naming-convention': [
        'error',
        // constants too; a leading underscore says that a parameter is not used
        { selector: 'variableLike', format: ['camelCase'], leadingUnderscore: 'forbid' },
        { selector: 'parameter', format: ['camelCase'], leadingUnderscore: 'allow' },
        // the name of what is taken apart is not ours
        { selector: ['variable', 'parameter'], modifiers: ['destructured'], format: null },
        { selector: ['classProperty', 'classMethod'], format: ['camelCase'] },
        { selector: 'typeLike', format: ['PascalCase'] },
      ],
      'no-control-regex': 'off',
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: layers }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'import-x/no-cycle': 'error', 'max-lines': ['error', 300], 'house/own-lines': ['error', 80] },
  },
  { files: ['test/**/*.ts'], rules: { 'max-lines': ['error', 400] } },
  restrict('core', foreign('core')),
  restrict('bridge', foreign('bridge')),
  restrict('xmpp', [onlyPorts, ...foreign('xmpp')]),
  restrict('ximss', [onlyPorts, ...foreign('ximss')]),
  restrict('store', [onlyPorts, ...foreign('store')]),
  restrict('ops', [onlyPorts, ...foreign('ops')]),
  {
    files: ['**/*.js', '**/*.mjs'],
    ignores: ['src/ops/console/*.js'],
    languageOptions: {
      globals: { ...readonly(['require', 'process', 'console', '__dirname']), module: 'writable' },
    },
  },
  {
    files: ['src/ops/console/*.js'],
    languageOptions: { sourceType: 'module', globals: browserGlobals },
    rules: {
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'write'].map((property) => ({
          property,
          message: 'the console writes text nodes, never markup',
        })),
      ],
    },
  },
);
