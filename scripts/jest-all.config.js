/** Both projects of jest.config.js in one call, with one closing line: unit tests in parallel, then live tests one by one. */
const { dirname } = require('node:path');
const base = require('../jest.config.js');

const rootDir = dirname(require.resolve('../jest.config.js'));
const serial = { runner: '<rootDir>/scripts/serial-runner.js' };

module.exports = {
  ...base,
  rootDir,
  projects: base.projects.map((project) => ({
    ...project,
    rootDir,
    ...(project.displayName === 'live' ? serial : {}),
  })),
};
