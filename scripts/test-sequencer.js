/**
 * Order of the test files: those with real servers first, since they last longest, then those that start processes; else
 * Jest's own order. A long file that begins last would be waited for by all.
 */
const Sequencer = require('@jest/test-sequencer').default;

const rankOf = ({ path }) => {
  if (path.includes('/test/live/')) return 0;
  return /\/test\/(store|support-tests|transcripts|[^/]+$)/.test(path) ? 1 : 2;
};

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const ordered = super.sort(tests);
    return [0, 1, 2].flatMap((rank) => ordered.filter((test) => rankOf(test) === rank));
  }
};
