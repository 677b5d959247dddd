/** The part of the build that is no TypeScript: every other file under src/ (the console's page, Lua scripts) goes to its place in dist/. */
const { cpSync } = require('node:fs');
const { extname, join } = require('node:path');

const root = join(__dirname, '..');
cpSync(join(root, 'src'), join(root, 'dist'), {
  recursive: true,
  filter: (source) => extname(source) !== '.ts',
});
