/** Order of the test files: those with real servers first, since they last longest; else Jest's own order. */
const Sequencer = require('@jest/test-sequencer').default;

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const isLive = ({ path }) => path.includes('/test/live/');
    const sorted = super.sort(tests);
    return [...sorted.filter(isLive), ...sorted.filter((test) => !isLive(test))];
  }
};
