/** Jest reporter: one plain line, `N passed, N failed`, that any CI can read; into the file COUNT_FILE when it is set. */
const { writeFileSync } = require('node:fs');

module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests ? `, ${results.numPendingTests} skipped` : '';
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped}`;
    if (process.env.COUNT_FILE) writeFileSync(process.env.COUNT_FILE, `${line}\n`);
    else process.stdout.write(`\n${line}\n`);
  }
};
